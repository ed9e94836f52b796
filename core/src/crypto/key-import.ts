/** Reading keys from their encodings (SPKI RFC 5280, PKCS#8 RFC 5958, raw) into Node key objects, with one error. */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { CryptoError } from './errors.ts';

const PEM_PUBLIC_KEY = /^-----BEGIN PUBLIC KEY-----\r?\n[A-Za-z0-9+/=\r\n]+-----END PUBLIC KEY-----\s*$/;
const SPKI_SIZE_BYTES_MAX = 8192;

/** Node's names of the key types that have a raw form. */
export type RawKeyType = 'ec' | 'ed25519' | 'x25519' | 'rsa' | 'ml-dsa-44' | 'ml-dsa-65' | 'ml-dsa-87';

function malformed(what: string, cause?: unknown): CryptoError {
  return new CryptoError('CRYPTO_KEY_MALFORMED', { what }, cause);
}

/** A public key from SPKI. A private key, which Node would also take here, is refused. */
export function importSpki(pemOrDer: string | Uint8Array): KeyObject {
  if (pemOrDer.length > SPKI_SIZE_BYTES_MAX) throw malformed('public key');
  if (typeof pemOrDer === 'string' && !PEM_PUBLIC_KEY.test(pemOrDer)) throw malformed('public key');
  try {
    return typeof pemOrDer === 'string'
      ? createPublicKey({ key: pemOrDer, format: 'pem' })
      : createPublicKey({ key: Buffer.from(pemOrDer), format: 'der', type: 'spki' });
  } catch (cause) {
    throw malformed('public key', cause);
  }
}

/** A public key from its raw form (PKCS#1 for RSA); Node checks that a point lies on its curve. */
export function importRawPublic(keyType: RawKeyType, curve: string | null, raw: Uint8Array): KeyObject {
  try {
    const key = Buffer.from(raw);
    if (keyType === 'rsa') {
      // Node cannot write as PKCS#1 what it read as PKCS#1; by way of SPKI it can.
      const spki = createPublicKey({ key, format: 'der', type: 'pkcs1' }).export({ format: 'der', type: 'spki' });
      return createPublicKey({ key: spki, format: 'der', type: 'spki' });
    }
    return keyType === 'ec' && curve !== null
      ? createPublicKey({ key, format: 'raw-public', asymmetricKeyType: 'ec', namedCurve: curve })
      : createPublicKey({ key, format: 'raw-public', asymmetricKeyType: keyType });
  } catch (cause) {
    throw malformed('public key', cause);
  }
}

/**
 * The raw form of a public key: an uncompressed point for elliptic curves, PKCS#1 for RSA.
 * @throws CryptoError CRYPTO_KEY_MALFORMED for the point at infinity, which Node takes in an SPKI but cannot write
 */
export function exportRawPublic(key: KeyObject): Uint8Array {
  if (key.asymmetricKeyType === 'rsa') return new Uint8Array(key.export({ format: 'der', type: 'pkcs1' }));
  try {
    return new Uint8Array(key.export({ format: 'raw-public' }));
  } catch (cause) {
    throw malformed('public key', cause);
  }
}

/** A private key from PKCS#8 DER. The cause is dropped on purpose: it is about secret bytes. */
export function importPkcs8(der: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(der), format: 'der', type: 'pkcs8' });
  } catch {
    throw malformed('private key');
  }
}
