/**
 * Key files: a private key sealed with a passphrase, and everything about it that is public. JSON, format version 1;
 * the sealed part is AES-256-GCM (nonce, ciphertext, tag) over PKCS#8, bound to the public fields, so that a key cannot
 * be made to look like one of another role.
 */
import { fromBase64, fromUtf8, toBase64, utf8 } from '../bytes/index.ts';
import { keyIdOf } from '../cose/index.ts';
import { AgreementPublicKey, CryptoError, PublicKey } from '../crypto/index.ts';
import { KeysError } from './errors.ts';
import { KDF_BOUNDS, type KdfParameters, SALT_SIZE_BYTES } from './passphrase.ts';
import { assertAlgorithmAllowed, isKeyRole, type KeyAlgorithm, type KeyRole } from './roles.ts';

const FORMAT_VERSION = 1;
const FILE_SIZE_BYTES_MAX = 64 * 1024;
export const PURPOSE_CHARS_MAX = 256;
const SEALED_SIZE_BYTES_MAX = 8192;
const MEMBERS = ['pawlKey', 'id', 'role', 'algorithm', 'purpose', 'createdAt', 'public', 'kdf', 'sealed'];
const KDF_MEMBERS = ['name', 'memoryKiB', 'passes', 'lanes', 'salt'];

export type KeyFile = {
  /** The key id: the thumbprint of the public key. */
  readonly id: string;
  readonly role: KeyRole;
  readonly algorithm: KeyAlgorithm;
  readonly purpose: string;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  /** SPKI PEM. */
  readonly public: string;
  readonly kdf: KdfParameters;
  /** nonce || ciphertext || tag. */
  readonly sealed: Uint8Array;
};

/** The key file as the text that is stored. */
export function encodeKeyFile(file: KeyFile): Uint8Array {
  const { id, role, algorithm, purpose, createdAt } = file;
  const kdf = { ...file.kdf, salt: toBase64(file.kdf.salt) };
  const sealed = toBase64(file.sealed);
  const json = { pawlKey: FORMAT_VERSION, id, role, algorithm, purpose, createdAt, public: file.public, kdf, sealed };
  return utf8(`${JSON.stringify(json, null, 2)}\n`);
}

function malformed(at: string, expected: string, cause?: unknown): KeysError {
  return new KeysError('KEYS_FILE_MALFORMED', { at, expected }, cause);
}

type Members = Readonly<Record<string, unknown>>;

function expectMembers(value: unknown, names: readonly string[], at: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed(at, 'an object');
  const actual = Object.keys(value);
  if (actual.length !== names.length || !names.every((name) => actual.includes(name))) {
    throw malformed(at, `the members ${names.join(', ')}`);
  }
  return value as Members;
}

function expectText(members: Members, name: string, charsMax: number): string {
  const value = members[name];
  if (typeof value !== 'string' || value.length > charsMax) throw malformed(name, `text of at most ${charsMax}`);
  return value;
}

function expectBase64(members: Members, name: string, sizeBytesMax: number): Uint8Array {
  const text = expectText(members, name, Math.ceil(sizeBytesMax / 3) * 4);
  try {
    return fromBase64(text);
  } catch (cause) {
    throw malformed(name, 'base64', cause);
  }
}

function expectBounded(members: Members, name: keyof typeof KDF_BOUNDS): number {
  const { min, max } = KDF_BOUNDS[name];
  const value = members[name];
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw malformed(`kdf.${name}`, `${min} to ${max}`);
  }
  return value;
}

function parseKdf(value: unknown): KdfParameters {
  const members = expectMembers(value, KDF_MEMBERS, 'kdf');
  if (members['name'] !== 'argon2id') throw malformed('kdf.name', 'argon2id');
  const salt = expectBase64(members, 'salt', SALT_SIZE_BYTES);
  if (salt.length !== SALT_SIZE_BYTES) throw malformed('kdf.salt', `${SALT_SIZE_BYTES} bytes`);
  return {
    name: 'argon2id',
    memoryKiB: expectBounded(members, 'memoryKiB'),
    passes: expectBounded(members, 'passes'),
    lanes: expectBounded(members, 'lanes'),
    salt,
  };
}

function parsePublicKey(pem: string, role: KeyRole): PublicKey | AgreementPublicKey {
  try {
    return role === 'line' ? AgreementPublicKey.fromSpki(pem) : PublicKey.fromSpki(pem);
  } catch (cause) {
    if (cause instanceof CryptoError) throw malformed('public', 'a public key of the role', cause);
    throw cause;
  }
}

function parseCreatedAt(members: Members): string {
  const text = expectText(members, 'createdAt', 64);
  const date = new Date(text);
  if (Number.isNaN(date.getTime()) || date.toISOString() !== text) throw malformed('createdAt', 'a UTC timestamp');
  return text;
}

function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length > FILE_SIZE_BYTES_MAX) throw malformed('file', `at most ${FILE_SIZE_BYTES_MAX} bytes`);
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch {
    // The cause would quote the text of the file.
    throw malformed('file', 'JSON');
  }
}

/**
 * Reads a key file strictly; the private key stays sealed.
 * @throws KeysError KEYS_FILE_MALFORMED, KEYS_ALGORITHM_NOT_ALLOWED
 */
export function parseKeyFile(bytes: Uint8Array): KeyFile {
  const members = expectMembers(parseJson(bytes), MEMBERS, 'file');
  if (members['pawlKey'] !== FORMAT_VERSION) throw malformed('pawlKey', String(FORMAT_VERSION));
  const role = expectText(members, 'role', 64);
  if (!isKeyRole(role)) throw malformed('role', 'a role');
  const pem = expectText(members, 'public', SEALED_SIZE_BYTES_MAX);
  const publicKey = parsePublicKey(pem, role);
  assertAlgorithmAllowed(role, publicKey.algorithm);
  // What the file says about its key must be what the key itself says.
  if (members['algorithm'] !== publicKey.algorithm) throw malformed('algorithm', publicKey.algorithm);
  const id = keyIdOf(publicKey);
  if (members['id'] !== id) throw malformed('id', id);
  return {
    id,
    role,
    algorithm: publicKey.algorithm,
    purpose: expectText(members, 'purpose', PURPOSE_CHARS_MAX),
    createdAt: parseCreatedAt(members),
    public: pem,
    kdf: parseKdf(members['kdf']),
    sealed: expectBase64(members, 'sealed', SEALED_SIZE_BYTES_MAX),
  };
}
