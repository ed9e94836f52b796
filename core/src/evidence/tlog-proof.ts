/**
 * Proofs that stand alone (C2SP tlog-proof v1): index, inclusion proof and checkpoint in one text file, to be kept beside
 * the entry (`.tlog-proof`). Extra data is not authenticated by anything, so a proof that carries some is read, and the
 * data is not looked at.
 */
import { fromBase64, fromUtf8, toBase64 } from '../bytes/index.ts';
import { verifyCheckpoint } from './checkpoint.ts';
import { type Cosignature, verifyCosignatures, type WitnessPolicy } from './cosignature.ts';
import { EvidenceError } from './errors.ts';
import { verifyInclusion } from './merkle-proof.ts';
import { HASH_SIZE_BYTES, leafHash } from './merkle-tree.ts';

const HEADER = 'c2sp.org/tlog-proof@v1';
const SIZE_BYTES_MAX = 128 * 1024;
/** A tree of 2^53 entries is 53 levels high. */
const HASHES_MAX = 53;
const INDEX_LINE = /^index (0|[1-9][0-9]{0,15})$/;
const EXTRA_LINE = /^extra [A-Za-z0-9+/=]+$/;

export type TlogProof = {
  readonly index: number;
  readonly hashes: readonly Uint8Array[];
  /** The signed checkpoint, verbatim. */
  readonly checkpoint: string;
};

/** What a proof proved: the entry at this index of this ledger, at this size; who cosigned it, when that was asked for. */
export type VerifiedInclusion = {
  readonly origin: string;
  readonly index: number;
  readonly size: number;
  readonly cosignatures?: readonly Cosignature[];
};

function malformed(expected: string, cause?: unknown): EvidenceError {
  return new EvidenceError('PROOF_MALFORMED', { expected }, cause);
}

/** The text of a proof. */
export function encodeTlogProof({ index, hashes, checkpoint }: TlogProof): string {
  return [HEADER, `index ${index}`, ...hashes.map(toBase64), '', checkpoint].join('\n');
}

/** True for bytes that begin as a proof does. */
export function isTlogProof(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, HEADER.length)).toString('latin1') === HEADER;
}

function parseHash(line: string): Uint8Array {
  let hash: Uint8Array;
  try {
    hash = fromBase64(line);
  } catch (cause) {
    throw malformed('hashes in base64', cause);
  }
  if (hash.length !== HASH_SIZE_BYTES) throw malformed('hashes of 32 bytes');
  return hash;
}

/**
 * Reads a proof; nothing of it is verified.
 * @throws EvidenceError PROOF_MALFORMED
 */
export function parseTlogProof(bytes: Uint8Array): TlogProof {
  if (bytes.length > SIZE_BYTES_MAX) throw malformed(`at most ${SIZE_BYTES_MAX} bytes`);
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch (cause) {
    throw malformed('UTF-8', cause);
  }
  const end = text.indexOf('\n\n');
  const [header, ...lines] = text.slice(0, Math.max(0, end)).split('\n');
  if (header !== HEADER) throw malformed(HEADER);
  const rest = EXTRA_LINE.test(lines[0] ?? '') ? lines.slice(1) : lines;
  const [indexLine = '', ...hashLines] = rest;
  const digits = INDEX_LINE.exec(indexLine)?.[1];
  const index = Number(digits);
  if (digits === undefined || !Number.isSafeInteger(index)) throw malformed('index and a number');
  if (hashLines.length > HASHES_MAX) throw malformed(`at most ${HASHES_MAX} hashes`);
  return { index, hashes: hashLines.map(parseHash), checkpoint: text.slice(end + 2) };
}

/**
 * Verifies that the ledger of this key holds an entry, byte for byte, by a proof alone; and that the witnesses of a policy
 * cosigned it.
 * @throws EvidenceError PROOF_MALFORMED, VKEY_MALFORMED, CHECKPOINT_*, MERKLE_INCLUSION_INVALID, WITNESS_POLICY_INVALID
 */
export function verifyTlogProof(
  bytes: Uint8Array,
  entry: Uint8Array,
  vkey: string,
  witnesses?: WitnessPolicy,
): VerifiedInclusion {
  const { index, hashes, checkpoint } = parseTlogProof(bytes);
  const { origin, size, root } = verifyCheckpoint(checkpoint, vkey);
  const cosignatures = witnesses === undefined ? undefined : verifyCosignatures(checkpoint, vkey, witnesses);
  verifyInclusion({ index, size, leafHash: leafHash(entry), proof: hashes, root });
  return { origin, index, size, ...(cosignatures === undefined ? {} : { cosignatures }) };
}
