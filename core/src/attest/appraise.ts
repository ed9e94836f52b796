/**
 * Appraisal (RFC 9334 §4.1): evidence against reference values gives one verdict with its reasons. Pure.
 *
 * The verdicts are two trustworthiness tiers of AR4SI (draft-ietf-rats-ar4si §2.3.2). Evidence that is not authentic or not
 * fresh gets none: it is refused, because it says nothing about the device, and nobody but the device may speak against it.
 */
import { isEqualBytes } from '../bytes/index.ts';
import type { ManifestDescription } from '../suit/index.ts';
import type { VerifiedEvidence } from './eat.ts';
import { AttestError } from './errors.ts';

/** What the signed manifest of a release says of the image (`describeManifest`): what a device that runs it measures. */
export type ReferenceValues = Pick<
  ManifestDescription,
  'version' | 'sequenceNumber' | 'securityCounter' | 'imageDigest'
>;

export type VerdictReason =
  /** The bytes in the slot are not those of the release: changed, or another image. */
  | 'ATTEST_DIGEST_DIFFERS'
  | 'ATTEST_VERSION_DIFFERS'
  | 'ATTEST_SEQUENCE_NUMBER_DIFFERS'
  /** The device would still take what is older than the release. */
  | 'ATTEST_SECURITY_FLOOR_TOO_LOW';

export type Verdict =
  | { readonly tier: 'affirming'; readonly reasons: readonly [] }
  | { readonly tier: 'contraindicated'; readonly reasons: readonly VerdictReason[] };

/**
 * Judges what a device measured.
 * @param isFresh whether this nonce was given to this device, for this, and its time is not over; that it was not used
 *   before is for the caller to write down
 * @throws AttestError ATTEST_NONCE_UNKNOWN
 */
export function appraise(
  { claims }: VerifiedEvidence,
  reference: ReferenceValues,
  isFresh: (nonce: Uint8Array) => boolean,
): Verdict {
  const { nonce, version, imageDigest, sequenceNumber, securityFloor } = claims;
  if (!isFresh(nonce)) throw new AttestError('ATTEST_NONCE_UNKNOWN');
  const checks: readonly (readonly [VerdictReason, boolean])[] = [
    ['ATTEST_DIGEST_DIFFERS', isEqualBytes(imageDigest, reference.imageDigest)],
    ['ATTEST_VERSION_DIFFERS', version === reference.version],
    ['ATTEST_SEQUENCE_NUMBER_DIFFERS', sequenceNumber === reference.sequenceNumber],
    ['ATTEST_SECURITY_FLOOR_TOO_LOW', securityFloor >= reference.securityCounter],
  ];
  const reasons = checks.flatMap(([reason, holds]) => (holds ? [] : [reason]));
  return reasons.length === 0 ? { tier: 'affirming', reasons: [] } : { tier: 'contraindicated', reasons };
}
