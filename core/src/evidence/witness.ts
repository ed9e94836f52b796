/**
 * What a witness and a ledger say to each other (C2SP tlog-witness v1.0.0, `add-checkpoint`), and the judgement of a witness.
 *
 * A witness remembers of each ledger that it knows the last checkpoint that it cosigned. It cosigns only what provably goes on
 * from there: so one ledger key cannot show two histories to people who ask the same witness. Pure; that the new state is on
 * the disk before the answer leaves, and that one request is judged at a time, is for the caller.
 */
import { fromBase64, fromUtf8, isCodedError, isEqualBytes, toBase64 } from '../bytes/index.ts';
import { type Checkpoint, verifyCheckpoint } from './checkpoint.ts';
import { EvidenceError } from './errors.ts';
import { verifyConsistency } from './merkle-proof.ts';
import { emptyRoot, HASH_SIZE_BYTES } from './merkle-tree.ts';

export const ADD_CHECKPOINT_LIMITS = { sizeBytesMax: 72 * 1024 } as const;
const HASHES_MAX = 63;
const OLD_LINE = /^old (0|[1-9][0-9]{0,15})$/;

export type AddCheckpoint = {
  /** The size that the witness is thought to have cosigned last; 0 when it is not known. */
  readonly oldSize: number;
  readonly proof: readonly Uint8Array[];
  /** The signed note. */
  readonly note: string;
};

/** The body of a request. */
export function encodeAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): string {
  return [`old ${oldSize}`, ...proof.map(toBase64), '', note].join('\n');
}

function malformed(expected: string, cause?: unknown): EvidenceError {
  return new EvidenceError('WITNESS_REQUEST_MALFORMED', { expected }, cause);
}

/**
 * Reads the body of a request; nothing of it is verified.
 * @throws EvidenceError WITNESS_REQUEST_MALFORMED
 */
export function parseAddCheckpoint(bytes: Uint8Array): AddCheckpoint {
  if (bytes.length > ADD_CHECKPOINT_LIMITS.sizeBytesMax) {
    throw malformed(`at most ${ADD_CHECKPOINT_LIMITS.sizeBytesMax} bytes`);
  }
  try {
    const text = fromUtf8(bytes);
    const end = text.indexOf('\n\n');
    const [oldLine = '', ...lines] = text.slice(0, Math.max(0, end)).split('\n');
    const digits = OLD_LINE.exec(oldLine)?.[1];
    const oldSize = Number(digits);
    if (digits === undefined || !Number.isSafeInteger(oldSize)) throw malformed('old and a size');
    if (lines.length > HASHES_MAX) throw malformed(`at most ${HASHES_MAX} hashes`);
    const proof = lines.map((line) => fromBase64(line));
    if (proof.some((hash) => hash.length !== HASH_SIZE_BYTES)) throw malformed('hashes of 32 bytes');
    return { oldSize, proof, note: text.slice(end + 2) };
  } catch (cause) {
    if (cause instanceof EvidenceError || !isCodedError(cause)) throw cause;
    throw malformed('lines of UTF-8 and base64', cause);
  }
}

/** A ledger that a witness knows, and the last checkpoint of it that it cosigned; size 0 when there was none. */
export type WitnessedLedger = {
  readonly vkey: string;
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
};

/** A ledger of which nothing was cosigned yet. */
export function unseenLedger(vkey: string, origin: string): WitnessedLedger {
  return { vkey, origin, size: 0, root: emptyRoot() };
}

export type WitnessJudgement =
  /** Cosign it, after it was put down as the last one. */
  | { readonly status: 200; readonly checkpoint: Checkpoint }
  /** The last size that was cosigned; `isFork`: this very size was cosigned with another root. */
  | { readonly status: 409; readonly size: number; readonly isFork: boolean }
  | { readonly status: 400 | 403 | 404 | 422; readonly reason: string };

/** The origin line of a note that nothing was verified of: only to find the key to verify it with. */
function claimedOrigin(note: string): string {
  return note.slice(0, Math.max(0, note.indexOf('\n')));
}

function isConsistent(
  { size: oldSize, root: oldRoot }: WitnessedLedger,
  { size, root }: Checkpoint,
  proof: AddCheckpoint['proof'],
): boolean {
  // tlog-witness: from nothing to anything there is nothing to prove, and then no proof may be given.
  if (oldSize === 0) return proof.length === 0 && (size > 0 || isEqualBytes(root, oldRoot));
  try {
    verifyConsistency({ oldSize, oldRoot, size, root, proof });
    return true;
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    return false;
  }
}

/** Judges a request against what the witness knows of the ledger that it names, in the order of the specification. */
export function judgeCheckpoint(
  request: AddCheckpoint,
  ledgerOf: (origin: string) => WitnessedLedger | undefined,
): WitnessJudgement {
  const known = ledgerOf(claimedOrigin(request.note));
  if (known === undefined) return { status: 404, reason: 'WITNESS_LEDGER_UNKNOWN' };
  let checkpoint: Checkpoint;
  try {
    checkpoint = verifyCheckpoint(request.note, known.vkey, known.origin);
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    return { status: error.code === 'CHECKPOINT_MALFORMED' ? 400 : 403, reason: error.code };
  }
  const { size, root } = checkpoint;
  if (request.oldSize > size) return { status: 400, reason: 'WITNESS_REQUEST_MALFORMED' };
  if (request.oldSize !== known.size) return { status: 409, size: known.size, isFork: false };
  if (known.size > 0 && known.size === size && !isEqualBytes(known.root, root)) {
    return { status: 409, size: known.size, isFork: true };
  }
  if (!isConsistent(known, checkpoint, request.proof)) return { status: 422, reason: 'MERKLE_CONSISTENCY_INVALID' };
  return { status: 200, checkpoint: { origin: checkpoint.origin, size, root } };
}

/** What a witness answers: signature lines, or the size that it cosigned last. */
export function encodeSizeAnswer(size: number): string {
  return `${size}\n`;
}

/** The size in an answer; undefined when it is none. */
export function parseSizeAnswer(body: string): number | undefined {
  const digits = /^(0|[1-9][0-9]{0,15})\n$/.exec(body)?.[1];
  const size = Number(digits);
  return digits !== undefined && Number.isSafeInteger(size) ? size : undefined;
}
