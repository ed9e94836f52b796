/**
 * Cosignatures of witnesses on a checkpoint (C2SP tlog-cosignature v1.0.1, and its ML-DSA-44 form): a witness says that at a
 * time it had seen this ledger at this size with this root, and no other history of it. How many of which witnesses must have
 * said so is the verifier's own policy; too few refuse the checkpoint. Each key counts once, and each name.
 */
import { concat, toHex, utf8 } from '../bytes/index.ts';
import type { Signer } from '../crypto/index.ts';
import { type Checkpoint, parseCheckpointText, verifyCheckpoint } from './checkpoint.ts';
import { EvidenceError } from './errors.ts';
import {
  encodeWitnessVkey,
  parseVkey,
  parseWitnessVkey,
  readNote,
  signatureLine,
  type Vkey,
  verifySignature,
} from './signed-note.ts';

/** Verification keys of witnesses, and how many of them must have cosigned. */
export type WitnessPolicy = { readonly witnesses: readonly string[]; readonly needed: number };

/** Who cosigned, and when by its own clock. */
export type Cosignature = { readonly witness: string; readonly atMs: number };

const TIMESTAMP_SIZE_BYTES = 8;
/** Seconds that a date can say; the format goes to 2^63 - 1. */
const SECONDS_MAX = 8_640_000_000_000n;
const LABEL = utf8('subtree/v1\n\0');

function timestampOf(seconds: bigint): Uint8Array {
  const bytes = new Uint8Array(TIMESTAMP_SIZE_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, seconds);
  return bytes;
}

function counted(text: string): Uint8Array {
  const bytes = utf8(text);
  if (bytes.length > 255) throw new EvidenceError('CHECKPOINT_MALFORMED', { expected: 'names of at most 255 bytes' });
  return concat(Uint8Array.of(bytes.length), bytes);
}

/** tlog-cosignature, signed message: of Ed25519 a text, of ML-DSA-44 a structure that names the witness as well. */
function messageOf(text: string, checkpoint: Checkpoint, { name, publicKey }: Vkey, seconds: bigint): Uint8Array {
  if (publicKey.algorithm === 'Ed25519') return utf8(`cosignature/v1\ntime ${seconds}\n${text}`);
  const { origin, size, root } = checkpoint;
  const range = concat(timestampOf(0n), timestampOf(BigInt(size)));
  return concat(LABEL, counted(name), timestampOf(seconds), counted(origin), range, root);
}

/**
 * Cosigns a checkpoint, and gives the signature line without its newline. The caller has verified the checkpoint, and that it
 * goes on from the last one that it cosigned.
 * @throws EvidenceError VKEY_MALFORMED, CHECKPOINT_MALFORMED
 */
export async function cosign(
  note: string,
  by: { readonly name: string; readonly signer: Signer; readonly atMs: number },
): Promise<string> {
  const vkey = parseWitnessVkey(encodeWitnessVkey(by.name, by.signer.publicKey));
  const { text } = readNote(note, vkey);
  const seconds = BigInt(Math.floor(by.atMs / 1000));
  const signature = await by.signer.sign(messageOf(text, parseCheckpointText(text), vkey, seconds));
  return signatureLine(vkey, concat(timestampOf(seconds), signature));
}

function verifyOne(text: string, bytes: Uint8Array, vkey: Vkey): Cosignature {
  if (bytes.length <= TIMESTAMP_SIZE_BYTES) {
    throw new EvidenceError('CHECKPOINT_SIGNATURE_INVALID', { name: vkey.name, expected: 'a time and a signature' });
  }
  const seconds = new DataView(bytes.buffer, bytes.byteOffset, TIMESTAMP_SIZE_BYTES).getBigUint64(0);
  if (seconds > SECONDS_MAX) {
    throw new EvidenceError('CHECKPOINT_SIGNATURE_INVALID', { name: vkey.name, expected: 'a time' });
  }
  const message = messageOf(text, parseCheckpointText(text), vkey, seconds);
  verifySignature(message, bytes.slice(TIMESTAMP_SIZE_BYTES), vkey);
  return { witness: vkey.name, atMs: Number(seconds) * 1000 };
}

/**
 * What a witness said of a checkpoint: its newest cosignature, undefined when there is none. One that fails refuses the note,
 * whatever the others say (signed-note, verification).
 * @throws EvidenceError CHECKPOINT_MALFORMED, CHECKPOINT_SIGNATURE_INVALID, VKEY_MALFORMED
 */
export function cosignatureOf(note: string, witness: string): Cosignature | undefined {
  const vkey = parseWitnessVkey(witness);
  const { text, signatures } = readNote(note, vkey);
  const found = signatures.map((bytes) => verifyOne(text, bytes, vkey));
  return found.toSorted((a, b) => b.atMs - a.atMs)[0];
}

/** A policy that counts somebody twice, or the ledger as its own witness, would prove less than it says. */
function checkPolicy({ witnesses, needed }: WitnessPolicy, ledgerVkey: string): void {
  const ledger = parseVkey(ledgerVkey).publicKey;
  const keys = witnesses.map((text) => toHex(parseWitnessVkey(text).publicKey.toRaw()));
  const isOwn = keys.includes(toHex(ledger.toRaw()));
  if (isOwn) throw new EvidenceError('WITNESS_POLICY_INVALID', { expected: 'no witness with the key of the ledger' });
  if (new Set(keys).size !== keys.length)
    throw new EvidenceError('WITNESS_POLICY_INVALID', { expected: 'each key once' });
  // One witness may have several keys (of two algorithms, or while it changes them), and is still one.
  const count = new Set(witnesses.map((text) => parseWitnessVkey(text).name)).size;
  if (!Number.isSafeInteger(needed) || needed < 1 || needed > count)
    throw new EvidenceError('WITNESS_POLICY_INVALID', { expected: `1 to ${count} witnesses`, actual: needed });
}

/**
 * Verifies that a checkpoint carries the signature of its ledger and the cosignatures that a policy asks for.
 * @throws EvidenceError WITNESS_POLICY_INVALID, CHECKPOINT_COSIGNATURES_TOO_FEW, CHECKPOINT_*, VKEY_MALFORMED
 */
export function verifyCosignatures(note: string, vkey: string, policy: WitnessPolicy): Cosignature[] {
  checkPolicy(policy, vkey);
  const { size } = verifyCheckpoint(note, vkey);
  const found = policy.witnesses.map((witness) => cosignatureOf(note, witness));
  const cosignatures = found.filter((each) => each !== undefined);
  const names = new Set(cosignatures.map(({ witness }) => witness));
  if (names.size < policy.needed) {
    const missing = policy.witnesses.map((each) => parseWitnessVkey(each).name).filter((name) => !names.has(name));
    throw new EvidenceError('CHECKPOINT_COSIGNATURES_TOO_FEW', {
      needed: policy.needed,
      found: names.size,
      missing: [...new Set(missing)].join(', '),
      size,
    });
  }
  return cosignatures;
}

/**
 * A note with signature lines of others added to it; what is there already is not added again.
 * @throws EvidenceError CHECKPOINT_MALFORMED
 */
export function withSignatures(note: string, lines: readonly string[]): string {
  const present = new Set(note.split('\n'));
  const added = lines.filter((line) => !present.has(line)).map((line) => `${line}\n`);
  return `${note}${added.join('')}`;
}
