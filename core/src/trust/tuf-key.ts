/**
 * Keys as TUF metadata writes them (TUF 1.0.34 §4.2): Ed25519 as hexadecimal, ECDSA as SPKI PEM with DER signatures, RSA
 * (2048 bits or more) as SPKI PEM with PSS. A key id is the SHA-256 of the canonical form of the key; it is computed here
 * and compared, never believed. `ml-dsa-*` (SPKI PEM, raw signature) is an extension of ours. Of the clients that do not know
 * it, tuf-js counts such a key as absent, so its threshold needs standard keys; python-tuf refuses the whole file.
 */
import { CodedError, fromHex, toHex } from '../bytes/index.ts';
import {
  ecdsaDerToRaw,
  ecdsaRawToDer,
  PublicKey,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
  sha256,
} from '../crypto/index.ts';
import { encodeCanonicalJson } from './canonical-json.ts';
import { TrustError } from './errors.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { expectObject, expectString, malformed } from './json-fields.ts';

export type TufKey = {
  readonly keyId: string;
  readonly keyType: string;
  readonly scheme: string;
  /** Absent for a key type or scheme that is not known here: it stays listed, and none of its signatures counts. */
  readonly publicKey: PublicKey | undefined;
  readonly json: JsonObject;
};

type SchemeRow = {
  readonly algorithm: SignatureAlgorithm;
  /** The first is the one that is written. */
  readonly keyTypes: readonly string[];
  readonly form: 'hex' | 'pem';
  readonly signature: 'raw' | 'der';
};

const ecdsa = (algorithm: SignatureAlgorithm, scheme: string): SchemeRow => ({
  algorithm,
  // The scheme as key type is the older spelling.
  keyTypes: ['ecdsa', scheme],
  form: 'pem',
  signature: 'der',
});

const pem = (algorithm: SignatureAlgorithm, keyType: string): SchemeRow => ({
  algorithm,
  keyTypes: [keyType],
  form: 'pem',
  signature: 'raw',
});

const SCHEMES: Readonly<Record<string, SchemeRow>> = {
  ed25519: { algorithm: 'Ed25519', keyTypes: ['ed25519'], form: 'hex', signature: 'raw' },
  'ecdsa-sha2-nistp256': ecdsa('ESP256', 'ecdsa-sha2-nistp256'),
  'ecdsa-sha2-nistp384': ecdsa('ESP384', 'ecdsa-sha2-nistp384'),
  'ecdsa-sha2-nistp521': ecdsa('ESP512', 'ecdsa-sha2-nistp521'),
  'rsassa-pss-sha256': pem('PS256', 'rsa'),
  'rsassa-pss-sha384': pem('PS384', 'rsa'),
  'rsassa-pss-sha512': pem('PS512', 'rsa'),
  'ml-dsa-44': pem('ML-DSA-44', 'ml-dsa-44'),
  'ml-dsa-65': pem('ML-DSA-65', 'ml-dsa-65'),
  'ml-dsa-87': pem('ML-DSA-87', 'ml-dsa-87'),
};

function schemeRow(scheme: string): SchemeRow | undefined {
  return Object.hasOwn(SCHEMES, scheme) ? SCHEMES[scheme] : undefined;
}

function keyIdOfJson(json: JsonValue): string {
  return toHex(sha256(encodeCanonicalJson(json)));
}

function parsePublicKey(row: SchemeRow, text: string, at: string): PublicKey {
  try {
    return row.form === 'hex'
      ? PublicKey.fromRaw(row.algorithm, fromHex(text))
      : PublicKey.fromSpki(text, row.algorithm);
  } catch (cause) {
    throw new TrustError('TRUST_METADATA_MALFORMED', { at, expected: `a ${row.algorithm} public key` }, cause);
  }
}

export function parseTufKey(keyId: string, value: JsonValue | undefined, at: string): TufKey {
  const json = expectObject(value, at);
  const keyType = expectString(json['keytype'], `${at}.keytype`);
  const scheme = expectString(json['scheme'], `${at}.scheme`);
  const keyval = expectObject(json['keyval'], `${at}.keyval`);
  const text = expectString(keyval['public'], `${at}.keyval.public`);
  // TUF 1.0.34 §4.2: the key id is the digest of the canonical form of the key. Repositories differ in whether fields
  // beyond the three belong to that form; both readings name this key and no other.
  const isOwnId = keyId === keyIdOfJson({ keytype: keyType, scheme, keyval }) || keyId === keyIdOfJson(json);
  if (!isOwnId) throw malformed(at, 'the key id to be the digest of the key');
  const row = schemeRow(scheme);
  const isKnown = row?.keyTypes.includes(keyType) === true;
  const publicKey = row !== undefined && isKnown ? parsePublicKey(row, text, `${at}.keyval.public`) : undefined;
  return { keyId, keyType, scheme, publicKey, json };
}

/**
 * The TUF form of a public key, with its key id.
 * @throws TrustError TRUST_KEY_UNSUPPORTED
 */
export function tufKeyOf(publicKey: PublicKey): TufKey {
  const found = Object.entries(SCHEMES).find(([, row]) => row.algorithm === publicKey.algorithm);
  const keyType = found?.[1].keyTypes[0];
  if (found === undefined || keyType === undefined) {
    throw new TrustError('TRUST_KEY_UNSUPPORTED', { algorithm: publicKey.algorithm });
  }
  const [scheme, row] = found;
  const text = row.form === 'hex' ? toHex(publicKey.toRaw()) : publicKey.toSpkiPem();
  const json = { keytype: keyType, keyval: { public: text }, scheme };
  return { keyId: keyIdOfJson(json), keyType, scheme, publicKey, json };
}

/**
 * One key under two key ids is one key: this names the key itself. Its SPKI would not do: a point can be written in three
 * forms, and one RSA key can stand under several schemes.
 */
export function keyIdentity(publicKey: PublicKey): string {
  const { keyType, curve } = SIGNATURE_ALGORITHMS[publicKey.algorithm];
  return `${keyType}/${curve ?? ''}/${toHex(publicKey.toRaw())}`;
}

export function encodeTufSignature(publicKey: PublicKey, signature: Uint8Array): string {
  const row = schemeRow(tufKeyOf(publicKey).scheme);
  return toHex(row?.signature === 'der' ? ecdsaRawToDer(signature) : signature);
}

/** True when this key made this signature. Whatever else is wrong with the signature makes it count for nothing. */
export function isSignedBy(key: TufKey, message: Uint8Array, signatureHex: string): boolean {
  const row = schemeRow(key.scheme);
  if (row === undefined || key.publicKey === undefined) return false;
  try {
    const signature = fromHex(signatureHex);
    const halfSizeBytes = (SIGNATURE_ALGORITHMS[row.algorithm].signatureSizeBytes ?? 0) / 2;
    key.publicKey.verify(message, row.signature === 'der' ? ecdsaDerToRaw(signature, halfSizeBytes) : signature);
    return true;
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
}
