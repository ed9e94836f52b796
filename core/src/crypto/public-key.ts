/**
 * A signature verification key, bound to exactly one algorithm: the key says how a signature is checked, never the
 * message. ECDSA signatures are raw `r || s` (RFC 9053 §2.1), ML-DSA is pure with an empty context (RFC 9964).
 */
import { type KeyObject, verify } from 'node:crypto';
import { SIGNATURE_ALGORITHM_NAMES, SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from './algorithms.ts';
import { CryptoError } from './errors.ts';
import { exportRawPublic, importRawPublic, importSpki } from './key-import.ts';

/** The algorithm that a Node key belongs to, judged by its type and curve. */
export function algorithmOfKey(key: KeyObject): SignatureAlgorithm {
  const keyType = key.asymmetricKeyType;
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const found = SIGNATURE_ALGORITHM_NAMES.find((name) => {
    const row = SIGNATURE_ALGORITHMS[name];
    return row.keyType === keyType && (row.curve === null || row.curve === curve);
  });
  if (found === undefined) throw new CryptoError('CRYPTO_KEY_UNSUPPORTED', { keyType: String(keyType), curve });
  return found;
}

/** A public key for signatures. */
export class PublicKey {
  readonly algorithm: SignatureAlgorithm;
  readonly keyObject: KeyObject;

  private constructor(keyObject: KeyObject) {
    this.algorithm = algorithmOfKey(keyObject);
    this.keyObject = keyObject;
    // A point at infinity has a shorter raw form; no signature may ever verify under it.
    const expected = SIGNATURE_ALGORITHMS[this.algorithm].publicKeySizeBytes;
    const actual = this.toRaw().length;
    if (actual !== expected) throw new CryptoError('CRYPTO_KEY_MALFORMED', { what: 'public key', expected, actual });
  }

  /**
   * From SPKI, as PEM text or DER bytes.
   * @throws CryptoError CRYPTO_KEY_MALFORMED, CRYPTO_KEY_UNSUPPORTED
   */
  static fromSpki(pemOrDer: string | Uint8Array): PublicKey {
    return new PublicKey(importSpki(pemOrDer));
  }

  /**
   * From the raw key: an uncompressed or compressed point for ECDSA, the key bytes for the others.
   * @throws CryptoError CRYPTO_KEY_MALFORMED
   */
  static fromRaw(algorithm: SignatureAlgorithm, raw: Uint8Array): PublicKey {
    const { keyType, curve } = SIGNATURE_ALGORITHMS[algorithm];
    return new PublicKey(importRawPublic(keyType, curve, raw));
  }

  /** From a Node key object. @throws CryptoError CRYPTO_KEY_UNSUPPORTED */
  static fromKeyObject(keyObject: KeyObject): PublicKey {
    return new PublicKey(keyObject);
  }

  toRaw(): Uint8Array {
    return exportRawPublic(this.keyObject);
  }

  toSpkiPem(): string {
    return this.keyObject.export({ type: 'spki', format: 'pem' }).toString();
  }

  toSpkiDer(): Uint8Array {
    return new Uint8Array(this.keyObject.export({ type: 'spki', format: 'der' }));
  }

  isEqual(other: PublicKey): boolean {
    return this.keyObject.equals(other.keyObject);
  }

  /**
   * Returns only when the signature fits the message under this key.
   * @throws CryptoError CRYPTO_SIGNATURE_INVALID
   */
  verify(message: Uint8Array, signature: Uint8Array): void {
    const { hash, signatureSizeBytes } = SIGNATURE_ALGORITHMS[this.algorithm];
    if (signature.length !== signatureSizeBytes) {
      throw new CryptoError('CRYPTO_SIGNATURE_INVALID', { expected: signatureSizeBytes, actual: signature.length });
    }
    const key = { key: this.keyObject, dsaEncoding: 'ieee-p1363' } as const;
    if (!verify(hash, message, key, signature)) {
      throw new CryptoError('CRYPTO_SIGNATURE_INVALID', { algorithm: this.algorithm });
    }
  }
}
