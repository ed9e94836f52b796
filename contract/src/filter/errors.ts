import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

export const FILTER_ERRORS = {
  FILTER_MALFORMED: {
    message: 'the device filter cannot be read',
    advice: 'Write field:value terms with spaces between, e.g. `model:primehub tag:lab name:hub-*`.',
    status: 400,
  },
} as const satisfies ErrorTable;

export type FilterErrorCode = keyof typeof FILTER_ERRORS;

/** A device filter that is not of the grammar; says where. */
export class FilterError extends CodedError<FilterErrorCode> {
  constructor(code: FilterErrorCode, details: ErrorDetails = {}) {
    super(code, errorRow(FILTER_ERRORS, code), details);
    this.name = 'FilterError';
  }
}
