/**
 * Attestation (RATS, RFC 9334): evidence that a device signs about what it measured, reference values from the signed
 * manifest of a release, and one appraisal result. One scheme so far: `eat`, software measurement of the running slot.
 */
export { appraise, type ReferenceValues, type Verdict, type VerdictReason } from './appraise.ts';
export { EVIDENCE_BYTES_MAX, EVIDENCE_MEDIA_TYPE, signEvidence, VerifiedEvidence, verifyEvidence } from './eat.ts';
export type { EatClaims } from './eat-claims.ts';
export { ATTEST_ERRORS, AttestError, type AttestErrorCode } from './errors.ts';
