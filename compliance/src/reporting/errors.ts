import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

export const REPORTING_ERRORS = {
  REPORTING_ORDER: {
    message: 'what is recorded does not follow from what was recorded before',
    advice: 'Record things in the order in which they happened; see `expected`.',
    status: 409,
  },
  REPORTING_FIELD_INVALID: {
    message: 'a field of the dossier is not of its form',
    advice: 'See `at` for the field and `expected` for what the platform takes.',
    status: 422,
  },
  REPORTING_INCOMPLETE: {
    message: 'the dossier lacks fields that this stage requires',
    advice: 'Fill the fields in `missing`; the platform refuses the form without them.',
    status: 422,
  },
  REPORTING_CLOCK_OPEN: {
    message: 'a clock cannot be closed without the record of what was sent',
    advice: 'Record the submission (when, by whom, the reference that the platform gave), then close.',
    status: 409,
  },
} as const satisfies ErrorTable;

export type ReportingErrorCode = keyof typeof REPORTING_ERRORS;

/** A report to the authorities that is not as it must be. */
export class ReportingError extends CodedError<ReportingErrorCode> {
  constructor(code: ReportingErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(REPORTING_ERRORS, code), details, cause);
    this.name = 'ReportingError';
  }
}
