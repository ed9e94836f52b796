/** The management API as data: what the operations take and give, and their OpenAPI documents. */
export { deviceOpenApi, managementOpenApi, menderOpenApi } from './openapi.ts';
export {
  IDEMPOTENCY_KEY,
  MANAGEMENT_OPERATIONS,
  type ManagementOperation,
  type ManagementOperationId,
  takesIdempotencyKey,
} from './operations/index.ts';
export {
  isRole,
  PERMISSIONS,
  type Permission,
  permissionsOf,
  ROLES,
  type Role,
  SERVER_PERMISSIONS,
} from './permissions.ts';
export type { NewOwnToken, NewToken, Token } from './resources/access.ts';
export type { RolloutApproval } from './resources/approval.ts';
export { ASSIGNMENT_STATES, type Assignment, type AssignmentState } from './resources/assignment.ts';
export type { AuditEntry } from './resources/audit.ts';
export type { DeviceAuthority, NewAuthority } from './resources/authority.ts';
export type { Device, NewClaim, NewDevice } from './resources/device.ts';
export {
  type DeviceChange,
  type DeviceImport,
  type DeviceLogEntry,
  type ImportedDevice,
  importedDevice,
} from './resources/device-change.ts';
export { EVENT_DATA, EVENT_TYPES, type EventData, type EventType, type PawlEvent } from './resources/event.ts';
export {
  DOCUMENT_KINDS,
  type DocumentKind,
  EVIDENCE_FILE_BYTES_MAX,
  EVIDENCE_MEDIA_TYPES,
  type EvidenceMediaType,
  type EvidenceRecord,
  type NewEvidence,
} from './resources/evidence.ts';
export type { Gateway, GatewayChange, GatewayRotation } from './resources/gateway.ts';
export type { DeviceGroup } from './resources/group.ts';
export {
  INCIDENT_TRACKS,
  type Incident,
  type IncidentChange,
  type IncidentDossier,
  type NewIncident,
  type NewSubmission,
  REPORT_STAGES,
} from './resources/incident.ts';
export {
  ANSWER_CHARS_MAX,
  ANSWER_WORTHS,
  type AnswerFile,
  type AnswerWorth,
  INQUIRY_FILES_MAX,
  type Inquiry,
  type InquiryAnswer,
  type InquiryQuestion,
  type InquiryReminder,
  type InquiryRound,
  type InquiryState,
  type InquiryTemplate,
  inquiryTemplate,
  type NewInquiry,
} from './resources/inquiry.ts';
export type { Introduction, IntroductionApproval, IntroductionState } from './resources/introduction.ts';
export type { LedgerEntry, LedgerPart, LedgerWitness } from './resources/ledger.ts';
export { type MaintenanceWindow, WEEKDAYS } from './resources/maintenance-window.ts';
export type {
  MenderAcceptance,
  MenderPreauthorisation,
  MenderRequest,
  MenderRequestState,
} from './resources/mender.ts';
export type { Invitation, NewPerson, Person } from './resources/person.ts';
export type { DevicePolicy, NewDevicePolicy, NewPolicy, Policy } from './resources/policy.ts';
export type { FrozenDocuments, GapMatrix, ProductRecord, WaiverRecord } from './resources/product.ts';
export type { Line, NewRelease, Release } from './resources/release.ts';
export {
  type NewRollout,
  ROLLOUT_STATES,
  type Rollout,
  type RolloutState,
  type SuccessKind,
} from './resources/rollout.ts';
export {
  CONFIDENCE_PERCENTS,
  type ConfidencePercent,
  type HaltReason,
  type NewWave,
  OUTCOMES,
  type Outcome,
  WAVE_STATES,
  type Wave,
  type WaveState,
} from './resources/rollout-plan.ts';
export type { ConsentRules } from './resources/rollout-policy.ts';
export { type NewShare, OPERATOR_ROLES, type OperatorRole, type Share } from './resources/share.ts';
export type {
  ApprovalKey,
  ApprovalSignature,
  Assertion,
  CreationOptions,
  NewCredential,
  Passkey,
  RequestOptions,
  Session,
} from './resources/sign-in.ts';
export type { Tenant } from './resources/tenant.ts';
export {
  type Laboratory,
  type LaboratoryDirectory,
  laboratories as laboratoriesSchema,
  type NewTestPlan,
  type NewTestResults,
  type RecordedResult,
  type TestPlan,
  type TestResult,
  testResult as testResultSchema,
} from './resources/testing.ts';
export type { DeviceOffer, NewDeviceOffer, TakenDevices } from './resources/transfer.ts';
export type { NewTrust, TrustStatus } from './resources/trust.ts';
export { OPT_OUTS, type OptOut, URGENCIES, type Urgency } from './resources/urgency.ts';
export {
  CASE_STATES,
  CASE_STEPS,
  type CaseState,
  type CaseStep,
  type DisclosurePolicy,
  type Exposure,
  type NewVulnerability,
  newVulnerability as newVulnerabilitySchema,
  type ReleaseStanding,
  type SbomSummary,
  type Vulnerability,
  type VulnerabilityChange,
  type VulnerabilityLog,
} from './resources/vulnerability.ts';
export type { ChangedWebhook, DeadLetter, NewWebhook, Webhook } from './resources/webhook.ts';
