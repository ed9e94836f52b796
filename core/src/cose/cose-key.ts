/**
 * COSE_Key (RFC 9052 §7, RFC 9053 §7, RFC 9964 for AKP) for public keys, and their thumbprints (RFC 9679).
 *
 * A key names its algorithm, and a key that names a key agreement algorithm is never used for signatures, nor the other
 * way round. Private members are refused: whoever sends one has leaked it.
 */
import { concat, toHex } from '../bytes/index.ts';
import { type CborValue, decodeCbor, encodeCbor, expectBytes, expectInt, expectMap } from '../cbor/index.ts';
import {
  type AgreementCurve,
  AgreementPublicKey,
  PublicKey,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
  sha256,
  signatureAlgorithmOf,
} from '../crypto/index.ts';
import { CoseError } from './errors.ts';

const KTY = 1;
const ALG = 3;
const KTY_OKP = 1;
const KTY_EC2 = 2;
const KTY_RSA = 3;
const KTY_HSS_LMS = 5;
const KTY_AKP = 7;
const CRV_X25519 = 4;
const CRV_ED25519 = 6;
// Labels of the key types: crv, x, y, d for curves; n, e for RSA (RFC 8230); pub, priv for AKP and HSS-LMS (RFC 8778).
const CRV = -1;
const X = -2;
const Y = -3;
const D = -4;
const RSA_N = -1;
const RSA_E = -2;
const RSA_D = -3;
const PUB = -1;
const PRIV = -2;

/** ECDH-ES+A256KW marks our key agreement keys; the other ECDH algorithms are accepted as the same kind of key. */
const AGREEMENT_ALG = -31;
const AGREEMENT_ALGS_ACCEPTED: readonly number[] = [-31, -30, -29, -28, -27, -26, -25];

const UNCOMPRESSED_POINT = Uint8Array.of(4);

type CurveRow = {
  readonly crv: number;
  readonly algorithm: SignatureAlgorithm;
  readonly agreement: AgreementCurve;
  readonly coordinateSizeBytes: number;
};
const CURVES: readonly CurveRow[] = [
  { crv: 1, algorithm: 'ESP256', agreement: 'ECDH-P256', coordinateSizeBytes: 32 },
  { crv: 2, algorithm: 'ESP384', agreement: 'ECDH-P384', coordinateSizeBytes: 48 },
  { crv: 3, algorithm: 'ESP512', agreement: 'ECDH-P521', coordinateSizeBytes: 66 },
];

type AnyPublicKey = PublicKey | AgreementPublicKey;
type KeyMap = Map<CborValue, CborValue>;
type Member = [CborValue, CborValue];

function ec2Members(crv: number, point: Uint8Array): Member[] {
  const half = (point.length - 1) / 2;
  return [
    [KTY, KTY_EC2],
    [CRV, crv],
    [X, point.slice(1, 1 + half)],
    [Y, point.slice(1 + half)],
  ];
}

function okpMembers(crv: number, x: Uint8Array): Member[] {
  return [
    [KTY, KTY_OKP],
    [CRV, crv],
    [X, x],
  ];
}

function rsaMembers(key: PublicKey): Member[] {
  const { modulus, exponent } = key.toRsaMembers() ?? {};
  return [
    [KTY, KTY_RSA],
    [RSA_N, modulus],
    [RSA_E, exponent],
  ];
}

/** The members that RFC 9679 §4 counts: those that make the key, and nothing that describes it. */
function requiredMembers(key: AnyPublicKey): Member[] {
  const raw = key.toRaw();
  const curve = CURVES.find((row) => row.algorithm === key.algorithm || row.agreement === key.algorithm);
  if (curve !== undefined) return ec2Members(curve.crv, raw);
  if (key.algorithm === 'X25519') return okpMembers(CRV_X25519, raw);
  if (key.algorithm === 'Ed25519') return okpMembers(CRV_ED25519, raw);
  if (!(key instanceof PublicKey)) throw unsupported('key agreement', undefined);
  const { keyType, coseAlg } = SIGNATURE_ALGORITHMS[key.algorithm];
  if (keyType === 'rsa') return rsaMembers(key);
  const pub: Member = [PUB, raw];
  if (keyType === 'hss-lms') return [[KTY, KTY_HSS_LMS], pub];
  return [[KTY, KTY_AKP], [ALG, coseAlg], pub];
}

