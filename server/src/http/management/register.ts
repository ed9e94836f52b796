/**
 * Puts the operations of the management API on a Fastify server; the only file of this folder that knows the framework.
 *
 * For every request: who asks and whether that allows it (`authorize.ts`, the one choke point, deny by default), before a
 * byte of the body is read; then parameters, query and body by the contract; then the operation.
 */
import type { Readable } from 'node:stream';
import { MANAGEMENT_OPERATIONS, type ManagementOperation, type ManagementOperationId } from '@pawl/contract/management';
import { fromUtf8, isCodedError } from '@pawl/core/bytes';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { ServerPorts } from '../../acts/ports.ts';
import type { Actor } from '../../domain/actor.ts';
import type { Trx } from '../../store/database.ts';
import { ApiError } from '../errors.ts';
import { strictTransport } from '../pages/pages.ts';
import { problemOf, RETRY_AFTER_S } from '../problem.ts';
import { keptTexts, parseStrictJson } from '../strict-json.ts';
import { ANSWER_HEADERS, jsonOf, sendAnswer } from './answer.ts';
import { type Act, audited, type Guard, recordRefusal } from './audit.ts';
import { authorize, authorizeAgain, authorizeLine, identify } from './authorize.ts';
import { guardOf, type Read, readConditions } from './conditional.ts';
import { openCursor, sealNext } from './cursor.ts';
import { EDITIONS, HANDLERS, type Request } from './handlers/index.ts';
import { keyedOf, once, readIdempotencyKey } from './kept-answer.ts';
import { type ApiLimits, retryAfterOf } from './limits.ts';
import { goneOf } from './stream.ts';
import { Visitor } from './visitor.ts';

const BODY_BYTES_DEFAULT = 256 * 1024;
/** A parameter that an operation does not know is refused, not dropped: it may have been meant as a limit. */
const NO_QUERY = z.strictObject({});

type Known = { readonly actor: Actor; readonly visitor: Visitor; readonly act: Act | undefined };
const known = new WeakMap<FastifyRequest, Known>();

function parsePart(schema: z.ZodType | undefined, value: unknown, at: string): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = [at, ...(issue?.path ?? [])].map(String).join('.');
  throw new ApiError('API_REQUEST_INVALID', { at: path, expected: issue?.message });
}

function parseQuery(operation: ManagementOperation, request: FastifyRequest): unknown {
  let value: unknown;
  try {
    value = keptTexts(request.query, 'refused');
  } catch (cause) {
    throw new ApiError('API_REQUEST_INVALID', { at: 'query', expected: 'texts without U+0000' }, cause);
  }
  return parsePart(operation.query ?? NO_QUERY, value, 'query');
}

function mediaType(request: FastifyRequest): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

function parseBody(operation: ManagementOperation, request: FastifyRequest): unknown {
  if (operation.body === undefined) return undefined;
  const expected = operation.body === 'bytes' ? 'application/octet-stream' : 'application/json';
  const actual = mediaType(request);
  if (actual !== expected) throw new ApiError('API_CONTENT_TYPE_UNSUPPORTED', { expected, actual });
  // A coding that is not undone must not pass for what it hides (RFC 9110 §8.4).
  const coding = request.headers['content-encoding'];
  if (coding !== undefined)
    throw new ApiError('API_CONTENT_TYPE_UNSUPPORTED', { expected: 'no coding', actual: coding });
  if (operation.body === 'bytes') return request.body as Readable;
  let value: unknown;
  try {
    value = parseStrictJson(fromUtf8(new Uint8Array(request.body as Buffer)));
  } catch (cause) {
    throw new ApiError('API_REQUEST_INVALID', { at: 'body', expected: 'JSON' }, cause);
  }
  return parsePart(operation.body, value, 'body');
}

type KeyedRequest = {
  readonly key: string;
  readonly id: ManagementOperationId;
  readonly request: FastifyRequest;
  readonly parsed: Readonly<Record<'params' | 'query' | 'body', unknown>>;
  readonly sender: Known & { readonly act: Act };
  readonly guards: readonly Guard[];
};

