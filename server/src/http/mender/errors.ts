/** What Mender's device API refuses with. Clients look at the status alone; the sentence and the code are for people. */
import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

export const MENDER_ERRORS = {
  MENDER_REQUEST_MALFORMED: {
    message: 'the request is not what this operation takes',
    advice: 'Compare with docs/reference/openapi-mender.json.',
    status: 400,
  },
  MENDER_UNAUTHORIZED: {
    message: 'dev auth: unauthorized',
    advice: 'Wait until the operator accepts the device (`pawl mender list`); the client asks again by itself.',
    status: 401,
  },
  MENDER_DEPLOYMENT_UNKNOWN: {
    message: 'there is no such deployment for this device',
    advice: 'Ask for the next deployment.',
    status: 404,
  },
  MENDER_DEPLOYMENT_ABORTED: {
    message: 'the deployment was called off, or has ended',
    advice: 'Stop, go back to what ran before, and ask for the next deployment.',
    status: 409,
  },
  MENDER_BODY_TOO_LARGE: {
    message: 'the body is larger than this operation takes',
    advice: 'Send less: shorten the log.',
    status: 413,
  },
} as const satisfies ErrorTable;

type MenderErrorCode = keyof typeof MENDER_ERRORS;

/** A request of a Mender client that is refused. */
export class MenderApiError extends CodedError<MenderErrorCode> {
  constructor(code: MenderErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(MENDER_ERRORS, code), details, cause);
    this.name = 'MenderApiError';
  }
}
