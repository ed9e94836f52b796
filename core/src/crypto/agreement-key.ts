/**
 * Key agreement keys: ECDH on P-256, P-384, P-521 and X25519 (RFC 9053 §6.3). The shared secret (the x coordinate, of full
 * length) is never a key by itself and always goes through a KDF with its context.
 */
import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { CryptoError } from './errors.ts';
import { exportRawPublic, importPkcs8, importRawPublic, importSpki } from './key-import.ts';
import { plainBytes } from './plain-bytes.ts';

/** A curve for key agreement. */
export type AgreementCurve = 'ECDH-P256' | 'ECDH-P384' | 'ECDH-P521' | 'X25519';

type AgreementRow = { readonly publicKeySizeBytes: number } & (
  | { readonly keyType: 'ec'; readonly curve: string }
  | { readonly keyType: 'x25519'; readonly curve: null }
);

const CURVES: Readonly<Record<AgreementCurve, AgreementRow>> = {
  'ECDH-P256': { keyType: 'ec', curve: 'prime256v1', publicKeySizeBytes: 65 },
  'ECDH-P384': { keyType: 'ec', curve: 'secp384r1', publicKeySizeBytes: 97 },
  'ECDH-P521': { keyType: 'ec', curve: 'secp521r1', publicKeySizeBytes: 133 },
  X25519: { keyType: 'x25519', curve: null, publicKeySizeBytes: 32 },
};

const CURVE_NAMES = Object.keys(CURVES) as AgreementCurve[];

/** True for the names of key agreement curves. */
export function isAgreementCurve(algorithm: string): algorithm is AgreementCurve {
  return Object.hasOwn(CURVES, algorithm);
}

function curveOf(key: KeyObject): AgreementCurve {
  const namedCurve = key.asymmetricKeyDetails?.namedCurve ?? null;
  const found = CURVE_NAMES.find((name) => {
    const row = CURVES[name];
    return row.keyType === key.asymmetricKeyType && row.curve === (row.keyType === 'ec' ? namedCurve : null);
  });
  if (found === undefined) {
    throw new CryptoError('CRYPTO_KEY_UNSUPPORTED', {
      keyType: String(key.asymmetricKeyType),
      curve: namedCurve ?? 'none',
    });
  }
  return found;
}

/** The public half of a key agreement key. */
export class AgreementPublicKey {
  readonly algorithm: AgreementCurve;
  readonly keyObject: KeyObject;

  private constructor(keyObject: KeyObject) {
    this.algorithm = curveOf(keyObject);
    this.keyObject = keyObject;
    const expected = CURVES[this.algorithm].publicKeySizeBytes;
    const actual = this.toRaw().length;
    // SP 800-56A §5.6.2.3.3: a peer's point is on the curve (Node checks) and not the point at infinity.
    if (actual !== expected) throw new CryptoError('CRYPTO_KEY_MALFORMED', { what: 'public key', expected, actual });
  }

  /** @throws CryptoError CRYPTO_KEY_MALFORMED, CRYPTO_KEY_UNSUPPORTED */
  static fromSpki(pemOrDer: string | Uint8Array): AgreementPublicKey {
    return new AgreementPublicKey(importSpki(pemOrDer));
  }

  /** From a compressed or uncompressed point, or the 32 bytes of X25519. @throws CryptoError CRYPTO_KEY_MALFORMED */
  static fromRaw(raw: Uint8Array, curve: AgreementCurve = 'ECDH-P256'): AgreementPublicKey {
    const row = CURVES[curve];
    return new AgreementPublicKey(importRawPublic(row.keyType, row.curve, raw));
  }

  /** @throws CryptoError CRYPTO_KEY_UNSUPPORTED */
  static fromKeyObject(keyObject: KeyObject): AgreementPublicKey {
    return new AgreementPublicKey(keyObject);
  }

  /** The uncompressed point `04 || x || y`, or the 32 bytes of X25519. */
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

function generateKeyObject(curve: AgreementCurve): KeyObject {
  const row = CURVES[curve];
  return row.keyType === 'x25519'
    ? generateKeyPairSync('x25519').privateKey
    : generateKeyPairSync('ec', { namedCurve: row.curve }).privateKey;
}

/** The private half of a key agreement key. */
export class AgreementKey {
  readonly publicKey: AgreementPublicKey;
  readonly #keyObject: KeyObject;

  private constructor(keyObject: KeyObject) {
    this.publicKey = AgreementPublicKey.fromKeyObject(createPublicKey(keyObject));
    this.#keyObject = keyObject;
  }

  static generate(curve: AgreementCurve = 'ECDH-P256'): AgreementKey {
    return new AgreementKey(generateKeyObject(curve));
  }

  /** @throws CryptoError CRYPTO_KEY_MALFORMED, CRYPTO_KEY_UNSUPPORTED */
  static fromPkcs8(der: Uint8Array): AgreementKey {
    return new AgreementKey(importPkcs8(der));
  }

  /** From the scalar: as many bytes as the curve has. @throws CryptoError CRYPTO_KEY_MALFORMED */
  static fromRaw(scalar: Uint8Array, curve: AgreementCurve = 'ECDH-P256'): AgreementKey {
    const row = CURVES[curve];
    const options = { key: Buffer.from(scalar), format: 'raw-private' } as const;
    try {
      return new AgreementKey(
        row.keyType === 'ec'
          ? createPrivateKey({ ...options, asymmetricKeyType: 'ec', namedCurve: row.curve })
          : createPrivateKey({ ...options, asymmetricKeyType: 'x25519' }),
      );
    } catch {
      throw new CryptoError('CRYPTO_KEY_MALFORMED', { what: 'private key', algorithm: curve });
    }
  }

  /** The private key in the clear: seal it before it is stored. */
  toPkcs8Der(): Uint8Array {
    return new Uint8Array(this.#keyObject.export({ type: 'pkcs8', format: 'der' }));
  }

  /**
   * The shared secret with a peer: input for a KDF, not a key. Node refuses an X25519 peer of low order (RFC 7748 §6.1).
   * @throws CryptoError CRYPTO_KEY_MALFORMED
   */
  agree(peer: AgreementPublicKey): Uint8Array {
    try {
      return plainBytes(diffieHellman({ privateKey: this.#keyObject, publicKey: peer.keyObject }));
    } catch (cause) {
      throw new CryptoError('CRYPTO_KEY_MALFORMED', { what: 'public key of the peer' }, cause);
    }
  }
}
