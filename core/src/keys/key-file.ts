/**
 * Key files: a private key sealed with a passphrase, and everything about it that is public. JSON; the sealed part is
 * AES-256-GCM (nonce, ciphertext, tag) over PKCS#8, bound to the public facts, so that a key cannot be made to look like
 * one of another role. Format 2 (docs/formats/keys.md); files of format 1, which knew no custody and no end, are read.
 */
import { toBase64, utf8 } from '../bytes/index.ts';
import {
  expectBase64,
  expectInteger,
  expectMembers,
  expectObject,
  expectTime,
  type Members,
  malformed,
  parseJson,
} from './json-members.ts';
import { FACT_MEMBERS, type KeyFacts, parseFacts, parseIdentity } from './key-facts.ts';
import { KDF_BOUNDS, type KdfParameters, SALT_SIZE_BYTES } from './passphrase.ts';

const SEALED_SIZE_BYTES_MAX = 8192;
const MEMBERS = ['pawlKey', ...FACT_MEMBERS, 'kdf', 'sealed'];
const MEMBERS_1 = ['pawlKey', 'id', 'role', 'algorithm', 'purpose', 'createdAt', 'public', 'kdf', 'sealed'];
const KDF_MEMBERS = ['name', 'memoryKiB', 'passes', 'lanes', 'salt'];

export type KeyFile = KeyFacts & {
  readonly format: 1 | 2;
  readonly kdf: KdfParameters;
  /** nonce || ciphertext || tag. */
  readonly sealed: Uint8Array;
};

/** The key file as the text that is stored. */
export function encodeKeyFile(file: KeyFile): Uint8Array {
  const names = file.format === 1 ? MEMBERS_1 : MEMBERS;
  const members: Members = {
    ...file,
    pawlKey: file.format,
    kdf: { ...file.kdf, salt: toBase64(file.kdf.salt) },
    sealed: toBase64(file.sealed),
  };
  const json = Object.fromEntries(names.map((name) => [name, members[name]]));
  return utf8(`${JSON.stringify(json, null, 2)}\n`);
}

function parseKdf(value: unknown): KdfParameters {
  const members = expectMembers(value, KDF_MEMBERS, 'kdf');
  if (members['name'] !== 'argon2id') throw malformed('kdf.name', 'argon2id');
  const salt = expectBase64(members, 'salt', SALT_SIZE_BYTES);
  if (salt.length !== SALT_SIZE_BYTES) throw malformed('kdf.salt', `${SALT_SIZE_BYTES} bytes`);
  return {
    name: 'argon2id',
    memoryKiB: expectInteger(members, 'memoryKiB', KDF_BOUNDS.memoryKiB),
    passes: expectInteger(members, 'passes', KDF_BOUNDS.passes),
    lanes: expectInteger(members, 'lanes', KDF_BOUNDS.lanes),
    salt,
  };
}

function parseFacts1(members: Members): KeyFacts {
  const identity = parseIdentity(members);
  return { ...identity, custody: 'file', createdAt: expectTime(members, 'createdAt'), expiresAt: null, replaces: null };
}

/**
 * Reads a key file strictly; the private key stays sealed.
 * @throws KeysError KEYS_FILE_MALFORMED, KEYS_ALGORITHM_NOT_ALLOWED
 */
export function parseKeyFile(bytes: Uint8Array): KeyFile {
  const json = parseJson(bytes);
  const format = expectObject(json, 'file')['pawlKey'];
  if (format !== 1 && format !== 2) throw malformed('pawlKey', '1 or 2');
  const members = expectMembers(json, format === 1 ? MEMBERS_1 : MEMBERS, 'file');
  const facts = format === 1 ? parseFacts1(members) : parseFacts(members);
  if (facts.custody !== 'file' && facts.custody !== 'offline') throw malformed('custody', 'file or offline');
  return {
    format,
    ...facts,
    kdf: parseKdf(members['kdf']),
    sealed: expectBase64(members, 'sealed', SEALED_SIZE_BYTES_MAX),
  };
}