/** A public key as COSE_Key bytes, with its algorithm. */
export function encodeCoseKey(key: AnyPublicKey): Uint8Array {
  const alg = key instanceof PublicKey ? SIGNATURE_ALGORITHMS[key.algorithm].coseAlg : AGREEMENT_ALG;
  return encodeCbor(new Map<CborValue, CborValue>([...requiredMembers(key), [ALG, alg]]));
}

/** The bare COSE_Key map of an ephemeral key, as it stands in a recipient's header. */
export function ephemeralKeyMap(key: AgreementPublicKey): KeyMap {
  return new Map(requiredMembers(key));
}

/** Keys do not change, and a thumbprint costs as much as a tenth of a signature. */
const THUMBPRINTS = new WeakMap<AnyPublicKey, Uint8Array>();

/** The SHA-256 thumbprint of a public key (RFC 9679). */
export function coseKeyThumbprint(key: AnyPublicKey): Uint8Array {
  const known = THUMBPRINTS.get(key) ?? sha256(encodeCbor(new Map(requiredMembers(key))));
  THUMBPRINTS.set(key, known);
  return known.slice();
}

/** The key id that Pawl uses everywhere but inside TUF metadata: the thumbprint as lower-case hex. */
export function keyIdOf(key: AnyPublicKey): string {
  return toHex(coseKeyThumbprint(key));
}

function malformed(expected: string, at: string): CoseError {
  return new CoseError('COSE_KEY_MALFORMED', { expected, at });
}

function unsupported(what: string, actual: number | undefined): CoseError {
  return new CoseError('COSE_KEY_UNSUPPORTED', { what, actual });
}

function refusePrivate(map: KeyMap, label: number, at: string): void {
  if (map.has(label)) throw malformed('a public key without its private member', at);
}

function ec2Point(map: KeyMap, coordinateSizeBytes: number, at: string): Uint8Array {
  const x = expectBytes(map.get(X), `${at}.x`);
  const y = map.get(Y);
  // RFC 9053 §7.1.1: coordinates keep their leading zeros; y may be the sign bit of a compressed point.
  if (x.length !== coordinateSizeBytes) throw malformed(`x of ${coordinateSizeBytes} bytes`, at);
  if (typeof y === 'boolean') return concat(Uint8Array.of(y ? 3 : 2), x);
  const yBytes = expectBytes(y, `${at}.y`);
  if (yBytes.length !== coordinateSizeBytes) throw malformed(`y of ${coordinateSizeBytes} bytes`, at);
  return concat(UNCOMPRESSED_POINT, x, yBytes);
}

function assertAlg(alg: number | undefined, algorithm: SignatureAlgorithm): void {
  if (alg !== undefined && !SIGNATURE_ALGORITHMS[algorithm].coseAlgAccepted.includes(alg)) {
    throw unsupported('algorithm of the key', alg);
  }
}

const isAgreementAlg = (alg: number | undefined): boolean => alg !== undefined && AGREEMENT_ALGS_ACCEPTED.includes(alg);

function curveOf(map: KeyMap, at: string): CurveRow {
  const crv = expectInt(map.get(CRV), `${at}.crv`);
  const curve = CURVES.find((row) => row.crv === crv);
  if (curve === undefined) throw unsupported('curve', crv);
  return curve;
}

function parseEc2(map: KeyMap, alg: number | undefined, at: string): AnyPublicKey {
  refusePrivate(map, D, at);
  const curve = curveOf(map, at);
  const point = ec2Point(map, curve.coordinateSizeBytes, at);
  if (isAgreementAlg(alg)) return AgreementPublicKey.fromRaw(point, curve.agreement);
  assertAlg(alg, curve.algorithm);
  return PublicKey.fromRaw(curve.algorithm, point);
}

