/**
 * Key agreement keys: ECDH on P-256 (RFC 9053 §6.3). The shared secret is the x coordinate, 32 bytes; it is never a key
 * by itself and always goes through a KDF with its context.
 */
import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { CryptoError } from './errors.ts';
import { exportRawPublic, importPkcs8, importRawPublic, importSpki } from './key-import.ts';
import { plainBytes } from './plain-bytes.ts';

const CURVE = 'prime256v1';
const POINT_SIZE_BYTES = 65;

function assertP256(key: KeyObject): void {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType !== 'ec' || curve !== CURVE) {
    throw new CryptoError('CRYPTO_KEY_UNSUPPORTED', { keyType: String(key.asymmetricKeyType), curve });
  }
}

/** The public half of a P-256 key agreement key. */
export class AgreementPublicKey {
  readonly algorithm = 'ECDH-P256';
  readonly keyObject: KeyObject;

  private constructor(keyObject: KeyObject) {
    assertP256(keyObject);
    this.keyObject = keyObject;
    const actual = this.toRaw().length;
    // SP 800-56A §5.6.2.3.3: a peer's point is on the curve (Node checks) and not the point at infinity.
    if (actual !== POINT_SIZE_BYTES) throw new CryptoError('CRYPTO_KEY_MALFORMED', { what: 'public key', actual });
  }

  /** @throws CryptoError CRYPTO_KEY_MALFORMED, CRYPTO_KEY_UNSUPPORTED */
  static fromSpki(pemOrDer: string | Uint8Array): AgreementPublicKey {
    return new AgreementPublicKey(importSpki(pemOrDer));
  }

  /** From a compressed or uncompressed point. @throws CryptoError CRYPTO_KEY_MALFORMED */
  static fromRaw(raw: Uint8Array): AgreementPublicKey {
    return new AgreementPublicKey(importRawPublic('ec', CURVE, raw));
  }

  /** @throws CryptoError CRYPTO_KEY_UNSUPPORTED */
  static fromKeyObject(keyObject: KeyObject): AgreementPublicKey {
    return new AgreementPublicKey(keyObject);
  }

  /** The uncompressed point: `04 || x || y`. */
  toRaw(): Uint8Array {
    return exportRawPublic(this.keyObject);
  }

  toSpkiPem(): string {
    return this.keyObject.export({ type: 'spki', format: 'pem' }).toString();
  }

  toSpkiDer(): Uint8Array {
    return new Uint8Array(this.keyObject.export({ type: 'spki', format: 'der' }));
  }
}

/** The private half of a P-256 key agreement key. */
export class AgreementKey {
  readonly publicKey: AgreementPublicKey;
  readonly #keyObject: KeyObject;

  private constructor(keyObject: KeyObject) {
    this.publicKey = AgreementPublicKey.fromKeyObject(createPublicKey(keyObject));
    this.#keyObject = keyObject;
  }

  static generate(): AgreementKey {
    return new AgreementKey(generateKeyPairSync('ec', { namedCurve: CURVE }).privateKey);
  }

  /** @throws CryptoError CRYPTO_KEY_MALFORMED, CRYPTO_KEY_UNSUPPORTED */
  static fromPkcs8(der: Uint8Array): AgreementKey {
    return new AgreementKey(importPkcs8(der));
  }

  /** From the 32-byte scalar. @throws CryptoError CRYPTO_KEY_MALFORMED */
  static fromRaw(scalar: Uint8Array): AgreementKey {
    try {
      const key = Buffer.from(scalar);
      const options = { key, format: 'raw-private', asymmetricKeyType: 'ec', namedCurve: CURVE } as const;
      return new AgreementKey(createPrivateKey(options));
    } catch {
      throw new CryptoError('CRYPTO_KEY_MALFORMED', { what: 'private key', algorithm: 'ECDH-P256' });
    }
  }

  /** The private key in the clear: seal it before it is stored. */
  toPkcs8Der(): Uint8Array {
    return new Uint8Array(this.#keyObject.export({ type: 'pkcs8', format: 'der' }));
  }

  /** The shared secret with a peer: input for a KDF, not a key. @throws CryptoError CRYPTO_KEY_MALFORMED */
  agree(peer: AgreementPublicKey): Uint8Array {
    try {
      return plainBytes(diffieHellman({ privateKey: this.#keyObject, publicKey: peer.keyObject }));
    } catch (cause) {
      throw new CryptoError('CRYPTO_KEY_MALFORMED', { what: 'public key of the peer' }, cause);
    }
  }
}
