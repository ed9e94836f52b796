import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

export const FILTER_ERRORS = {
  FILTER_MALFORMED: {
    message: 'the device filter cannot be read',
    advice: 'Write terms such as `model:primehub (tag:lab or version<1.4.0) not state:confirmed`.',
    status: 400,
  },
  FILTER_TOO_LARGE: {
    message: 'the device filter asks for too much at once',
    advice: 'Use fewer terms, fewer brackets inside each other, or tags in place of long lists.',
    status: 400,
  },
  FILTER_GROUP_UNKNOWN: {
    message: 'the device filter names a group that does not exist',
    advice: 'List the groups with `pawl group list`.',
    status: 400,
  },
  FILTER_GROUP_CYCLE: {
    message: 'a group contains itself, directly or through others',
    advice: 'Take the reference out of one of the groups.',
    status: 409,
  },
} as const satisfies ErrorTable;

export type FilterErrorCode = keyof typeof FILTER_ERRORS;

/** A device filter that is not of the grammar or cannot be answered; `at` says where, `expected` what may stand there. */
export class FilterError extends CodedError<FilterErrorCode> {
  constructor(code: FilterErrorCode, details: ErrorDetails = {}) {
    super(code, errorRow(FILTER_ERRORS, code), details);
    this.name = 'FilterError';
  }
}
