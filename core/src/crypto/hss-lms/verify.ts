/**
 * HSS and LMS verification (RFC 8554 §4.6, §5.4, §6.3; SP 800-208). The key says which parameters a signature must have,
 * and so how long it is; a signature of another length or with other type codes is refused before anything is hashed.
 */
import { concat, isEqualBytes } from '../../bytes/index.ts';
import { CryptoError } from '../errors.ts';
import { D_INTR, D_LEAF, D_MESG, D_PBLC, digitsOf, prefixOf, walkChain } from './chain.ts';
import {
  IDENTIFIER_SIZE_BYTES,
  lmsHash,
  otsSignatureSizeBytes,
  publicKeySizeBytes,
  signatureSizeBytes,
  type TreeParameters,
  treeParametersOf,
} from './parameters.ts';

/** RFC 8554 §6: an HSS key has one to eight levels. */
const LEVELS_MAX = 8;

function u32(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset);
}

function invalid(expected: string): CryptoError {
  return new CryptoError('CRYPTO_SIGNATURE_INVALID', { algorithm: 'HSS-LMS', expected });
}

type LmsPublicKey = { readonly tree: TreeParameters; readonly identifier: Uint8Array; readonly root: Uint8Array };

/** An LMS public key at an offset; undefined when the bytes are none. */
function readLmsPublicKey(bytes: Uint8Array, offset: number): LmsPublicKey | undefined {
  if (offset + 8 > bytes.length) return undefined;
  const tree = treeParametersOf(u32(bytes, offset), u32(bytes, offset + 4));
  if (tree === undefined || offset + publicKeySizeBytes(tree) > bytes.length) return undefined;
  const rootAt = offset + 8 + IDENTIFIER_SIZE_BYTES;
  return {
    tree,
    identifier: bytes.subarray(offset + 8, rootAt),
    root: bytes.subarray(rootAt, rootAt + tree.lms.hash.sizeBytes),
  };
}

/** RFC 8554 algorithm 4b: the one-time public key that a one-time signature leads to. */
function otsPublicKey(key: LmsPublicKey, q: number, signature: Uint8Array, message: Uint8Array): Uint8Array {
  const { ots } = key.tree;
  const size = ots.hash.sizeBytes;
  const randomizer = signature.subarray(4, 4 + size);
  const digest = lmsHash(ots.hash, concat(prefixOf(key.identifier, q, D_MESG), randomizer, message));
  const to = (1 << ots.width) - 1;
  const ends = digitsOf(digest, ots).map((from, index) => {
    const at = 4 + size * (1 + index);
    return walkChain(ots, { identifier: key.identifier, q, index }, signature.subarray(at, at + size), { from, to });
  });
  return lmsHash(ots.hash, concat(prefixOf(key.identifier, q, D_PBLC), ...ends));
}

/** RFC 8554 algorithm 6. The signature has exactly the size that the key asks for. */
function verifyLms(key: LmsPublicKey, message: Uint8Array, signature: Uint8Array): void {
  const { lms, ots } = key.tree;
  const q = u32(signature, 0);
  const typeAt = 4 + otsSignatureSizeBytes(key.tree);
  if (u32(signature, 4) !== ots.typeCode || u32(signature, typeAt) !== lms.typeCode) {
    throw invalid('the type codes of the key');
  }
  if (q >= 2 ** lms.height) throw invalid('a leaf of the tree');
  let node = 2 ** lms.height + q;
  const leaf = otsPublicKey(key, q, signature.subarray(4, typeAt), message);
  let value = lmsHash(lms.hash, concat(prefixOf(key.identifier, node, D_LEAF), leaf));
  for (let at = typeAt + 4; node > 1; at += lms.hash.sizeBytes) {
    const sibling = signature.subarray(at, at + lms.hash.sizeBytes);
    const pair = node % 2 === 1 ? [sibling, value] : [value, sibling];
    node = Math.floor(node / 2);
    value = lmsHash(lms.hash, concat(prefixOf(key.identifier, node, D_INTR), ...pair));
  }
  if (!isEqualBytes(value, key.root)) throw invalid('a path to the root of the key');
}

/** A raw HSS public key (RFC 8554 §6.1): u32 levels, then the LMS public key of the topmost tree. */
export class HssPublicKey {
  readonly raw: Uint8Array;
  readonly #levels: number;
  readonly #top: LmsPublicKey;

  /** @throws CryptoError CRYPTO_KEY_MALFORMED, CRYPTO_KEY_UNSUPPORTED */
  constructor(raw: Uint8Array) {
    if (raw.length < 12) throw new CryptoError('CRYPTO_KEY_MALFORMED', { what: 'HSS public key', actual: raw.length });
    this.raw = raw.slice();
    this.#levels = u32(this.raw, 0);
    const [lmsType, otsType] = [u32(this.raw, 4), u32(this.raw, 8)];
    if (treeParametersOf(lmsType, otsType) === undefined) {
      throw new CryptoError('CRYPTO_KEY_UNSUPPORTED', { what: 'LMS parameters', lmsType, otsType });
    }
    const top = readLmsPublicKey(this.raw, 4);
    const isWhole = top !== undefined && 4 + publicKeySizeBytes(top.tree) === this.raw.length;
    if (!isWhole || this.#levels < 1 || this.#levels > LEVELS_MAX) {
      throw new CryptoError('CRYPTO_KEY_MALFORMED', { what: 'HSS public key', actual: this.raw.length });
    }
    this.#top = top;
  }

  /**
   * Returns only when the signature fits the message: each tree signs the key of the next, the last one the message.
   * @throws CryptoError CRYPTO_SIGNATURE_INVALID
   */
  verify(message: Uint8Array, signature: Uint8Array): void {
    if (signature.length < 4 || u32(signature, 0) !== this.#levels - 1) throw invalid('the levels of the key');
    let key = this.#top;
    let offset = 4;
    for (let level = 1; level < this.#levels; level += 1) {
      const end = offset + signatureSizeBytes(key.tree);
      const next = readLmsPublicKey(signature, end);
      if (next === undefined) throw invalid('an LMS public key of the next level');
      const nextEnd = end + publicKeySizeBytes(next.tree);
      verifyLms(key, signature.subarray(end, nextEnd), signature.subarray(offset, end));
      key = next;
      offset = nextEnd;
    }
    if (signature.length - offset !== signatureSizeBytes(key.tree)) throw invalid('the length that the key asks for');
    verifyLms(key, message, signature.subarray(offset));
  }
}
