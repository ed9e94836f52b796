/**
 * COSE_Key (RFC 9052 §7, RFC 9053 §7, RFC 9964 for AKP) for public keys, and their thumbprints (RFC 9679).
 *
 * A key names its algorithm, and a key that names a key agreement algorithm is never used for signatures, nor the other
 * way round. Private members are refused: whoever sends one has leaked it.
 */
import { concat, toHex } from '../bytes/index.ts';
import { type CborValue, decodeCbor, encodeCbor, expectBytes, expectInt, expectMap } from '../cbor/index.ts';
import {
  AgreementPublicKey,
  PublicKey,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
  sha256,
} from '../crypto/index.ts';
import { CoseError } from './errors.ts';

const KTY = 1;
const ALG = 3;
const KTY_OKP = 1;
const KTY_EC2 = 2;
const KTY_AKP = 7;
const CRV_P256 = 1;
const CRV_P384 = 2;
const CRV_ED25519 = 6;
// Labels of the key types: crv, x, y, d for curves; pub, priv for AKP.
const CRV = -1;
const X = -2;
const Y = -3;
const D = -4;
const AKP_PUB = -1;
const AKP_PRIV = -2;

/** ECDH-ES+A256KW marks our key agreement keys; the other ECDH-ES algorithms are accepted as the same kind of key. */
const AGREEMENT_ALG = -31;
const AGREEMENT_ALGS_ACCEPTED: readonly number[] = [-31, -29, -25];

const UNCOMPRESSED_POINT = Uint8Array.of(4);
const CURVES: ReadonlyMap<number, { algorithm: SignatureAlgorithm; coordinateSizeBytes: number }> = new Map([
  [CRV_P256, { algorithm: 'ESP256', coordinateSizeBytes: 32 }],
  [CRV_P384, { algorithm: 'ESP384', coordinateSizeBytes: 48 }],
]);

type AnyPublicKey = PublicKey | AgreementPublicKey;
type KeyMap = Map<CborValue, CborValue>;

function ec2Members(crv: number, point: Uint8Array): [CborValue, CborValue][] {
  const half = (point.length - 1) / 2;
  return [
    [KTY, KTY_EC2],
    [CRV, crv],
    [X, point.slice(1, 1 + half)],
    [Y, point.slice(1 + half)],
  ];
}

/** The members that RFC 9679 §4 counts: those that make the key, and nothing that describes it. */
function requiredMembers(key: AnyPublicKey): [CborValue, CborValue][] {
  const raw = key.toRaw();
  switch (key.algorithm) {
    case 'ECDH-P256':
    case 'ESP256':
      return ec2Members(CRV_P256, raw);
    case 'ESP384':
      return ec2Members(CRV_P384, raw);
    case 'Ed25519':
      return [
        [KTY, KTY_OKP],
        [CRV, CRV_ED25519],
        [X, raw],
      ];
    case 'ML-DSA-65':
      return [
        [KTY, KTY_AKP],
        [ALG, SIGNATURE_ALGORITHMS[key.algorithm].coseAlg],
        [AKP_PUB, raw],
      ];
  }
}

/** A public key as COSE_Key bytes, with its algorithm. */
export function encodeCoseKey(key: AnyPublicKey): Uint8Array {
  const alg = key.algorithm === 'ECDH-P256' ? AGREEMENT_ALG : SIGNATURE_ALGORITHMS[key.algorithm].coseAlg;
  return encodeCbor(new Map<CborValue, CborValue>([...requiredMembers(key), [ALG, alg]]));
}

/** The bare COSE_Key map of an ephemeral key, as it stands in a recipient's header. */
export function ephemeralKeyMap(key: AgreementPublicKey): KeyMap {
  return new Map(requiredMembers(key));
}

/** The SHA-256 thumbprint of a public key (RFC 9679). */
export function coseKeyThumbprint(key: AnyPublicKey): Uint8Array {
  return sha256(encodeCbor(new Map(requiredMembers(key))));
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

function parseEc2(map: KeyMap, alg: number | undefined, at: string): AnyPublicKey {
  refusePrivate(map, D, at);
  const crv = expectInt(map.get(CRV), `${at}.crv`);
  const curve = CURVES.get(crv);
  if (curve === undefined) throw unsupported('curve', crv);
  const point = ec2Point(map, curve.coordinateSizeBytes, at);
  if (alg !== undefined && AGREEMENT_ALGS_ACCEPTED.includes(alg)) {
    if (crv !== CRV_P256) throw unsupported('curve for key agreement', crv);
    return AgreementPublicKey.fromRaw(point);
  }
  assertAlg(alg, curve.algorithm);
  return PublicKey.fromRaw(curve.algorithm, point);
}

function parseOkp(map: KeyMap, alg: number | undefined, at: string): PublicKey {
  refusePrivate(map, D, at);
  const crv = expectInt(map.get(CRV), `${at}.crv`);
  if (crv !== CRV_ED25519) throw unsupported('curve', crv);
  assertAlg(alg, 'Ed25519');
  return PublicKey.fromRaw('Ed25519', expectBytes(map.get(X), `${at}.x`));
}

function parseAkp(map: KeyMap, alg: number | undefined, at: string): PublicKey {
  refusePrivate(map, AKP_PRIV, at);
  // RFC 9964 §4: alg is required in an AKP key.
  if (alg !== SIGNATURE_ALGORITHMS['ML-DSA-65'].coseAlg) throw unsupported('algorithm of the key', alg);
  return PublicKey.fromRaw('ML-DSA-65', expectBytes(map.get(AKP_PUB), `${at}.pub`));
}

function parseKeyMap(map: KeyMap, at: string): AnyPublicKey {
  const kty = expectInt(map.get(KTY), `${at}.kty`);
  const alg = map.has(ALG) ? expectInt(map.get(ALG), `${at}.alg`) : undefined;
  switch (kty) {
    case KTY_EC2:
      return parseEc2(map, alg, at);
    case KTY_OKP:
      return parseOkp(map, alg, at);
    case KTY_AKP:
      return parseAkp(map, alg, at);
    default:
      throw unsupported('key type', kty);
  }
}

/**
 * Reads a public COSE_Key. A key that names no algorithm is a signature key.
 * @throws CoseError COSE_KEY_MALFORMED, COSE_KEY_UNSUPPORTED; CryptoError CRYPTO_KEY_MALFORMED; CborError
 */
export function decodeCoseKey(bytes: Uint8Array): AnyPublicKey {
  return parseKeyMap(expectMap(decodeCbor(bytes), 'COSE_Key'), 'COSE_Key');
}

/** Reads the ephemeral key of a recipient: a bare P-256 point. */
export function parseEphemeralKey(item: CborValue, at: string): AgreementPublicKey {
  const map = expectMap(item, at);
  const kty = expectInt(map.get(KTY), `${at}.kty`);
  const crv = expectInt(map.get(CRV), `${at}.crv`);
  if (kty !== KTY_EC2 || crv !== CRV_P256) throw unsupported('ephemeral key', kty);
  refusePrivate(map, D, at);
  return AgreementPublicKey.fromRaw(ec2Point(map, 32, at));
}
