/**
 * Puts Mender's device API on a Fastify server; the only file here that knows the framework.
 *
 * For every request: who sends it, before a byte of the body is read; the body within the operation's limit and by the
 * contract; then the operation. Answers always have a length, refusals are `{"error", "code"}`.
 */
import {
  MENDER_OPERATIONS,
  type MenderError,
  type MenderOperation,
  type MenderOperationId,
} from '@pawl/contract/mender';
import { fromUtf8, isCodedError } from '@pawl/core/bytes';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { secretSha256 } from '../../acts/secret.ts';
import { findMenderSession } from '../../store/mender.ts';
import { isSecureRequest } from '../device/connection.ts';
import { originOf } from '../device/links.ts';
import type { DevicePorts } from '../device/ports.ts';
import { keptTexts, parseStrictJson } from '../strict-json.ts';
import { MenderApiError } from './errors.ts';
import { MENDER_HANDLERS } from './handlers.ts';
import type { MenderAnswer, MenderRequest, MenderSender } from './request.ts';

type AnyRequest = MenderRequest<unknown, unknown, MenderSender | undefined>;
type AnyHandler = (request: AnyRequest, ports: DevicePorts) => Promise<MenderAnswer>;
type Params = Readonly<Record<string, string | undefined>>;

const BODY_BYTES_DEFAULT = 1024;
const BEARER = /^Bearer ([\x21-\x7e]{1,256})$/;
/** Senders that were named in `onRequest`, until the operation runs. */
const senders = new WeakMap<FastifyRequest, MenderSender>();

/** @throws MenderApiError MENDER_UNAUTHORIZED */
async function nameSender(request: FastifyRequest, ports: DevicePorts): Promise<MenderSender> {
  const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw new MenderApiError('MENDER_UNAUTHORIZED');
  const probe = { tokenSha256: secretSha256(token) };
  const session = await findMenderSession(ports.database.read, probe, ports.now().getTime());
  if (session === undefined) throw new MenderApiError('MENDER_UNAUTHORIZED');
  const device = await ports.directory.findDevice(session.tenant, session.controllerId);
  if (device?.isActive !== true) throw new MenderApiError('MENDER_UNAUTHORIZED');
  return { device, authId: session.authId, token, ticketSha256: session.ticketSha256 };
}

/** @throws MenderApiError MENDER_REQUEST_MALFORMED */
function parsePart(schema: z.ZodType | undefined, at: string, read: () => unknown): unknown {
  if (schema === undefined) return undefined;
  let value: unknown;
  try {
    value = read();
  } catch (cause) {
    throw new MenderApiError('MENDER_REQUEST_MALFORMED', { at, expected: 'JSON' }, cause);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = [at, ...(issue?.path ?? [])].map(String).join('.');
  throw new MenderApiError('MENDER_REQUEST_MALFORMED', { at: path, expected: issue?.message });
}

function requestOf(request: FastifyRequest, operation: MenderOperation, ports: DevicePorts): AnyRequest {
  // A coding that is not undone must not pass for what it hides (RFC 9110 §8.4).
  const coding = request.headers['content-encoding'];
  if (operation.body !== undefined && coding !== undefined) {
    throw new MenderApiError('MENDER_REQUEST_MALFORMED', { at: 'content-encoding', actual: coding });
  }
  // What a client signed is taken as it stands, or not at all.
  const texts = operation.auth === 'signature' ? 'refused' : 'mended';
  const bodyBytes = request.body instanceof Uint8Array ? new Uint8Array(request.body) : new Uint8Array();
  const origin = originOf({
    publicUrl: ports.publicUrl,
    isSecure: isSecureRequest(request.raw),
    host: request.headers.host,
  });
  return {
    sender: senders.get(request),
    method: request.method,
    params: request.params as Params,
    query: parsePart(operation.query, 'query', () => keptTexts(request.query, texts)),
    headers: request.headers,
    body: parsePart(operation.body, 'body', () => parseStrictJson(fromUtf8(bodyBytes), texts)),
    bodyBytes,
    origin,
  };
}

function sendText(reply: FastifyReply, contentType: string, text: string): FastifyReply {
  const bytes = Buffer.from(text);
  return reply.header('content-type', contentType).header('content-length', bytes.length).send(bytes);
}

function sendAnswer(request: FastifyRequest, reply: FastifyReply, answer: MenderAnswer): FastifyReply {
  reply.header('cache-control', 'no-store');
  switch (answer.kind) {
    case 'document':
      return sendText(reply, 'application/json', JSON.stringify(answer.document));
    case 'text':
      return sendText(reply, answer.contentType, answer.text);
    case 'empty':
      reply.code(answer.status ?? 200).headers(answer.headers ?? {});
      return (answer.status ?? 200) > 200 ? reply.send() : reply.header('content-length', 0).send();
    case 'stream':
      reply.code(answer.status).headers(answer.headers).header('content-length', answer.sizeBytes);
      return reply.send(request.method === 'HEAD' ? undefined : answer.open());
  }
}

function errorOf(error: unknown): { status: number; body: MenderError; headers: Readonly<Record<string, string>> } {
  const framework = error instanceof Error && 'code' in error ? error.code : undefined;
  const coded =
    framework === 'FST_ERR_CTP_BODY_TOO_LARGE' ? new MenderApiError('MENDER_BODY_TOO_LARGE', {}, error) : error;
  if (!isCodedError(coded) || coded.status === 500) {
    return { status: 500, body: { error: 'the server failed to do this', code: 'API_INTERNAL' }, headers: {} };
  }
  const range = coded.details['contentRange'];
  const headers = typeof range === 'string' ? { 'content-range': range } : undefined;
  return { status: coded.status, body: { error: coded.message, code: coded.code }, headers: headers ?? {} };
}

function route(app: FastifyInstance, id: MenderOperationId, ports: DevicePorts): void {
  const operation: MenderOperation = MENDER_OPERATIONS[id];
  // The table of handlers is complete by its type; here only its common shape matters.
  const handler = MENDER_HANDLERS[id] as unknown as AnyHandler;
  app.route({
    method: operation.auth === 'ticket' ? ['GET', 'HEAD'] : operation.method,
    url: operation.path.replace(/\{(\w+)\}/g, ':$1'),
    bodyLimit: operation.bodyBytesMax ?? BODY_BYTES_DEFAULT,
    exposeHeadRoute: false,
    onRequest: async (request) => {
      if (operation.auth === 'token') senders.set(request, await nameSender(request, ports));
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) =>
      sendAnswer(request, reply, await handler(requestOf(request, operation, ports), ports)),
  });
}

/** Registers Mender's device API in a scope of its own. */
export async function registerMenderApi(app: FastifyInstance, ports: DevicePorts): Promise<void> {
  await app.register(async (scope) => {
    // Bodies are taken as bytes: a signature is over exactly them.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.setErrorHandler((error, request, reply) => {
      const { status, body, headers } = errorOf(error);
      if (status === 500) ports.log.error({ err: error, requestId: request.id }, 'Mender request failed');
      // A body that nobody takes is not waited for.
      if (request.method !== 'GET' && request.method !== 'HEAD') reply.header('connection', 'close');
      reply.code(status).headers(headers);
      return sendText(reply, 'application/json', JSON.stringify(body));
    });
    for (const id of Object.keys(MENDER_OPERATIONS) as MenderOperationId[]) route(scope, id, ports);
  });
}
