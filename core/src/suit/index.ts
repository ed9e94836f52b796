/**
 * SUIT (draft-ietf-suit-manifest-37 and companions, see constants.ts): build, sign, verify and run the manifest of an
 * update. `verifyEnvelope` is the only way to a `VerifiedManifest`; `runSection` carries out one section of it on a
 * `SuitPlatform`; `describeManifest` says what it installs without running anything.
 */
export type { Authentication, AuthenticationAlgorithm, AuthenticationPolicy } from './authentication.ts';
export { type SectionName, SUIT_PROFILES } from './constants.ts';
export { describeManifest, type ManifestDescription, type PayloadDescription } from './describe.ts';
export type { SuitDigest } from './digest.ts';
export { type EnvelopeOptions, encodeEnvelope, parseEnvelope, type UntrustedEnvelope } from './envelope.ts';
export { SUIT_ERRORS, SuitError, type SuitErrorCode } from './errors.ts';
export { type ExplainedLine, explainEnvelope } from './explain.ts';
export { classUuid, vendorUuid } from './identifiers.ts';
export { verifyIntegratedPayloads } from './integrated.ts';
export type { ComponentId, Manifest } from './manifest.ts';
export type {
  CopyRequest,
  FetchRequest,
  InvokeRequest,
  SuitComponent,
  SuitPlatform,
  SwapRequest,
  WriteRequest,
} from './platform.ts';
export { type SuitRecord, SuitRecorder, type SystemClaim } from './recorder.ts';
export {
  buildReport,
  encodeReport,
  parseReport,
  REPORT_MEDIA_TYPE,
  type ReportFailure,
  type ReportReason,
  type SuitReport,
  verifyReport,
} from './report.ts';
export { type RunOptions, runSection } from './run.ts';
export { type EnvelopeExtra, type MacAuthenticator, severManifest, signEnvelope } from './sign.ts';
export type { SuitText } from './text.ts';
export { buildTwoSlotManifest, type TwoSlotInput } from './two-slot.ts';
export { isPayloadName } from './uri.ts';
export { VerifiedManifest, type VerifyEnvelopeOptions, verifyEnvelope } from './verified-manifest.ts';
export { decodeVersion, encodeVersion } from './version.ts';
export type { VersionComparison, VersionMatch, WaitInfo } from './wait.ts';