function parseOkp(map: KeyMap, alg: number | undefined, at: string): AnyPublicKey {
  refusePrivate(map, D, at);
  const crv = expectInt(map.get(CRV), `${at}.crv`);
  const x = expectBytes(map.get(X), `${at}.x`);
  if (crv === CRV_X25519 && (alg === undefined || isAgreementAlg(alg))) return AgreementPublicKey.fromRaw(x, 'X25519');
  if (crv !== CRV_ED25519) throw unsupported('curve', crv);
  assertAlg(alg, 'Ed25519');
  return PublicKey.fromRaw('Ed25519', x);
}

function algorithmOf(alg: number | undefined, keyType: (text: string) => boolean): SignatureAlgorithm {
  const algorithm = alg === undefined ? undefined : signatureAlgorithmOf(alg);
  if (algorithm === undefined || !keyType(SIGNATURE_ALGORITHMS[algorithm].keyType)) {
    throw unsupported('algorithm of the key', alg);
  }
  return algorithm;
}

function parseRsa(map: KeyMap, alg: number | undefined, at: string): PublicKey {
  refusePrivate(map, RSA_D, at);
  const algorithm = alg === undefined ? 'PS256' : algorithmOf(alg, (keyType) => keyType === 'rsa');
  const modulus = expectBytes(map.get(RSA_N), `${at}.n`);
  const exponent = expectBytes(map.get(RSA_E), `${at}.e`);
  // RFC 8230 §4: as few octets as are needed.
  if (modulus[0] === 0 || exponent[0] === 0) throw malformed('n and e without leading zeros', at);
  return PublicKey.fromRsaMembers(algorithm, { modulus, exponent });
}

function parseHssLms(map: KeyMap, alg: number | undefined, at: string): PublicKey {
  refusePrivate(map, PRIV, at);
  assertAlg(alg, 'HSS-LMS');
  return PublicKey.fromRaw('HSS-LMS', expectBytes(map.get(PUB), `${at}.pub`));
}

function parseAkp(map: KeyMap, alg: number | undefined, at: string): PublicKey {
  refusePrivate(map, PRIV, at);
  // RFC 9964 §4: alg is required in an AKP key.
  const algorithm = algorithmOf(alg, (keyType) => keyType.startsWith('ml-dsa-'));
  return PublicKey.fromRaw(algorithm, expectBytes(map.get(PUB), `${at}.pub`));
}

function parseKeyMap(map: KeyMap, at: string): AnyPublicKey {
  const kty = expectInt(map.get(KTY), `${at}.kty`);
  const alg = map.has(ALG) ? expectInt(map.get(ALG), `${at}.alg`) : undefined;
  switch (kty) {
    case KTY_EC2:
      return parseEc2(map, alg, at);
    case KTY_OKP:
      return parseOkp(map, alg, at);
    case KTY_RSA:
      return parseRsa(map, alg, at);
    case KTY_HSS_LMS:
      return parseHssLms(map, alg, at);
    case KTY_AKP:
      return parseAkp(map, alg, at);
    default:
      throw unsupported('key type', kty);
  }
}

/**
 * Reads a public COSE_Key. A key that names no algorithm is a signature key (X25519 excepted).
 * @throws CoseError COSE_KEY_MALFORMED, COSE_KEY_UNSUPPORTED; CryptoError CRYPTO_KEY_MALFORMED; CborError
 */
export function decodeCoseKey(bytes: Uint8Array): AnyPublicKey {
  return parseKeyMap(expectMap(decodeCbor(bytes, { order: 'any' }), 'COSE_Key'), 'COSE_Key');
}

/** Reads the key that a sender put into a recipient's header: a bare public point on a curve for key agreement. */
export function parseAgreementKey(item: CborValue, at: string): AgreementPublicKey {
  const map = expectMap(item, at);
  const kty = expectInt(map.get(KTY), `${at}.kty`);
  refusePrivate(map, D, at);
  if (kty === KTY_OKP && map.get(CRV) === CRV_X25519) {
    return AgreementPublicKey.fromRaw(expectBytes(map.get(X), `${at}.x`), 'X25519');
  }
  if (kty !== KTY_EC2) throw unsupported('key of the sender', kty);
  const curve = curveOf(map, at);
  return AgreementPublicKey.fromRaw(ec2Point(map, curve.coordinateSizeBytes, at), curve.agreement);
}
