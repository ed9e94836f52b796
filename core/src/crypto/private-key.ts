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
import { algorithmOfKey, PublicKey } from './public-key.ts';

/** Something that signs with one key; ECDSA signatures come as raw `r || s`. */
export interface Signer {
  readonly publicKey: PublicKey;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

// PrivateKeyInfo { version 0, { id-ml-dsa-65 }, OCTET STRING { [0] seed } } up to the 32 seed bytes.
const ML_DSA_65_SEED_PREFIX = fromHex('3034020100300b060960864801650304031204228020');

function generateKeyObject(algorithm: SignatureAlgorithm): KeyObject {
  const { keyType, curve } = SIGNATURE_ALGORITHMS[algorithm];
  if (keyType === 'ed25519') return generateKeyPairSync('ed25519').privateKey;
  if (keyType === 'ml-dsa-65') return generateKeyPairSync('ml-dsa-65').privateKey;
  return generateKeyPairSync('ec', { namedCurve: curve ?? '' }).privateKey;
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

  private constructor(keyObject: KeyObject) {
    this.publicKey = PublicKey.fromKeyObject(createPublicKey(keyObject));
    this.#keyObject = keyObject;
  }

  static generate(algorithm: SignatureAlgorithm): PrivateKey {
    return new PrivateKey(generateKeyObject(algorithm));
  }

  /** @throws CryptoError CRYPTO_KEY_MALFORMED, CRYPTO_KEY_UNSUPPORTED */
  static fromPkcs8(der: Uint8Array): PrivateKey {
    const keyObject = importPkcs8(der);
    if (algorithmOfKey(keyObject) === 'ML-DSA-65') seedOf(keyObject);
    return new PrivateKey(keyObject);
  }

  /**
   * From the 32-byte secret: the seed of Ed25519 and ML-DSA, the scalar of ECDSA (48 bytes for P-384).
   * @throws CryptoError CRYPTO_KEY_MALFORMED
   */
  static fromRaw(algorithm: SignatureAlgorithm, secret: Uint8Array): PrivateKey {
    const { keyType, curve } = SIGNATURE_ALGORITHMS[algorithm];
    const key = Buffer.from(secret);
    try {
      if (keyType === 'ml-dsa-65') {
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
    if (this.publicKey.algorithm === 'ML-DSA-65') return concat(ML_DSA_65_SEED_PREFIX, seedOf(this.#keyObject));
    return new Uint8Array(this.#keyObject.export({ type: 'pkcs8', format: 'der' }));
  }

  // async: the port allows keys that answer later, and a failure must reach the caller as a rejection.
  async sign(message: Uint8Array): Promise<Uint8Array> {
    const { hash } = SIGNATURE_ALGORITHMS[this.publicKey.algorithm];
    return plainBytes(sign(hash, message, { key: this.#keyObject, dsaEncoding: 'ieee-p1363' }));
  }
}
