/**
 * The measurement of an image as a measured component (RFC 10013 §4): its name, its version and the digest of its bytes, in
 * the form that goes into the measurements claim of an EAT. CBOR, CoAP Content-Format 295.
 *
 * Of the format there is what the profile uses: one digest, SHA-256 by its number in the Named Information registry. The
 * members authorities and flags are not used (RFC 10013 §4.4 wants a profile to say so) and are refused.
 */
import {
  type CborValue,
  decodeCbor,
  encodeCbor,
  expectArray,
  expectBytes,
  expectMap,
  expectText,
} from '../cbor/index.ts';
import { AttestError } from './errors.ts';

/** application/measured-component+cbor */
export const MEASURED_COMPONENT_FORMAT = 295;

const KEYS = { id: 1, digest: 2 } as const;
/** Named Information Hash Algorithm registry: not the COSE numbers that SUIT uses. */
const NI_SHA_256 = 1;
const SHA_256_BYTES = 32;
/** CoSWID version schemes (RFC 9393 §4.1). */
const SCHEME_SEMVER = 16384;
const TEXT_CHARS_MAX = 128;

export type MeasuredComponent = {
  /** Stays the same from release to release. */
  readonly name: string;
  /** Semantic version. */
  readonly version: string;
  /** SHA-256. */
  readonly digest: Uint8Array;
};

function malformed(expected: string, at: string): AttestError {
  return new AttestError('ATTEST_EVIDENCE_MALFORMED', { expected, at });
}

/** Writes a measured component, deterministically. */
export function encodeMeasuredComponent({ name, version, digest }: MeasuredComponent): Uint8Array {
  return encodeCbor(
    new Map<CborValue, CborValue>([
      [KEYS.id, [name, [version, SCHEME_SEMVER]]],
      [KEYS.digest, [NI_SHA_256, digest]],
    ]),
  );
}

function shortText(value: CborValue, at: string): string {
  const text = expectText(value, at);
  if (text.length === 0 || text.length > TEXT_CHARS_MAX) throw malformed(`1 to ${TEXT_CHARS_MAX} characters`, at);
  return text;
}

/** @throws AttestError ATTEST_EVIDENCE_MALFORMED; CborError */
export function decodeMeasuredComponent(bytes: Uint8Array): MeasuredComponent {
  const map = expectMap(decodeCbor(bytes), 'measured component');
  if (map.size !== 2) throw malformed('an id and a digest only', 'measured component');
  const [name, versioned] = expectArray(map.get(KEYS.id), 'component id', 2);
  const [version, scheme] = expectArray(versioned, 'component version', 2);
  if (scheme !== SCHEME_SEMVER) throw malformed('a semantic version', 'component version');
  const [algorithm, value] = expectArray(map.get(KEYS.digest), 'component digest', 2);
  const digest = expectBytes(value, 'component digest');
  if (algorithm !== NI_SHA_256 || digest.length !== SHA_256_BYTES) throw malformed('SHA-256', 'component digest');
  return { name: shortText(name, 'component name'), version: shortText(version, 'component version'), digest };
}
