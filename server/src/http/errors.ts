import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

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
    message: 'the media type or coding of the body is not taken here',
    advice: 'Send application/json, or artifacts as application/octet-stream; without Content-Encoding.',
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
  API_PRECONDITION_FAILED: {
    message: 'what is to be changed is not what If-Match or If-None-Match say',
    advice: 'Somebody changed it since you read it: read it again, look, and change that.',
    status: 412,
  },
  API_PRECONDITION_REQUIRED: {
    message: 'a change of this says in If-Match what it changes',
    advice: 'Read it, and send its ETag as If-Match; `*` overwrites whatever is there.',
    status: 428,
  },
  API_CURSOR_INVALID: {
    message: 'the cursor is not one that this operation gave out here',
    advice: 'Send `next` of the page before as it is, to the same operation; begin without a cursor.',
    status: 400,
  },
  API_METHOD_NOT_ALLOWED: {
    message: 'nothing at this address is done by this method',
    advice: 'Allow says which methods there are.',
    status: 405,
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
