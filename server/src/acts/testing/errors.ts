import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

/** @public The reference pages read every table of error codes. */
export const TEST_PLAN_ERRORS = {
  TEST_PLAN_UNKNOWN: {
    message: 'there is no such test plan',
    advice: 'List the plans with `pawl testplan list`.',
    status: 404,
  },
  TEST_UNPLANNED: {
    message: 'a result is of a requirement that the plan does not hold',
    advice: 'Make a plan that holds it; `pawl testplan show` lists what this one does.',
    status: 422,
  },
  LABORATORY_UNKNOWN: {
    message: 'no such laboratory stands in the directory',
    advice: 'List them with `pawl laboratory list`; write them down with `pawl laboratory import`.',
    status: 422,
  },
} as const satisfies ErrorTable;

export type TestPlanErrorCode = keyof typeof TEST_PLAN_ERRORS;

/** What test plans refuse. */
export class TestPlanError extends CodedError<TestPlanErrorCode> {
  constructor(code: TestPlanErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(TEST_PLAN_ERRORS, code), details, cause);
    this.name = 'TestPlanError';
  }
}
