/** Makes keys and seals them into key files, opens them again, and seals them anew under another passphrase. */
import { randomBytes } from 'node:crypto';
import { concat } from '../bytes/index.ts';
import { encodeCbor } from '../cbor/index.ts';
import { keyIdOf } from '../cose/index.ts';
import {
  AEAD_IV_SIZE_BYTES,
  AEAD_TAG_SIZE_BYTES,
  AgreementKey,
  CryptoError,
  createAeadDecryptor,
  createAeadEncryptor,
  isAgreementCurve,
  PrivateKey,
} from '../crypto/index.ts';
import { KeysError } from './errors.ts';
import { factsOf, type KeyFacts, type KeyIntent } from './key-facts.ts';
import type { KeyFile } from './key-file.ts';
import { assertPassphrase, costOfPassphrase, derivePassphraseKey, SALT_SIZE_BYTES } from './passphrase.ts';
import { assertAlgorithmAllowed, type KeyAlgorithm } from './roles.ts';

const A256GCM = 3;

export type SealOptions = KeyIntent & { readonly passphrase: string; readonly custody?: 'file' | 'offline' };
export type FileKeyOptions = SealOptions & { readonly algorithm: KeyAlgorithm };

/** A private key in memory, of either kind. */
export type AnyPrivateKey = PrivateKey | AgreementKey;

/** The additional data of the sealed part: what the file says about the key. */
function sealAad(facts: KeyFacts, format: KeyFile['format']): Uint8Array {
  const { id, role, algorithm, purpose, custody, createdAt, expiresAt, replaces } = facts;
  const common = [id, role, algorithm, purpose, createdAt];
  return format === 1
    ? encodeCbor(['pawl key file 1', ...common])
    : encodeCbor(['pawl key file 2', ...common, custody, expiresAt, replaces]);
}

/** Seals secret bytes under the facts of their key; the bytes are wiped. */
export async function sealSecret(facts: KeyFacts, secret: Uint8Array, passphrase: string): Promise<KeyFile> {
  assertPassphrase(passphrase);
  const kdf = { ...costOfPassphrase(passphrase), salt: new Uint8Array(randomBytes(SALT_SIZE_BYTES)) };
  const iv = new Uint8Array(randomBytes(AEAD_IV_SIZE_BYTES));
  const sealingKey = await derivePassphraseKey(passphrase, kdf);
  const encryptor = createAeadEncryptor({ algorithm: A256GCM, key: sealingKey, iv, aad: sealAad(facts, 2) });
  const sealed = concat(iv, encryptor.update(secret), encryptor.final());
  secret.fill(0);
  sealingKey.fill(0);
  return { format: 2, ...facts, kdf, sealed };
}

/**
 * Seals a key that is there already with the passphrase.
 * @throws KeysError KEYS_ALGORITHM_NOT_ALLOWED, KEYS_PASSPHRASE_TOO_SHORT, KEYS_FILE_MALFORMED for a purpose or end that cannot be
 */
export async function sealFileKey(key: AnyPrivateKey, options: SealOptions): Promise<KeyFile> {
  assertPassphrase(options.passphrase);
  const facts = factsOf(key.publicKey, { ...options, custody: options.custody ?? 'file' });
  return sealSecret(facts, key.toPkcs8Der(), options.passphrase);
}

/**
 * Makes a key and seals it with the passphrase.
 * @throws KeysError KEYS_ALGORITHM_NOT_ALLOWED, KEYS_PASSPHRASE_TOO_SHORT, KEYS_FILE_MALFORMED for a purpose or end that cannot be
 */
export async function createFileKey(options: FileKeyOptions): Promise<{ file: KeyFile; key: AnyPrivateKey }> {
  const { role, algorithm } = options;
  assertAlgorithmAllowed(role, algorithm);
  const key = isAgreementCurve(algorithm) ? AgreementKey.generate(algorithm) : PrivateKey.generate(algorithm);
  return { file: await sealFileKey(key, options), key };
}

function unseal(file: KeyFile, key: Uint8Array): Uint8Array {
  const { sealed } = file;
  if (sealed.length < AEAD_IV_SIZE_BYTES + AEAD_TAG_SIZE_BYTES) {
    throw new KeysError('KEYS_FILE_MALFORMED', { at: 'sealed', actual: sealed.length });
  }
  const tagStart = sealed.length - AEAD_TAG_SIZE_BYTES;
  const iv = sealed.subarray(0, AEAD_IV_SIZE_BYTES);
  const decryptor = createAeadDecryptor({ algorithm: A256GCM, key, iv, aad: sealAad(file, file.format) });
  const plain = decryptor.update(sealed.subarray(AEAD_IV_SIZE_BYTES, tagStart));
  try {
    decryptor.final(sealed.subarray(tagStart));
  } catch (cause) {
    if (cause instanceof CryptoError) throw new KeysError('KEYS_PASSPHRASE_WRONG', { id: file.id }, cause);
    throw cause;
  }
  return plain;
}

/** The secret bytes of a key file. @throws KeysError KEYS_PASSPHRASE_WRONG, KEYS_FILE_MALFORMED */
export async function unsealSecret(file: KeyFile, passphrase: string): Promise<Uint8Array> {
  const sealingKey = await derivePassphraseKey(passphrase, file.kdf);
  try {
    return unseal(file, sealingKey);
  } finally {
    sealingKey.fill(0);
  }
}

/**
 * Opens the private key of a key file.
 * @throws KeysError KEYS_PASSPHRASE_WRONG, KEYS_FILE_MALFORMED
 */
export async function openKeyFile(file: KeyFile, passphrase: string): Promise<AnyPrivateKey> {
  if (file.algorithm === 'HSS-LMS') throw new KeysError('KEYS_FILE_MALFORMED', { expected: 'a key without state' });
  const pkcs8 = await unsealSecret(file, passphrase);
  const key = isAgreementCurve(file.algorithm)
    ? AgreementKey.fromPkcs8(pkcs8)
    : PrivateKey.fromPkcs8(pkcs8, file.algorithm);
  pkcs8.fill(0);
  if (keyIdOf(key.publicKey) !== file.id) throw new KeysError('KEYS_FILE_MALFORMED', { at: 'sealed', id: file.id });
  return key;
}

/**
 * The same key, with the same facts, under another passphrase; the file that was given stays as it is.
 * @throws KeysError KEYS_PASSPHRASE_WRONG, KEYS_PASSPHRASE_TOO_SHORT, KEYS_FILE_MALFORMED
 */
export async function resealKeyFile(
  file: KeyFile,
  passphrases: { readonly old: string; readonly new: string },
): Promise<KeyFile> {
  assertPassphrase(passphrases.new);
  const { format: _, kdf: __, sealed: ___, ...facts } = file;
  return sealSecret(facts, await unsealSecret(file, passphrases.old), passphrases.new);
}
