/**
 * dm-verity hash trees (Linux, admin-guide/device-mapper/verity; hash type 1, SHA-256, blocks of 4096 bytes): each block of
 * a level is hashed behind the salt, the hashes fill the blocks of the level above, and the one block at the top gives the
 * root. Behind the data the levels stand from the top down.
 */
import { createHash } from 'node:crypto';
import { concat, isEqualBytes } from '../bytes/index.ts';
import { ImageError } from './errors.ts';

const BLOCK_SIZE_BYTES = 4096;
const DIGEST_SIZE_BYTES = 32;

export type VerityTree = { readonly rootHash: Uint8Array; readonly salt: Uint8Array };

function hashBlock(block: Uint8Array, salt: Uint8Array): Uint8Array {
  return createHash('sha256').update(salt).update(block).digest();
}

/** The level above: the hashes of all blocks, filled up with zeros to whole blocks. */
function hashLevel(level: Uint8Array, salt: Uint8Array): Uint8Array {
  const count = level.length / BLOCK_SIZE_BYTES;
  const blocks = Math.ceil((count * DIGEST_SIZE_BYTES) / BLOCK_SIZE_BYTES);
  const above = new Uint8Array(blocks * BLOCK_SIZE_BYTES);
  for (let index = 0; index < count; index += 1) {
    const at = index * BLOCK_SIZE_BYTES;
    above.set(hashBlock(level.subarray(at, at + BLOCK_SIZE_BYTES), salt), index * DIGEST_SIZE_BYTES);
  }
  return above;
}

/**
 * Recomputes the tree over the data and holds it against the one that stands behind them, and its root against the signed one.
 * @throws ImageError IMAGE_MALFORMED (no whole blocks), IMAGE_DIGEST_MISMATCH
 */
export function verifyVerityTree(data: Uint8Array, tree: Uint8Array, { rootHash, salt }: VerityTree): void {
  if (data.length === 0 || data.length % BLOCK_SIZE_BYTES !== 0) {
    throw new ImageError('IMAGE_MALFORMED', { expected: 'data of whole blocks', actual: data.length });
  }
  const levels: Uint8Array[] = [];
  let top = data;
  while (top.length > BLOCK_SIZE_BYTES) {
    top = hashLevel(top, salt);
    levels.unshift(top);
  }
  if (!isEqualBytes(hashBlock(top, salt), rootHash)) {
    throw new ImageError('IMAGE_DIGEST_MISMATCH', { expected: 'the root of the hash tree' });
  }
  if (!isEqualBytes(concat(...levels), tree)) {
    throw new ImageError('IMAGE_DIGEST_MISMATCH', { expected: 'the hash tree of the data' });
  }
}
