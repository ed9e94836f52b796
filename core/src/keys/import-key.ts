/**
 * Private keys from elsewhere: PKCS#8 in PEM (RFC 7468), in the clear or encrypted with a passphrase (PBES2 of RFC 8018
 * and RFC 7914, as openssl writes it), and the raw secret of a key whose algorithm has one.
 */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { fromBase64, fromUtf8, isCodedError } from '../bytes/index.ts';
import { AgreementKey, PrivateKey, type SignatureAlgorithm } from '../crypto/index.ts';
import { KeysError } from './errors.ts';
import type { AnyPrivateKey } from './file-key.ts';
import { assertDerivationBounded } from './pbes2.ts';
import type { KeyRole } from './roles.ts';

const SIZE_BYTES_MAX = 64 * 1024;
const PEM =
  /^\s*-----BEGIN (ENCRYPTED )?PRIVATE KEY-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END (?:ENCRYPTED )?PRIVATE KEY-----\s*$/;

function unreadable(reason: string): KeysError {
  // Never a cause: it would be about secret bytes.
  return new KeysError('KEYS_IMPORT_UNREADABLE', { reason });
}

function parsePem(bytes: Uint8Array): { readonly isEncrypted: boolean; readonly der: Uint8Array } {
  if (bytes.length > SIZE_BYTES_MAX) throw unreadable(`more than ${SIZE_BYTES_MAX} bytes`);
  let text: string;
  try {
    text = fromUtf8(bytes);
  } catch {
    throw unreadable('not PEM');
  }
  const match = PEM.exec(text);
  if (match === null) throw unreadable('not one PKCS#8 private key in PEM');
  try {
    return { isEncrypted: match[1] !== undefined, der: fromBase64((match[2] ?? '').replace(/[\r\n]/g, '')) };
  } catch {
    throw unreadable('not base64');
  }
}

function decrypt(der: Uint8Array, passphrase: string | undefined): KeyObject {
  if (passphrase === undefined || passphrase === '') throw unreadable('encrypted, and no passphrase was given');
  assertDerivationBounded(der);
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8', passphrase });
  } catch {
    throw new KeysError('KEYS_PASSPHRASE_WRONG', { what: 'the key to import' });
  }
}

function decode(der: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  } catch {
    throw unreadable('not PKCS#8');
  }
}

export type ImportOptions = {
  readonly role: KeyRole;
  /** Of the file that is read; unused when it is not encrypted. */
  readonly passphrase?: string | undefined;
  /** Needed where the key does not say it: RSA. */
  readonly algorithm?: SignatureAlgorithm | undefined;
};

/**
 * Reads a private key from PKCS#8 PEM.
 * @throws KeysError KEYS_IMPORT_UNREADABLE, KEYS_PASSPHRASE_WRONG
 */
export function importPkcs8Pem(bytes: Uint8Array, { role, passphrase, algorithm }: ImportOptions): AnyPrivateKey {
  const { isEncrypted, der } = parsePem(bytes);
  const keyObject = isEncrypted ? decrypt(der, passphrase) : decode(der);
  const pkcs8 = new Uint8Array(keyObject.export({ type: 'pkcs8', format: 'der' }));
  try {
    return role === 'line' ? AgreementKey.fromPkcs8(pkcs8) : PrivateKey.fromPkcs8(pkcs8, algorithm);
  } catch (error) {
    if (!isCodedError(error)) throw error;
    throw unreadable(error.message);
  } finally {
    pkcs8.fill(0);
    der.fill(0);
  }
}

/**
 * Takes a key from its raw secret: the 32-byte seed of ML-DSA and Ed25519, the scalar of ECDSA.
 * @throws KeysError KEYS_IMPORT_UNREADABLE
 */
export function importRawSecret(secret: Uint8Array, algorithm: SignatureAlgorithm): PrivateKey {
  try {
    return PrivateKey.fromRaw(algorithm, secret);
  } catch (error) {
    if (!isCodedError(error)) throw error;
    throw unreadable(error.message);
  }
}
