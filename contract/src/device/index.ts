/**
 * The device API as data: hawkBit's DDI v1 with its request and answer documents, and Pawl's own enrolment, trust files
 * signed reports and attestation. Ten years of devices speak it: members are added, never changed.
 */
export {
  CONFIG_MODES,
  type DdiActivateAutoConfirm,
  type DdiConfigData,
  type DdiConfirmationFeedback,
  type DdiFeedback,
  type DdiInstalledVersion,
  EXECUTIONS,
  FINISHED_RESULTS,
} from './ddi-bodies.ts';
export {
  type DdiActionHistory,
  type DdiArtifact,
  type DdiCancelAction,
  type DdiChunk,
  type DdiConfirmationAction,
  type DdiConfirmationBase,
  type DdiDeployment,
  type DdiDeploymentBase,
  type DdiError,
  type DdiLink,
  type DdiPoll,
  ddiDeploymentBase,
  ddiError,
  ddiPoll,
  ddiSleep,
} from './ddi-documents.ts';
export { DEVICE_OPERATIONS, type DeviceOperation, type DeviceOperationId } from './operations.ts';
export {
  type AttestationChallenge,
  type AttestationVerdict,
  CONTROLLER_ID,
  type DeviceReport,
  deviceReport,
  type EnrolRequest,
  type EnrolResponse,
  enrolProofText,
  enrolRequest,
  enrolResponse,
  type IntroductionRequest,
  type IntroductionResponse,
  introductionResponse,
  introductionText,
  LINE_NAME,
  REPORT_STATES,
  type ReportResponse,
  type ReportState,
  reportResponse,
} from './pawl-bodies.ts';
