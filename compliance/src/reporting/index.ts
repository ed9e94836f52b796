/** Reporting under CRA Article 14: clocks as the law runs them, and dossiers in the order of the platform's form. */
export {
  addMonth,
  addSubmission,
  assertClosable,
  type Clock,
  type ClockState,
  clocksOf,
  findSubmission,
  type Reminder,
  type ReportingCase,
  remindersOf,
  STAGES,
  type Stage,
  type Submission,
  TRACKS,
  type Track,
} from './clocks.ts';
export { assertComplete, buildDossier, type Dossier, type DossierRow, type FieldValues } from './dossier.ts';
export { REPORTING_ERRORS, ReportingError, type ReportingErrorCode } from './errors.ts';
export {
  type FieldNeed,
  loadPlatformForm,
  type PlatformField,
  type PlatformForm,
  parsePlatformForm,
} from './fields.ts';
export { parseInstant } from './instant.ts';
