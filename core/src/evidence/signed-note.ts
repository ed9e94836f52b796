/**
 * Signed notes and verification keys (C2SP signed-note v1.0.0): Ed25519 keys of ledgers (signature type 0x01), and those of
 * witnesses (C2SP tlog-cosignature: 0x04 Ed25519, 0x06 ML-DSA-44).
 *
 * A note is a text that ends in a newline, an empty line, and signature lines `— name base64(hash || signature)`. The hash
 * is the first four bytes of SHA-256(name || 0x0A || type || public key). Signatures of other keys are ignored; one of the
 * given key that fails refuses the note. A note is at most 64 KiB and carries at most 64 signatures.
 */
import { createHash } from 'node:crypto';
import {
  concat,
  fromBase64,
  fromHex,
  fromUtf8,
  isCodedError,
  isEqualBytes,
  toBase64,
  toHex,
  utf8,
} from '../bytes/index.ts';
import { PublicKey, type SignatureAlgorithm, type Signer } from '../crypto/index.ts';
import { EvidenceError } from './errors.ts';

const NOTE_SIZE_BYTES_MAX = 65_536;
const SIGNATURES_MAX = 64;
/** What a key may sign, by the type byte of its verification key. */
type KeyUse = 'ledger' | 'witness';
type KeyType = { readonly type: number; readonly use: KeyUse; readonly algorithm: SignatureAlgorithm };
const KEY_TYPES: readonly KeyType[] = [
  { type: 1, use: 'ledger', algorithm: 'Ed25519' },
  { type: 4, use: 'witness', algorithm: 'Ed25519' },
  { type: 6, use: 'witness', algorithm: 'ML-DSA-44' },
];
const HASH_SIZE_BYTES = 4;
/** signed-note, format: non-empty, without spaces and plus signs; control characters have no place either. */
const NAME = /^[^\s+\p{Cc}]{1,255}$/u;
const SIGNATURE_LINE = /^— ([^\s+\p{Cc}]{1,255}) ([A-Za-z0-9+/]+={0,2})$/u;

/** A verification key: the name and key that may sign a note. */
export type Vkey = { readonly name: string; readonly keyHash: Uint8Array; readonly publicKey: PublicKey };

function typedKey(publicKey: PublicKey, use: KeyUse): Uint8Array {
  const row = KEY_TYPES.find((each) => each.use === use && each.algorithm === publicKey.algorithm);
  if (row === undefined) {
    throw new EvidenceError('VKEY_MALFORMED', { expected: `an algorithm of a ${use}`, actual: publicKey.algorithm });
  }
  return concat(Uint8Array.of(row.type), publicKey.toRaw());
}

function vkeyOf(name: string, publicKey: PublicKey, use: KeyUse): Vkey {
  if (!NAME.test(name) || !name.isWellFormed()) {
    throw new EvidenceError('VKEY_MALFORMED', { expected: 'a name without spaces and plus signs', actual: name });
  }
  const digest = createHash('sha256')
    .update(utf8(`${name}\n`))
    .update(typedKey(publicKey, use))
    .digest();
  return { name, keyHash: new Uint8Array(digest.subarray(0, HASH_SIZE_BYTES)), publicKey };
}

function encodeKey(name: string, publicKey: PublicKey, use: KeyUse): string {
  const { keyHash } = vkeyOf(name, publicKey, use);
  return `${name}+${toHex(keyHash)}+${toBase64(typedKey(publicKey, use))}`;
}

/**
 * The verification key of a ledger as text: `name+hash+base64(type || key)`.
 * @throws EvidenceError VKEY_MALFORMED
 */
export function encodeVkey(name: string, publicKey: PublicKey): string {
  return encodeKey(name, publicKey, 'ledger');
}

/**
 * The verification key of a witness as text.
 * @throws EvidenceError VKEY_MALFORMED
 */
export function encodeWitnessVkey(name: string, publicKey: PublicKey): string {
  return encodeKey(name, publicKey, 'witness');
}

function parseKey(text: string, use: KeyUse): Vkey {
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44,2048}={0,2})$/.exec(text);
  if (match === null) throw new EvidenceError('VKEY_MALFORMED', { expected: 'name+hash+key' });
  const [, name = '', hash = '', key = ''] = match;
  try {
    const typed = fromBase64(key);
    const row = KEY_TYPES.find((each) => each.use === use && each.type === typed[0]);
    if (row === undefined) throw new EvidenceError('VKEY_MALFORMED', { expected: `a type of a ${use}` });
    const vkey = vkeyOf(name, PublicKey.fromRaw(row.algorithm, typed.slice(1)), use);
    // signed-note, verification keys: the hash must be that of name and key.
    if (!isEqualBytes(vkey.keyHash, fromHex(hash))) throw new EvidenceError('VKEY_MALFORMED', { expected: 'its hash' });
    return vkey;
  } catch (cause) {
    if (cause instanceof EvidenceError || !isCodedError(cause)) throw cause;
    throw new EvidenceError('VKEY_MALFORMED', { expected: 'a public key' }, cause);
  }
}

