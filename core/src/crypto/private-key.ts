/**
 * Signing keys. `Signer` is the port: a key in memory implements it here, a key in hardware elsewhere. ML-DSA keys are
 * kept as their 32-byte seed (RFC 9964; PKCS#8 seed form, RFC 9881 §6), because the expanded form differs between
 * versions of the runtime.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { concat, fromHex } from '../bytes/index.ts';
import { SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from './algorithms.ts';
import { CryptoError } from './errors.ts';
import { importPkcs8 } from './key-import.ts';
import { plainBytes } from './plain-bytes.ts';
import { algorithmOfKey, PSS, PublicKey } from './public-key.ts';

/** Something that signs with one key; ECDSA signatures come as raw `r || s`. */
export interface Signer {
  readonly publicKey: PublicKey;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

// PrivateKeyInfo { version 0, { id-ml-dsa-* }, OCTET STRING { [0] seed } } up to the 32 seed bytes (RFC 9881 §6).
const ML_DSA_SEED_PREFIXES: Readonly<Partial<Record<SignatureAlgorithm, Uint8Array>>> = {
  'ML-DSA-44': fromHex('3034020100300b060960864801650304031104228020'),
  'ML-DSA-65': fromHex('3034020100300b060960864801650304031204228020'),
  'ML-DSA-87': fromHex('3034020100300b060960864801650304031304228020'),
};
const RSA_BITS = 3072;

function unsupported(algorithm: SignatureAlgorithm): CryptoError {
  return new CryptoError('CRYPTO_KEY_UNSUPPORTED', { what: 'a private key in memory', algorithm });
}

function generateKeyObject(algorithm: SignatureAlgorithm): KeyObject {
  const { keyType, curve } = SIGNATURE_ALGORITHMS[algorithm];
  switch (keyType) {
    case 'ec':
      return generateKeyPairSync('ec', { namedCurve: curve ?? '' }).privateKey;
    case 'ed25519':
      return generateKeyPairSync('ed25519').privateKey;
    case 'rsa':
      return generateKeyPairSync('rsa', { modulusLength: RSA_BITS }).privateKey;
    case 'ml-dsa-44':
      return generateKeyPairSync('ml-dsa-44').privateKey;
    case 'ml-dsa-65':
      return generateKeyPairSync('ml-dsa-65').privateKey;
    case 'ml-dsa-87':
      return generateKeyPairSync('ml-dsa-87').privateKey;
    case 'hss-lms':
      // One-time leaves need a signer that remembers: see hss-lms/sign.ts.
      throw unsupported(algorithm);
  }
}

function seedOf(keyObject: KeyObject): Uint8Array {
  try {
    return plainBytes(keyObject.export({ format: 'raw-seed' }));
  } catch {
    throw new CryptoError('CRYPTO_KEY_UNSUPPORTED', { what: 'an ML-DSA private key without its seed' });
  }
}

/** A signing key in memory. */
export class PrivateKey implements Signer {
  readonly publicKey: PublicKey;
  readonly #keyObject: KeyObject;

  private constructor(keyObject: KeyObject, algorithm?: SignatureAlgorithm) {
    this.publicKey = PublicKey.fromKeyObject(createPublicKey(keyObject), algorithm);
    this.#keyObject = keyObject;
  }

  /** @throws CryptoError CRYPTO_KEY_UNSUPPORTED for HSS-LMS, whose keys cannot live in memory only */
  static generate(algorithm: SignatureAlgorithm): PrivateKey {
    return new PrivateKey(generateKeyObject(algorithm), algorithm);
  }

  /**
   * From PKCS#8. The algorithm is needed only where the key does not say it (RSA: PS256 unless told otherwise).
   * @throws CryptoError CRYPTO_KEY_MALFORMED, CRYPTO_KEY_UNSUPPORTED
   */
  static fromPkcs8(der: Uint8Array, algorithm?: SignatureAlgorithm): PrivateKey {
    const keyObject = importPkcs8(der);
    if (ML_DSA_SEED_PREFIXES[algorithmOfKey(keyObject)] !== undefined) seedOf(keyObject);
    return new PrivateKey(keyObject, algorithm);
  }

  /**
   * From the 32-byte secret: the seed of Ed25519 and ML-DSA, the scalar of ECDSA (48 bytes for P-384, 66 for P-521).
   * @throws CryptoError CRYPTO_KEY_MALFORMED, CRYPTO_KEY_UNSUPPORTED
   */
  static fromRaw(algorithm: SignatureAlgorithm, secret: Uint8Array): PrivateKey {
    const { keyType, curve } = SIGNATURE_ALGORITHMS[algorithm];
    if (keyType === 'rsa' || keyType === 'hss-lms') throw unsupported(algorithm);
    const key = Buffer.from(secret);
    try {
      if (ML_DSA_SEED_PREFIXES[algorithm] !== undefined) {
        return new PrivateKey(createPrivateKey({ key, format: 'raw-seed', asymmetricKeyType: keyType }));
      }
      const options = { key, format: 'raw-private', asymmetricKeyType: keyType } as const;
      return new PrivateKey(createPrivateKey(curve === null ? options : { ...options, namedCurve: curve }));
    } catch {
      throw new CryptoError('CRYPTO_KEY_MALFORMED', { what: 'private key', algorithm });
    }
  }

  /** The private key in the clear: seal it before it is stored. */
  toPkcs8Der(): Uint8Array {
    const prefix = ML_DSA_SEED_PREFIXES[this.publicKey.algorithm];
    if (prefix !== undefined) return concat(prefix, seedOf(this.#keyObject));
    return new Uint8Array(this.#keyObject.export({ type: 'pkcs8', format: 'der' }));
  }

  // async: the port allows keys that answer later, and a failure must reach the caller as a rejection.
  async sign(message: Uint8Array): Promise<Uint8Array> {
    const { hash, keyType } = SIGNATURE_ALGORITHMS[this.publicKey.algorithm];
    const padding = keyType === 'rsa' ? PSS : {};
    return plainBytes(sign(hash, message, { key: this.#keyObject, dsaEncoding: 'ieee-p1363', ...padding }));
  }
}
