/**
 * Refusals of the management API: problem JSON (RFC 9457) with `code`, `advice` and `requestId`. What is not a coded error
 * is answered with 500 and the request id alone; what happened stands in the log.
 */
import { type CodedError, isCodedError } from '@pawl/core/bytes';
import { ApiError, type ApiErrorCode } from './errors.ts';

const FRAMEWORK_CODES: Readonly<Record<string, ApiErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'API_BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'API_CONTENT_TYPE_UNSUPPORTED',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'API_REQUEST_INVALID',
  FST_ERR_BAD_URL: 'API_REQUEST_INVALID',
  FST_ERR_MAX_PARAM_LENGTH: 'API_REQUEST_INVALID',
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