/**
 * Reads the verification key of a ledger.
 * @throws EvidenceError VKEY_MALFORMED
 */
export function parseVkey(text: string): Vkey {
  return parseKey(text, 'ledger');
}

/**
 * Reads the verification key of a witness.
 * @throws EvidenceError VKEY_MALFORMED
 */
export function parseWitnessVkey(text: string): Vkey {
  return parseKey(text, 'witness');
}

/** A line of a note that carries a signature, without its newline. */
export function signatureLine({ name, keyHash }: Vkey, signature: Uint8Array): string {
  return `— ${name} ${toBase64(concat(keyHash, signature))}`;
}

/** Signs a text that ends in a newline. */
export async function signNote(text: string, name: string, signer: Signer): Promise<string> {
  const vkey = vkeyOf(name, signer.publicKey, 'ledger');
  return `${text}\n${signatureLine(vkey, await signer.sign(utf8(text)))}\n`;
}

type NoteSignature = { readonly name: string; readonly keyHash: Uint8Array; readonly signature: Uint8Array };

function malformed(expected: string, cause?: unknown): EvidenceError {
  return new EvidenceError('CHECKPOINT_MALFORMED', { expected }, cause);
}

function parseSignatureLine(line: string): NoteSignature {
  const match = SIGNATURE_LINE.exec(line);
  if (match === null) throw malformed('a signature line');
  const [, name = '', encoded = ''] = match;
  let bytes: Uint8Array;
  try {
    bytes = fromBase64(encoded);
  } catch (cause) {
    throw malformed('base64', cause);
  }
  if (bytes.length <= HASH_SIZE_BYTES) throw malformed('a key hash and a signature');
  return { name, keyHash: bytes.slice(0, HASH_SIZE_BYTES), signature: bytes.slice(HASH_SIZE_BYTES) };
}

function parseNote(note: string): { text: string; signatures: NoteSignature[] } {
  const sizeBytes = utf8(note).length;
  if (sizeBytes > NOTE_SIZE_BYTES_MAX) throw malformed(`at most ${NOTE_SIZE_BYTES_MAX} bytes`);
  if (!note.isWellFormed()) throw malformed('UTF-8');
  // signed-note, format: the text may hold empty lines itself; the last one separates the signatures.
  const separator = note.lastIndexOf('\n\n');
  if (separator < 0 || !note.endsWith('\n')) throw malformed('a text, an empty line and signature lines');
  const lines = note.slice(separator + 2, -1).split('\n');
  if (lines.length > SIGNATURES_MAX) throw malformed(`at most ${SIGNATURES_MAX} signatures`);
  return { text: note.slice(0, separator + 1), signatures: lines.map(parseSignatureLine) };
}

/** @throws EvidenceError CHECKPOINT_SIGNATURE_INVALID */
export function verifySignature(message: Uint8Array, signature: Uint8Array, vkey: Vkey): void {
  try {
    vkey.publicKey.verify(message, signature);
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw new EvidenceError('CHECKPOINT_SIGNATURE_INVALID', { name: vkey.name }, cause);
  }
}

/**
 * The text of a note and what a key signed of it; nothing is verified.
 * @throws EvidenceError CHECKPOINT_MALFORMED
 */
export function readNote(
  note: string,
  vkey: Vkey,
): { readonly text: string; readonly signatures: readonly Uint8Array[] } {
  const { text, signatures } = parseNote(note);
  const own = signatures.filter(({ name, keyHash }) => name === vkey.name && isEqualBytes(keyHash, vkey.keyHash));
  return { text, signatures: own.map(({ signature }) => signature) };
}

/**
 * Verifies a note under a key and gives back its text, with the newline at its end.
 * @throws EvidenceError CHECKPOINT_MALFORMED, CHECKPOINT_SIGNER_UNKNOWN, CHECKPOINT_SIGNATURE_INVALID
 */
export function verifyNote(note: string, vkey: Vkey): string {
  const { text, signatures } = readNote(note, vkey);
  if (signatures.length === 0) throw new EvidenceError('CHECKPOINT_SIGNER_UNKNOWN', { name: vkey.name });
  // signed-note, verification: one failing signature of a known key refuses the note, whatever the others say.
  for (const signature of signatures) verifySignature(utf8(text), signature, vkey);
  return text;
}

/** The text of a note from its bytes. */
export function decodeNote(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch (cause) {
    throw malformed('UTF-8', cause);
  }
}
