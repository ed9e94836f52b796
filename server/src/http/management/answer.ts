/** How answers of operations leave the server: JSON by the contract, with its ETag; text, bytes and streams. */
import type { ManagementOperation } from '@pawl/contract/management';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Conditions, etagOf, isKnown } from './conditional.ts';
import { sendStream } from './stream.ts';

/** Answers hold tokens and names; nobody between keeps them or guesses their type. */
export const ANSWER_HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
};

function bytesOf(answer: unknown): Buffer {
  if (!(answer instanceof Uint8Array)) throw new TypeError('the operation answers with bytes');
  return Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength);
}

/** What the contract does not name does not leave the server; an answer that breaks it is a fault of ours. */
export function jsonOf({ response }: ManagementOperation, answer: unknown): string {
  if (typeof response === 'string') throw new TypeError('the operation answers with JSON');
  return JSON.stringify(response.parse(answer));
}

function sendJson(reply: FastifyReply, operation: ManagementOperation, conditions: Conditions, answer: unknown) {
  const json = jsonOf(operation, answer);
  if (operation.method !== 'GET') return reply.type('application/json').send(json);
  const etag = etagOf(operation, json);
  reply.header('etag', etag);
  return isKnown(conditions, etag) ? reply.code(304).send() : reply.type('application/json').send(json);
}

export function sendAnswer(
  {
    reply,
    request,
    readerMs,
  }: { readonly reply: FastifyReply; readonly request: FastifyRequest; readonly readerMs: number },
  operation: ManagementOperation,
  conditions: Conditions,
  answer: unknown,
): FastifyReply {
  switch (operation.response) {
    case 'text':
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(answer);
    case 'events':
      if (request.method === 'HEAD') return reply.type('text/event-stream').send();
      return sendStream(reply, answer as AsyncGenerator<string>, readerMs);
    case 'bytes':
      return reply.type(operation.responseType ?? 'application/zip').send(bytesOf(answer));
    default:
      return sendJson(reply, operation, conditions, answer);
  }
}
