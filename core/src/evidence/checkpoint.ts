/**
 * Checkpoints of the ledger (C2SP tlog-checkpoint v1.0.0): a signed note whose text is origin, size and root, one a line.
 * Extension lines are refused, as the specification recommends against them. The origin is the name of the key unless the
 * caller says otherwise.
 */
import { fromBase64, toBase64 } from '../bytes/index.ts';
import type { Signer } from '../crypto/index.ts';
import { EvidenceError } from './errors.ts';
import { HASH_SIZE_BYTES } from './merkle-tree.ts';
import { parseVkey, signNote, verifyNote } from './signed-note.ts';

/** The state of a ledger: which one, how many entries, and the root over them. */
export type Checkpoint = { readonly origin: string; readonly size: number; readonly root: Uint8Array };

function malformed(expected: string, cause?: unknown): EvidenceError {
  return new EvidenceError('CHECKPOINT_MALFORMED', { expected }, cause);
}

/**
 * Signs a checkpoint with the ledger key under its name.
 * @throws EvidenceError CHECKPOINT_MALFORMED, VKEY_MALFORMED
 */
export async function signCheckpoint(checkpoint: Checkpoint, name: string, signer: Signer): Promise<string> {
  const { origin, size, root } = checkpoint;
  const text = `${origin}\n${size}\n${toBase64(root)}\n`;
  parseCheckpointText(text);
  return signNote(text, name, signer);
}

/** @throws EvidenceError CHECKPOINT_MALFORMED */
export function parseCheckpointText(text: string): Checkpoint {
  const match = /^([^\p{Cc}]{1,255})\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/=]{44})\n$/u.exec(text);
  if (match === null) throw malformed('origin, size and root, one a line');
  const [, origin = '', digits = '', encoded = ''] = match;
  const size = Number(digits);
  if (!Number.isSafeInteger(size)) throw malformed('a size below 2^53');
  let root: Uint8Array;
  try {
    root = fromBase64(encoded);
  } catch (cause) {
    throw malformed('base64', cause);
  }
  if (root.length !== HASH_SIZE_BYTES) throw malformed('a root of 32 bytes');
  return { origin, size, root };
}

/** A checkpoint whose signature was verified; made only by `verifyCheckpoint`. */
export class VerifiedCheckpoint {
  readonly #checkpoint: Checkpoint;

  private constructor(checkpoint: Checkpoint) {
    this.#checkpoint = checkpoint;
  }

  get origin(): string {
    return this.#checkpoint.origin;
  }
  get size(): number {
    return this.#checkpoint.size;
  }
  get root(): Uint8Array {
    return this.#checkpoint.root;
  }

  static verify(note: string, vkeyText: string, origin?: string): VerifiedCheckpoint {
    const vkey = parseVkey(vkeyText);
    const checkpoint = parseCheckpointText(verifyNote(note, vkey));
    // tlog-checkpoint: a client must know the origin that it expects; one key may sign for several ledgers.
    if (checkpoint.origin !== (origin ?? vkey.name)) {
      throw new EvidenceError('CHECKPOINT_ORIGIN_UNEXPECTED', {
        expected: origin ?? vkey.name,
        actual: checkpoint.origin,
      });
    }
    return new VerifiedCheckpoint(checkpoint);
  }
}

/**
 * Verifies a checkpoint under the verification key of its ledger; the origin must be the key's name unless another is given.
 * @throws EvidenceError VKEY_MALFORMED, CHECKPOINT_MALFORMED, CHECKPOINT_SIGNER_UNKNOWN, CHECKPOINT_SIGNATURE_INVALID, CHECKPOINT_ORIGIN_UNEXPECTED
 */
export function verifyCheckpoint(note: string, vkey: string, origin?: string): VerifiedCheckpoint {
  return VerifiedCheckpoint.verify(note, vkey, origin);
}
