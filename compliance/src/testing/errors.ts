import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

export const TESTING_ERRORS = {
  LABORATORIES_INVALID: {
    message: 'the directory of laboratories is not of its form',
    advice: 'See `line` and `at` for the place, and `expected` for what belongs there.',
    status: 422,
  },
  TEST_RESULTS_INVALID: {
    message: 'the file of results is not of its form',
    advice: 'See `line` and `at` for the place, and `expected` for what belongs there.',
    status: 422,
  },
  TEST_EDITION_OTHER: {
    message: 'this is by another edition than the plan',
    advice:
      'Let the laboratory say by which edition it tested; `pawl catalogue compare` shows what two editions differ in.',
    status: 422,
  },
} as const satisfies ErrorTable;

export type TestingErrorCode = keyof typeof TESTING_ERRORS;

/** Laboratories, plans or results that cannot be taken. */
export class TestingError extends CodedError<TestingErrorCode> {
  constructor(code: TestingErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(TESTING_ERRORS, code), details, cause);
    this.name = 'TestingError';
  }
}
