/**
 * The claims of Pawl's evidence, as a CWT claims set (RFC 9711, RFC 8392) under the profile `urn:pawl:eat:1`, which stands
 * in docs/formats/attestation.md. Exactly these claims, each once, in deterministic CBOR; anything else is refused (RFC 9711
 * §6.3.12 lets a profile say so), so that what is appraised is all that was signed.
 *
 * The security floor and the sequence number are claims of our own: CWT leaves numbers below -65536 to private use.
 */
import { concat, isEqualBytes } from '../bytes/index.ts';
import {
  type CborValue,
  decodeCbor,
  encodeCbor,
  expectArray,
  expectBytes,
  expectMap,
  expectUint,
} from '../cbor/index.ts';
import { AttestError } from './errors.ts';
import {
  decodeMeasuredComponent,
  encodeMeasuredComponent,
  MEASURED_COMPONENT_FORMAT,
  type MeasuredComponent,
} from './measured-component.ts';

const PROFILE = 'urn:pawl:eat:1';

const CLAIMS = {
  /** RFC 9711 §4.1. */
  nonce: 10,
  /** RFC 9711 §4.2.1. */
  ueid: 256,
  /** RFC 9711 §4.3.2. */
  profile: 265,
  /** RFC 9711 §4.2.16. */
  measurements: 273,
  /** RFC 8392 §9.1, private use. */
  sequenceNumber: -70001,
  securityFloor: -70002,
} as const;

/** RFC 9711 §4.1. */
const NONCE_BYTES_MIN = 8;
const NONCE_BYTES_MAX = 64;
/** RFC 9711 §4.2.1.1, type RAND: a hash over enough that is random; here the thumbprint of the device key. */
const UEID_RAND = Uint8Array.of(0x01);
const CLAIMS_BYTES_MAX = 1024;
/** The one component that the profile measures. */
const IMAGE = 'image';

/** What a device says that it measured, and when it was asked. */
export type EatClaims = {
  readonly nonce: Uint8Array;
  /** Semantic version of the image, as the device keeps it. */
  readonly version: string;
  /** SHA-256 of the bytes that were read from the running slot. */
  readonly imageDigest: Uint8Array;
  /** Of the manifest that installed the image, as the device keeps it. */
  readonly sequenceNumber: bigint;
  /** The least security counter that the device still takes. */
  readonly securityFloor: bigint;
};

/** @throws AttestError ATTEST_NONCE_INVALID */
function checkNonce(nonce: Uint8Array): void {
  if (nonce.length >= NONCE_BYTES_MIN && nonce.length <= NONCE_BYTES_MAX) return;
  const expected = `${NONCE_BYTES_MIN} to ${NONCE_BYTES_MAX} bytes`;
  throw new AttestError('ATTEST_NONCE_INVALID', { expected, actual: nonce.length });
}

/** @throws AttestError ATTEST_NONCE_INVALID */
export function encodeClaims(claims: EatClaims, thumbprint: Uint8Array): Uint8Array {
  checkNonce(claims.nonce);
  const image = encodeMeasuredComponent({ name: IMAGE, version: claims.version, digest: claims.imageDigest });
  return encodeCbor(
    new Map<CborValue, CborValue>([
      [CLAIMS.nonce, claims.nonce],
      [CLAIMS.ueid, concat(UEID_RAND, thumbprint)],
      [CLAIMS.profile, PROFILE],
      [CLAIMS.measurements, [[MEASURED_COMPONENT_FORMAT, image]]],
      [CLAIMS.sequenceNumber, claims.sequenceNumber],
      [CLAIMS.securityFloor, claims.securityFloor],
    ]),
  );
}

function decodeMeasurements(value: CborValue): MeasuredComponent {
  const [entry] = expectArray(value, 'measurements', 1);
  const [format, content] = expectArray(entry, 'measurements', 2);
  if (format !== MEASURED_COMPONENT_FORMAT) {
    throw new AttestError('ATTEST_EVIDENCE_MALFORMED', { expected: MEASURED_COMPONENT_FORMAT, at: 'measurements' });
  }
  const image = decodeMeasuredComponent(expectBytes(content, 'measurements'));
  if (image.name !== IMAGE)
    throw new AttestError('ATTEST_EVIDENCE_MALFORMED', { expected: IMAGE, at: 'component name' });
  return image;
}

/**
 * @throws AttestError ATTEST_EVIDENCE_MALFORMED, ATTEST_PROFILE_UNKNOWN, ATTEST_NONCE_INVALID, ATTEST_DEVICE_DIFFERS;
 *   CborError
 */
export function decodeClaims(bytes: Uint8Array, thumbprint: Uint8Array): EatClaims {
  const map = expectMap(decodeCbor(bytes, { sizeBytesMax: CLAIMS_BYTES_MAX }), 'claims');
  const profile = map.get(CLAIMS.profile);
  if (profile !== PROFILE) {
    const actual = typeof profile === 'string' ? profile : 'none';
    throw new AttestError('ATTEST_PROFILE_UNKNOWN', { expected: PROFILE, actual });
  }
  const known: readonly CborValue[] = Object.values(CLAIMS);
  if ([...map.keys()].some((key) => !known.includes(key)))
    throw new AttestError('ATTEST_EVIDENCE_MALFORMED', { expected: 'the claims of the profile only' });
  const nonce = expectBytes(map.get(CLAIMS.nonce), 'nonce');
  checkNonce(nonce);
  const ueid = expectBytes(map.get(CLAIMS.ueid), 'ueid');
  if (!isEqualBytes(ueid, concat(UEID_RAND, thumbprint))) throw new AttestError('ATTEST_DEVICE_DIFFERS');
  const image = decodeMeasurements(map.get(CLAIMS.measurements));
  return {
    nonce,
    version: image.version,
    imageDigest: image.digest,
    sequenceNumber: expectUint(map.get(CLAIMS.sequenceNumber), 'sequence number'),
    securityFloor: expectUint(map.get(CLAIMS.securityFloor), 'security floor'),
  };
}
