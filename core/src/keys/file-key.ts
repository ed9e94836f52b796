/** Makes keys and seals them into key files, and opens them again. */
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
import { type KeyFile, PURPOSE_CHARS_MAX } from './key-file.ts';
import { assertPassphrase, derivePassphraseKey, KDF_COST, SALT_SIZE_BYTES } from './passphrase.ts';
import { assertAlgorithmAllowed, type KeyAlgorithm, type KeyRole } from './roles.ts';

const A256GCM = 3;

export type FileKeyOptions = {
  readonly role: KeyRole;
  readonly algorithm: KeyAlgorithm;
  /** A sentence for those who find the file; at most 256 characters. */
  readonly purpose: string;
  readonly createdAt: Date;
  readonly passphrase: string;
};

type PublicFields = Pick<KeyFile, 'id' | 'role' | 'algorithm' | 'purpose' | 'createdAt'>;

/** The additional data of the sealed part: what the file says about the key. */
function sealAad({ id, role, algorithm, purpose, createdAt }: PublicFields): Uint8Array {
  return encodeCbor(['pawl key file 1', id, role, algorithm, purpose, createdAt]);
}

/**
 * Makes a key and seals it with the passphrase.
 * @throws KeysError KEYS_ALGORITHM_NOT_ALLOWED, KEYS_PASSPHRASE_TOO_SHORT, KEYS_FILE_MALFORMED when the purpose is too long
 */
export async function createFileKey(
  options: FileKeyOptions,
): Promise<{ file: KeyFile; key: PrivateKey | AgreementKey }> {
  const { role, algorithm, passphrase } = options;
  assertAlgorithmAllowed(role, algorithm);
  assertPassphrase(passphrase);
  if (options.purpose.length > PURPOSE_CHARS_MAX) {
    throw new KeysError('KEYS_FILE_MALFORMED', { at: 'purpose', expected: `at most ${PURPOSE_CHARS_MAX} characters` });
  }
  const key = isAgreementCurve(algorithm) ? AgreementKey.generate(algorithm) : PrivateKey.generate(algorithm);
  const fields: PublicFields = {
    id: keyIdOf(key.publicKey),
    role,
    algorithm,
    purpose: options.purpose,
    createdAt: options.createdAt.toISOString(),
  };
  const kdf = { ...KDF_COST, salt: new Uint8Array(randomBytes(SALT_SIZE_BYTES)) };
  const iv = new Uint8Array(randomBytes(AEAD_IV_SIZE_BYTES));
  const sealingKey = await derivePassphraseKey(passphrase, kdf);
  const encryptor = createAeadEncryptor({ algorithm: A256GCM, key: sealingKey, iv, aad: sealAad(fields) });
  const pkcs8 = key.toPkcs8Der();
  const sealed = concat(iv, encryptor.update(pkcs8), encryptor.final());
  pkcs8.fill(0);
  return { file: { ...fields, public: key.publicKey.toSpkiPem(), kdf, sealed }, key };
}

function unseal(file: KeyFile, key: Uint8Array): Uint8Array {
  const { sealed } = file;
  if (sealed.length < AEAD_IV_SIZE_BYTES + AEAD_TAG_SIZE_BYTES) {
    throw new KeysError('KEYS_FILE_MALFORMED', { at: 'sealed', actual: sealed.length });
  }
  const tagStart = sealed.length - AEAD_TAG_SIZE_BYTES;
  const iv = sealed.subarray(0, AEAD_IV_SIZE_BYTES);
  const decryptor = createAeadDecryptor({ algorithm: A256GCM, key, iv, aad: sealAad(file) });
  const plain = decryptor.update(sealed.subarray(AEAD_IV_SIZE_BYTES, tagStart));
  try {
    decryptor.final(sealed.subarray(tagStart));
  } catch (cause) {
    if (cause instanceof CryptoError) throw new KeysError('KEYS_PASSPHRASE_WRONG', { id: file.id }, cause);
    throw cause;
  }
  return plain;
}

/**
 * Opens the private key of a key file.
 * @throws KeysError KEYS_PASSPHRASE_WRONG, KEYS_FILE_MALFORMED
 */
export async function openKeyFile(file: KeyFile, passphrase: string): Promise<PrivateKey | AgreementKey> {
  const pkcs8 = unseal(file, await derivePassphraseKey(passphrase, file.kdf));
  const key = isAgreementCurve(file.algorithm)
    ? AgreementKey.fromPkcs8(pkcs8)
    : PrivateKey.fromPkcs8(pkcs8, file.algorithm);
  pkcs8.fill(0);
  if (keyIdOf(key.publicKey) !== file.id) throw new KeysError('KEYS_FILE_MALFORMED', { at: 'sealed', id: file.id });
  return key;
}
