/**
 * A signature verification key, bound to exactly one algorithm: the key says how a signature is checked, never the
 * message. ECDSA signatures are raw `r || s` (RFC 9053 §2.1), RSA is PSS with a salt as long as the digest (RFC 8230),
 * ML-DSA is pure with an empty context (RFC 9964), HSS-LMS is RFC 8554.
 */
import { constants, createPublicKey, KeyObject, verify } from 'node:crypto';
import { concat, fromBase64, fromBase64Url, fromHex, isEqualBytes, toBase64, toBase64Url } from '../bytes/index.ts';
import { SIGNATURE_ALGORITHM_NAMES, SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from './algorithms.ts';
import { CryptoError } from './errors.ts';
import { HssPublicKey } from './hss-lms/verify.ts';
import { exportRawPublic, importRawPublic, importSpki } from './key-import.ts';

/** NIST SP 800-131A: RSA below 2048 bits is no protection; above 8192 it is a way to keep a verifier busy. */
const RSA_BITS_MIN = 2048;
const RSA_BITS_MAX = 8192;
const RSA_EXPONENT_MAX = 2n ** 33n;
/** RFC 9802 §4: id-alg-hss-lms-hashsig without parameters, the key itself as the BIT STRING. */
const HSS_OID = fromHex('300d060b2a864886f70d0109100311');
const HSS_PEM = /^-----BEGIN PUBLIC KEY-----\r?\n([A-Za-z0-9+/=\r\n]{1,400})-----END PUBLIC KEY-----\s*$/;
const PEM_LINE_CHARS = 64;

/** The algorithm that a Node key belongs to, judged by its type and curve; an RSA key is a PS256 key. */
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

/** NIST SP 800-131A, FIPS 186-5 §5.1: size, and an odd public exponent that is no pretence. */
function assertRsa(key: KeyObject): void {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  const isSized = modulusLength >= RSA_BITS_MIN && modulusLength <= RSA_BITS_MAX;
  if (!isSized || publicExponent < 3n || publicExponent > RSA_EXPONENT_MAX || publicExponent % 2n === 0n) {
    throw new CryptoError('CRYPTO_KEY_UNSUPPORTED', { what: 'RSA modulus or exponent', bits: modulusLength });
  }
}

function hssSpki(raw: Uint8Array): Uint8Array {
  const bits = concat(Uint8Array.of(0x03, raw.length + 1, 0), raw);
  return concat(Uint8Array.of(0x30, HSS_OID.length + bits.length), HSS_OID, bits);
}

/** The raw HSS key in an SPKI of RFC 9802; undefined when it is one of another algorithm, or none at all. */
function hssFromSpki(pemOrDer: string | Uint8Array): Uint8Array | undefined {
  const pem = typeof pemOrDer === 'string' ? HSS_PEM.exec(pemOrDer)?.[1] : undefined;
  if (typeof pemOrDer === 'string' && pem === undefined) return undefined;
  const der = typeof pemOrDer === 'string' ? fromBase64((pem ?? '').replace(/[\r\n]/g, '')) : pemOrDer;
  const raw = der.subarray(2 + HSS_OID.length + 3);
  // One encoding only: what we would write for this key.
  return raw.length > 0 && raw.length < 100 && isEqualBytes(hssSpki(raw), der) ? raw : undefined;
}

function hssFromSpkiText(pemOrDer: string | Uint8Array): Uint8Array | undefined {
  try {
    return hssFromSpki(pemOrDer);
  } catch {
    return undefined;
  }
}

/** A public key for signatures. */
export class PublicKey {
  readonly algorithm: SignatureAlgorithm;
  readonly #key: KeyObject | HssPublicKey;

  private constructor(key: KeyObject | HssPublicKey, algorithm?: SignatureAlgorithm) {
    const own = key instanceof HssPublicKey ? 'HSS-LMS' : algorithmOfKey(key);
    this.algorithm = algorithm ?? own;
    this.#key = key;
    const row = SIGNATURE_ALGORITHMS[this.algorithm];
    if (row.keyType !== SIGNATURE_ALGORITHMS[own].keyType || row.curve !== SIGNATURE_ALGORITHMS[own].curve) {
      throw new CryptoError('CRYPTO_KEY_UNSUPPORTED', { expected: this.algorithm, actual: own });
    }
    if (key instanceof KeyObject && row.keyType === 'rsa') assertRsa(key);
    // A point at infinity has a shorter raw form; no signature may ever verify under it.
    const expected = row.publicKeySizeBytes;
    const actual = this.toRaw().length;
    if (expected !== null && actual !== expected) {
      throw new CryptoError('CRYPTO_KEY_MALFORMED', { what: 'public key', expected, actual });
    }
  }

  /**
   * From SPKI, as PEM text or DER bytes. The algorithm is needed only where the key does not say it: an RSA key is a PS256
   * key unless told otherwise.
   * @throws CryptoError CRYPTO_KEY_MALFORMED, CRYPTO_KEY_UNSUPPORTED
   */
  static fromSpki(pemOrDer: string | Uint8Array, algorithm?: SignatureAlgorithm): PublicKey {
    const hss = hssFromSpkiText(pemOrDer);
    return new PublicKey(hss === undefined ? importSpki(pemOrDer) : new HssPublicKey(hss), algorithm);
  }

  /**
   * From the raw key: an uncompressed or compressed point for ECDSA, PKCS#1 for RSA, the key bytes for the others.
   * @throws CryptoError CRYPTO_KEY_MALFORMED, CRYPTO_KEY_UNSUPPORTED
   */
  static fromRaw(algorithm: SignatureAlgorithm, raw: Uint8Array): PublicKey {
    const { keyType, curve } = SIGNATURE_ALGORITHMS[algorithm];
    return new PublicKey(
      keyType === 'hss-lms' ? new HssPublicKey(raw) : importRawPublic(keyType, curve, raw),
      algorithm,
    );
  }

  /**
   * An RSA key from its modulus and exponent, big endian.
   * @throws CryptoError CRYPTO_KEY_UNSUPPORTED
   */
  static fromRsaMembers(algorithm: SignatureAlgorithm, members: RsaMembers): PublicKey {
    if (members.modulus.length > RSA_BITS_MAX / 8) {
      throw new CryptoError('CRYPTO_KEY_UNSUPPORTED', { what: 'RSA modulus', actual: members.modulus.length });
    }
    // Any numbers make a key here; whether it is one is judged in the constructor.
    const jwk = { kty: 'RSA', n: toBase64Url(members.modulus), e: toBase64Url(members.exponent) };
    return new PublicKey(createPublicKey({ key: jwk, format: 'jwk' }), algorithm);
  }

  /** From a Node key object. @throws CryptoError CRYPTO_KEY_UNSUPPORTED */
  static fromKeyObject(keyObject: KeyObject, algorithm?: SignatureAlgorithm): PublicKey {
    return new PublicKey(keyObject, algorithm);
  }

  toRaw(): Uint8Array {
    return this.#key instanceof HssPublicKey ? this.#key.raw.slice() : exportRawPublic(this.#key);
  }

  /** Modulus and exponent of an RSA key, big endian, without leading zeros; undefined for every other key. */
  toRsaMembers(): RsaMembers | undefined {
    if (this.#key instanceof HssPublicKey || this.#key.asymmetricKeyType !== 'rsa') return undefined;
    const { n = '', e = '' } = this.#key.export({ format: 'jwk' });
    return { modulus: fromBase64Url(n), exponent: fromBase64Url(e) };
  }

  toSpkiPem(): string {
    if (this.#key instanceof KeyObject) return this.#key.export({ type: 'spki', format: 'pem' }).toString();
    const text = toBase64(this.toSpkiDer());
    const lines = Array.from({ length: Math.ceil(text.length / PEM_LINE_CHARS) }, (_, line) =>
      text.slice(line * PEM_LINE_CHARS, (line + 1) * PEM_LINE_CHARS),
    );
    return ['-----BEGIN PUBLIC KEY-----', ...lines, '-----END PUBLIC KEY-----', ''].join('\n');
  }

  toSpkiDer(): Uint8Array {
    if (this.#key instanceof HssPublicKey) return hssSpki(this.#key.raw);
    return new Uint8Array(this.#key.export({ type: 'spki', format: 'der' }));
  }

  isEqual(other: PublicKey): boolean {
    return this.algorithm === other.algorithm && isEqualBytes(this.toRaw(), other.toRaw());
  }

  /**
   * Returns only when the signature fits the message under this key.
   * @throws CryptoError CRYPTO_SIGNATURE_INVALID
   */
  verify(message: Uint8Array, signature: Uint8Array): void {
    if (this.#key instanceof HssPublicKey) {
      this.#key.verify(message, signature);
      return;
    }
    const { hash, signatureSizeBytes, keyType } = SIGNATURE_ALGORITHMS[this.algorithm];
    if (signatureSizeBytes !== null && signature.length !== signatureSizeBytes) {
      throw new CryptoError('CRYPTO_SIGNATURE_INVALID', { expected: signatureSizeBytes, actual: signature.length });
    }
    const padding = keyType === 'rsa' ? PSS : {};
    const key = { key: this.#key, dsaEncoding: 'ieee-p1363', ...padding } as const;
    if (!verify(hash, message, key, signature)) {
      throw new CryptoError('CRYPTO_SIGNATURE_INVALID', { algorithm: this.algorithm });
    }
  }
}

/** The numbers of an RSA public key, big endian. */
export type RsaMembers = { readonly modulus: Uint8Array; readonly exponent: Uint8Array };

/** RFC 8230 §2: RSASSA-PSS; the salt is exactly as long as the digest, also when verifying. */
export const PSS = {
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
} as const;
