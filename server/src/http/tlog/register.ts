/**
 * The ledger as C2SP tlog-tiles v0.1.0 below `/tlog`: the checkpoint, tiles of hashes, bundles of entries.
 *
 * Who may read: entries are statements about customers' devices, so they need the permission to read the ledger, always. So do
 * the checkpoint and the hashes, unless the configuration makes them public: a hash shows nothing of an entry (each holds a
 * signature that nobody can guess), but how many entries there are and when they came. Asked at the same choke point as the
 * management API, deny by default. An answer is made from the nodes of its tile and no more.
 */
import { MANAGEMENT_OPERATIONS, type ManagementOperation } from '@pawl/contract/management';
import { parseTilePath, type TileId } from '@pawl/core/evidence';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { witnessedCheckpoint } from '../../acts/ledger.ts';
import { tileOf } from '../../acts/ledger-tiles.ts';
import type { ServerPorts } from '../../acts/ports.ts';
import { isFirstTenant } from '../../store/access.ts';
import { settleLedger } from '../../store/ledger.ts';
import { ApiError } from '../errors.ts';
import { ANSWER_HEADERS } from '../management/answer.ts';
import { authorize, identify } from '../management/authorize.ts';
import { retryAfterOf } from '../management/limits.ts';
import type { Edge } from '../management/register.ts';
import { Visitor } from '../management/visitor.ts';
import { strictTransport } from '../pages/pages.ts';
import { problemOf } from '../problem.ts';
import { RateLimit, sourceKey } from '../rate-limit.ts';

const PREFIX = '/tlog/';
export const TLOG_ROUTES = [
  { method: 'GET', path: '/tlog/checkpoint' },
  { method: 'GET', path: '/tlog/tile/*' },
] as const;

/** Of one source that shows no credential. A whole ledger of a million entries has 3,923 tiles of hashes. */
const STRANGERS = { burst: 5000, perS: 50 };
const YEAR_S = 31_536_000;

const isEntries = ({ url }: FastifyRequest): boolean => url.startsWith(`${PREFIX}tile/entries/`);

export type TlogPorts = { readonly ports: ServerPorts; readonly edge: Edge; readonly isPublic: boolean };

class Tlog {
  readonly #limit = new RateLimit(STRANGERS);
  readonly #tlog: TlogPorts;

  constructor(tlog: TlogPorts) {
    this.#tlog = tlog;
  }

  /** What asking for it takes: the row of the entries in the table of operations, or nothing. */
  #operationOf(request: FastifyRequest): ManagementOperation {
    const entries = MANAGEMENT_OPERATIONS.listEntries;
    return this.#tlog.isPublic && !isEntries(request) ? { ...entries, allow: 'open' } : entries;
  }

  async admit(request: FastifyRequest): Promise<void> {
    const { ports, edge } = this.#tlog;
    const nowMs = ports.now().getTime();
    const facts = { site: ports.site(), nowMs, requestId: request.id, proxySecret: edge.proxySecret };
    const visitor = new Visitor(request.raw, facts);
    const { source } = visitor.visit;
    const operation = this.#operationOf(request);
    const actor = await edge.limits.countingFailures(source, nowMs, () =>
      identify(request.raw, operation, visitor, ports),
    );
    if (operation.allow === 'open') {
      const retryAfterS = this.#limit.waitS(sourceKey(source), nowMs);
      if (retryAfterS > 0) throw new ApiError('API_TOO_MANY_REQUESTS', { retryAfterS });
      this.#limit.count(sourceKey(source), nowMs);
    } else edge.limits.countRequest(actor.credential, nowMs);
    await authorize(actor, operation, ports.database.read);
    // A bundle holds entries of all tenants: it is for who runs the server.
    if (isEntries(request) && !(await isFirstTenant(ports.database.read, actor.tenantId)))
      throw new ApiError('API_FORBIDDEN', { at: 'tenant' });
  }

  async checkpoint(reply: FastifyReply): Promise<FastifyReply> {
    const { ports } = this.#tlog;
    await settleLedger(ports.database);
    const { note } = await witnessedCheckpoint(ports.database.read, ports);
    return this.#headers(reply).type('text/plain; charset=utf-8').send(note);
  }

  async tile(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const tile: TileId | undefined = parseTilePath(request.url.slice(PREFIX.length));
    const bytes = tile === undefined ? undefined : await tileOf(this.#tlog.ports.database.read, tile);
    if (bytes === undefined) throw new ApiError('API_NOT_FOUND');
    const isShared = this.#operationOf(request).allow === 'open';
    this.#headers(reply).header('cache-control', `${isShared ? 'public' : 'private'}, max-age=${YEAR_S}, immutable`);
    return reply.type('application/octet-stream').send(Buffer.from(bytes));
  }

  #headers(reply: FastifyReply): FastifyReply {
    // Whoever may not read it must not get it from a cache of somebody who may.
    return reply.headers({
      ...ANSWER_HEADERS,
      vary: 'authorization, cookie',
      ...strictTransport(this.#tlog.ports.site()),
    });
  }

  refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const problem = problemOf(error, request.id);
    if (problem.status === 500) request.log.error({ err: error }, 'tlog request failed');
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
    this.#headers(reply).headers(retryAfterOf(error)).code(problem.status);
    return reply.type('application/problem+json').send(JSON.stringify(problem));
  }
}

/** Registers the tiles of the ledger in a scope of its own. */
export async function registerTlog(app: FastifyInstance, of: TlogPorts): Promise<void> {
  const tlog = new Tlog(of);
  await app.register(async (scope) => {
    scope.setErrorHandler((error, request, reply) => tlog.refuse(error, request, reply));
    scope.addHook('onRequest', (request) => tlog.admit(request));
    scope.get('/tlog/checkpoint', (_request, reply) => tlog.checkpoint(reply));
    scope.get('/tlog/tile/*', (request, reply) => tlog.tile(request, reply));
  });
}
