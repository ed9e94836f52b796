/**
 * Answers and refusals of the device API as HTTP: always with Content-Length, never chunked (one client cannot read
 * chunks). Every refusal has the shape of hawkBit's error body; an unknown error is 500 with its request id alone.
 */
import { hash } from 'node:crypto';
import type { DdiError } from '@pawl/contract/device';
import { isCodedError } from '@pawl/core/bytes';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RETRY_AFTER_S } from '../problem.ts';
import type { Answer } from './answer.ts';
import { DEVICE_API_ERRORS, DeviceApiError, type DeviceApiErrorCode } from './errors.ts';
import { encodeDocument, negotiate, type OfferedType, type Representation } from './representation.ts';

export type ErrorLog = { readonly error: (details: object, message: string) => void };

/** Bytes, not text: to text the framework would add a charset, which real clients have not seen from a hawkBit. */
function sendBody(
  request: FastifyRequest,
  reply: FastifyReply,
  contentType: string,
  body: string | Uint8Array,
): FastifyReply {
  const bytes =
    typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  reply.header('content-type', contentType).header('content-length', bytes.length);
  return reply.send(request.method === 'HEAD' ? undefined : bytes);
}

/** A document as bytes, with the entity tag that hawkBit gives GET documents (it answers 304 to the same one). */
export function documentParts(document: object, type: OfferedType): Representation & { readonly etag: string } {
  const { contentType, body } = encodeDocument(document, type);
  return { contentType, body, etag: `"${hash('sha256', body, 'base64url').slice(0, 22)}"` };
}

function sendDocument(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: { readonly document: object; readonly status?: number },
): FastifyReply {
  const type = negotiate(request.headers.accept);
  reply.code(answer.status ?? 200);
  if (request.method !== 'GET') {
    const { contentType, body } = encodeDocument(answer.document, type);
    return sendBody(request, reply, contentType, body);
  }
  const { contentType, body, etag } = documentParts(answer.document, type);
  reply.header('etag', etag).header('cache-control', 'no-cache');
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  return sendBody(request, reply, contentType, body);
}

export function sendAnswer(request: FastifyRequest, reply: FastifyReply, answer: Answer): FastifyReply {
  switch (answer.kind) {
    case 'document':
      return sendDocument(request, reply, answer);
    case 'empty':
      reply.code(answer.status ?? 200).headers(answer.headers ?? {});
      return answer.status === 304 ? reply.send() : reply.header('content-length', 0).send();
    case 'elsewhere':
      reply.code(302).header('location', answer.href).header('cache-control', 'no-store');
      return reply.header('content-length', 0).send();
    case 'bytes':
      reply.code(200).headers(answer.headers ?? {});
      return sendBody(request, reply, answer.contentType, answer.bytes);
    case 'stream':
      reply.code(answer.status).headers(answer.headers).header('content-length', answer.sizeBytes);
      return reply.send(request.method === 'HEAD' ? undefined : answer.open());
  }
}

/** What is refused before it comes here, in our words. */
const FRAMEWORK_CODES: Readonly<Record<string, DeviceApiErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'DEVICE_BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'DEVICE_CONTENT_TYPE_UNSUPPORTED',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'DEVICE_BODY_MALFORMED',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'DEVICE_BODY_MALFORMED',
  API_REQUEST_INVALID: 'DEVICE_PARAMETER_INVALID',
};

function asDeviceError(error: unknown): DeviceApiError | undefined {
  if (error instanceof DeviceApiError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = FRAMEWORK_CODES[code];
  return known === undefined ? undefined : new DeviceApiError(known, {}, error);
}

function refusalOf(error: DeviceApiError): DdiError {
  const { hawkbit, exceptionClass } = DEVICE_API_ERRORS[error.code];
  return { exceptionClass, errorCode: hawkbit, message: error.message, code: error.code };
}

/** What an operator has to see to, and the device may ask for again: the database or the objects are away, or full up. */
function awayCode(error: unknown): string | undefined {
  return isCodedError(error) && (error.status === 503 || error.status === 507) ? error.code : undefined;
}

function unknownRefusal(requestId: string, code = 'INTERNAL'): DdiError {
  return {
    exceptionClass: 'org.eclipse.hawkbit.repository.exception.GenericSpServerException',
    errorCode: 'hawkbit.server.error',
    message: `the server failed; request ${requestId}`,
    code,
  };
}

export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: ErrorLog): FastifyReply {
  const known = asDeviceError(error);
  if (known === undefined) {
    const code = isCodedError(error) ? error.code : undefined;
    log.error({ err: error, code, requestId: request.id }, 'device request failed');
  }
  const away = awayCode(error);
  const document = known === undefined ? unknownRefusal(request.id, away) : refusalOf(known);
  // A refusal is always JSON: what the client accepts may be what was refused.
  const body = JSON.stringify(document);
  reply.code(known?.status ?? (away === undefined ? 500 : 503));
  if (known === undefined && away !== undefined) reply.header('retry-after', RETRY_AFTER_S);
  if (known?.status === 401) reply.header('www-authenticate', 'TargetToken');
  const length = known?.details['contentRange'];
  if (known?.status === 416 && typeof length === 'string') reply.header('content-range', length);
  // The rest of an oversized or unauthenticated body is not waited for.
  if (known?.status === 413 || (known?.status === 401 && request.method !== 'GET')) reply.header('connection', 'close');
  return sendBody(request, reply, 'application/json', body);
}