/** Does what a request with an Idempotency-Key asks for, or gives the answer that it had. */
function answerOnce(
  { key, id, request, parsed, sender, guards }: KeyedRequest,
  run: (ports: ServerPorts) => Promise<unknown>,
  ports: ServerPorts,
): ReturnType<typeof once> {
  const { actor, visitor, act } = sender;
  // What was shown to be let in: a token or a session.
  const secret = request.headers.authorization ?? visitor.visit.sessionSecret ?? '';
  const asked = [id, parsed.params ?? null, parsed.query ?? null, parsed.body ?? null];
  const keyed = keyedOf(key, { credential: actor.credential, secret }, asked, ports.now().getTime());
  return once(keyed, ports, request.id, async (guard) =>
    jsonOf(MANAGEMENT_OPERATIONS[id], await audited(ports, act, run, [guard, ...guards])),
  );
}

type AnyHandler = (request: Request<ManagementOperationId>, ports: ServerPorts) => Promise<unknown>;

/** Reads what another operation would answer whoever asked; the path of a change names what it changes. */
function readFor({ params, ...sender }: Known & { readonly params: unknown }): Read {
  return async (id, own) => {
    const of: ManagementOperation = MANAGEMENT_OPERATIONS[id];
    const names = new Set([...of.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
    const named = Object.fromEntries(Object.entries(params ?? {}).filter(([name]) => names.has(name)));
    const read = EDITIONS[id] ?? HANDLERS[id];
    const asked = { ...sender, params: named, query: {}, body: undefined };
    return jsonOf(of, await (read as unknown as AnyHandler)(asked as unknown as Request<ManagementOperationId>, own));
  };
}

/** What changes something, or tries to, is recorded; except signing in, which the acts record with who it was. */
function actOf(id: ManagementOperationId, request: FastifyRequest, actor: Actor, visitor: Visitor, nowMs: number): Act {
  return {
    tenant_id: actor.tenantId,
    at_ms: nowMs,
    actor: actor.id,
    credential: actor.credential,
    operation: id,
    target: request.url.split('?', 1)[0] ?? '',
    source: visitor.visit.source,
    request_id: request.id,
  };
}

/** Who asks, how often, and whether that allows the operation; all of it before a byte of the body is read. */
async function admit(
  request: FastifyRequest,
  id: ManagementOperationId,
  edge: Edge,
  ports: ServerPorts,
): Promise<void> {
  const operation: ManagementOperation = MANAGEMENT_OPERATIONS[id];
  const nowMs = ports.now().getTime();
  const facts = { site: ports.site(), nowMs, requestId: request.id, proxySecret: edge.proxySecret };
  const visitor = new Visitor(request.raw, facts);
  const { source } = visitor.visit;
  const isAttempt = operation.allow === 'open' && operation.method !== 'GET';
  if (isAttempt) edge.limits.refuseGuesses(source, nowMs);
  const actor = await edge.limits.countingFailures(source, nowMs, () =>
    identify(request.raw, operation, visitor, ports),
  );
  const isAct = operation.allow !== 'open' && operation.method !== 'GET';
  known.set(request, { visitor, actor, act: isAct ? actOf(id, request, actor, visitor, nowMs) : undefined });
  if (operation.allow !== 'open') edge.limits.countRequest(actor.credential, nowMs);
  await authorize(actor, operation, ports.database.read);
}

/** What the server's edge says: who may name the source of a request, and how much is too much. */
export type Edge = { readonly proxySecret: string | undefined; readonly limits: ApiLimits };

/** Whether the same request would be let in now. */
/** Who asks, as it is now; undefined when that is nobody any more who may. */
async function stillAllowed(
  request: FastifyRequest,
  operation: ManagementOperation,
  visitor: Visitor,
  { database, now }: ServerPorts,
): Promise<Actor | undefined> {
  try {
    return await authorizeAgain(request.raw, operation, visitor, database.read, now().getTime());
  } catch (error) {
    if (isCodedError(error)) return undefined;
    throw error;
  }
}

function route(app: FastifyInstance, id: ManagementOperationId, edge: Edge, ports: ServerPorts): void {
  const operation: ManagementOperation = MANAGEMENT_OPERATIONS[id];
  // The table of handlers is complete by its type; here only its common shape matters.
  const handler = HANDLERS[id] as unknown as AnyHandler;
  app.route({
    method: operation.method,
    url: operation.path.replace(/\{(\w+)\}/g, ':$1'),
    bodyLimit: operation.bodyBytesMax ?? BODY_BYTES_DEFAULT,
    onRequest: async (request) => {
      await admit(request, id, edge, ports);
    },
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      const sender = known.get(request);
      if (sender === undefined) throw new TypeError('who asks was named before');
      const conditions = readConditions(operation, request.headers);
      const key = readIdempotencyKey(operation, request.headers);
      const cursorOf = { id, tenantId: sender.actor.tenantId, secret: ports.challengeSecret };
      const parsed = {
        ...sender,
        lastEventId: request.headers['last-event-id'],
        gone: goneOf(reply),
        stillAllowed: () => stillAllowed(request, operation, sender.visitor, ports),
        params: parsePart(operation.params, request.params, 'path'),
        query: openCursor(cursorOf, parseQuery(operation, request)),
        body: parseBody(operation, request),
      };
      await authorizeLine(sender.actor, operation, parsed, ports.database.read);
      const run = async (own: ServerPorts) =>
        sealNext(cursorOf, operation, await handler(parsed as unknown as Request<ManagementOperationId>, own));
      const guard = guardOf(operation, conditions, readFor(parsed), ports);
      const begin = async (trx: Trx): Promise<void> => {
        await authorizeAgain(request.raw, operation, sender.visitor, trx, ports.now().getTime());
      };
      const guards = [{ begin }, ...(guard === undefined ? [] : [guard])];
      const headers = () => ({ ...ANSWER_HEADERS, ...strictTransport(ports.site()), ...sender.visitor.headers });
      if (key !== undefined && sender.act !== undefined) {
        const keyed = { key, id, request, parsed, sender: { ...sender, act: sender.act }, guards };
        const said = await answerOnce(keyed, run, ports);
        if (said.isRepeated) reply.header('idempotent-replayed', 'true');
        const type = said.status < 400 ? 'application/json' : 'application/problem+json';
        return reply.code(said.status).headers(headers()).type(type).send(said.body);
      }
      const answer = await (sender.act === undefined ? run(ports) : audited(ports, sender.act, run, guards));
      reply.headers(headers());
      return sendAnswer({ reply, request, readerMs: ports.life.readerMs }, operation, conditions, answer);
    },
  });
}

/** Registers the whole management API in a scope of its own. */
export async function registerManagementApi(app: FastifyInstance, edge: Edge, ports: ServerPorts): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // Raw bodies are streamed by the operation itself, which knows their announced size.
    scope.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.setErrorHandler(async (error, request, reply) => {
      const problem = problemOf(error, request.id);
      const sender = known.get(request);
      if (sender !== undefined)
        edge.limits.countGuess(problem.code, sender.visitor.visit.source, ports.now().getTime());
      if (sender?.act !== undefined) {
        await recordRefusal(ports, sender.act, problem.code).catch((cause: unknown) => {
          request.log.error({ err: cause }, 'a refusal was not recorded');
        });
      }
      reply.headers(retryAfterOf(error));
      if (problem.status === 500) request.log.error({ err: error }, 'management request failed');
      if (problem.status === 503) reply.header('retry-after', RETRY_AFTER_S);
      if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
      // The rest of a body that is refused is not waited for.
      if (request.method !== 'GET') reply.header('connection', 'close');
      return reply
        .code(problem.status)
        .headers(ANSWER_HEADERS)
        .type('application/problem+json')
        .send(JSON.stringify(problem));
    });
    for (const id of Object.keys(MANAGEMENT_OPERATIONS) as ManagementOperationId[]) route(scope, id, edge, ports);
  });
}
