/**
 * Refusals of the management API: problem JSON (RFC 9457) with `code`, `advice` and `requestId`. What is not a coded error
 * is answered with 500 and the request id alone; what happened stands in the log.
 */
import { CodedError, type ErrorDetails, type ErrorTable, errorRow, isCodedError } from '@pawl/core/bytes';

/** @public The reference pages read every table of error codes. */
export const API_ERRORS = {
  API_UNAUTHENTICATED: {
    message: 'the request carries no valid API token',
    advice: 'Send `Authorization: Bearer TOKEN`; `pawl login` makes a token from the one-time claim.',
    status: 401,
  },
  API_FORBIDDEN: {
    message: 'whoever asks may not do this',
    advice: '`GET /api/v1/me` says what you may do; an admin gives roles, a token may be limited.',
    status: 403,
  },
  API_FOREIGN_PAGE: {
    message: 'the request does not come from a page of this server',
    advice: 'Use the pages of the server under its own name, or a token instead of a cookie.',
    status: 403,
  },
  API_TOO_MANY_REQUESTS: {
    message: 'too many attempts from here',
    advice: 'Wait as long as Retry-After says.',
    status: 429,
  },
  API_REQUEST_INVALID: {
    message: 'the request is not what this operation takes',
    advice: 'Compare with docs/reference/openapi-management.json.',
    status: 400,
  },
  API_CONTENT_TYPE_UNSUPPORTED: {
    message: 'the media type of the body is not taken here',
    advice: 'Send application/json; artifacts as application/octet-stream.',
    status: 415,
  },
  API_BODY_TOO_LARGE: {
    message: 'the body is larger than this operation takes',
    advice: 'Send less at once.',
    status: 413,
  },
  API_KEY_REUSED: {
    message: 'the Idempotency-Key came before, with another request',
    advice: 'Make a new key for each request; send a key again only with the same request.',
    status: 422,
  },
  API_REPEAT_UNANSWERED: {
    message: 'a request with this Idempotency-Key was begun, and has no answer yet',
    advice:
      'Send it again after Retry-After. When that stays so, the server stopped in between: look at what there is, then use a new key.',
    status: 409,
  },
  API_NOT_FOUND: {
    message: 'there is nothing at this address',
    advice: 'Compare with docs/reference/openapi-management.json.',
    status: 404,
  },
  API_INTERNAL: {
    message: 'the server failed to do this',
    advice: 'The log of the server says why, under the request id.',
    status: 500,
  },
} as const satisfies ErrorTable;

export type ApiErrorCode = keyof typeof API_ERRORS;

/** A request of the management API that is refused before it reaches an operation. */
export class ApiError extends CodedError<ApiErrorCode> {
  constructor(code: ApiErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(API_ERRORS, code), details, cause);
    this.name = 'ApiError';
  }
}

const FRAMEWORK_CODES: Readonly<Record<string, ApiErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'API_BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'API_CONTENT_TYPE_UNSUPPORTED',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'API_REQUEST_INVALID',
  FST_ERR_BAD_URL: 'API_REQUEST_INVALID',
};

function codedOf(error: unknown): CodedError {
  if (isCodedError(error) && error.status < 500) return error;
  // A coded 5xx that an operator can act on (a full disk) is told; everything else keeps to itself.
  if (isCodedError(error) && error.status > 500) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return new ApiError(FRAMEWORK_CODES[code] ?? 'API_INTERNAL', {}, error);
}

/** When a client may try again what the database or the object store could not serve. */
export const RETRY_AFTER_S = '10';

export type Problem = {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly advice: string;
  readonly requestId: string;
};

/** The problem document of an error. */
export function problemOf(error: unknown, requestId: string): Problem {
  const coded = codedOf(error);
  const { message, status, code, advice } = coded;
  return { type: 'about:blank', title: message, status, code, advice, requestId };
}
