/**
 * The one choke point of the management API: who asks, and whether that allows the operation. Deny by default: what an
 * operation does not say it allows, it does not allow; that it is about a product line, it has to say as well.
 */
import type { IncomingMessage } from 'node:http';
import { type ManagementOperation, SERVER_PERMISSIONS } from '@pawl/contract/management';
import type { ServerPorts } from '../../acts/ports.ts';
import { secretSha256 } from '../../acts/secret.ts';
import { type Actor, NOBODY } from '../../domain/actor.ts';
import { isFirstTenant } from '../../store/access.ts';
import type { Db } from '../../store/database.ts';
import { findRelease } from '../../store/releases.ts';
import { findRollout } from '../../store/rollouts.ts';
import { findSessionActor, noteSessionUse } from '../../store/sessions.ts';
import { findTokenActor, noteTokenUse } from '../../store/tokens.ts';
import { ApiError } from '../errors.ts';
import type { Visitor } from './visitor.ts';

const BEARER = /^Bearer ([\x21-\x7e]{1,256})$/;
/** Set by our own pages; no form and no other site can. */
const PAGE_HEADER = 'x-pawl-page';
/** Finer than this nobody needs to know when a credential was last used, and it is a write. */
const USE_NOTED_EVERY_MS = 60_000;

async function tokenActor(token: string, ports: ServerPorts): Promise<Actor | undefined> {
  const { database } = ports;
  const sha256 = secretSha256(token);
  const nowMs = ports.now().getTime();
  const found = await findTokenActor(database.read, sha256, nowMs);
  if (found === undefined) return undefined;
  if (nowMs - (found.lastUsedMs ?? 0) >= USE_NOTED_EVERY_MS) {
    await database.write((trx) => noteTokenUse(trx, sha256, nowMs));
  }
  return found.actor;
}

async function sessionActor(secret: string, ports: ServerPorts): Promise<Actor | undefined> {
  const { database } = ports;
  const sha256 = secretSha256(secret);
  const nowMs = ports.now().getTime();
  const found = await findSessionActor(database.read, sha256, nowMs);
  if (found === undefined) return undefined;
  if (nowMs - found.lastUsedMs >= USE_NOTED_EVERY_MS) {
    await database.write((trx) => noteSessionUse(trx, sha256, nowMs));
  }
  return found.actor;
}

/**
 * What comes with a cookie, or makes one, comes from a page of our own: browsers send cookies for everybody. A page of
 * another site can set neither the header (without being asked by CORS, which nobody here answers) nor the origin.
 */
function refuseForeignPage({ method, headers }: IncomingMessage, ports: ServerPorts): void {
  if (method === 'GET' || method === 'HEAD') return;
  const site = headers['sec-fetch-site'];
  const isOwn =
    headers.origin === undefined
      ? site === 'same-origin'
      : headers.origin === ports.site()?.origin && site !== 'cross-site';
  if (!isOwn || headers[PAGE_HEADER] !== '1') throw new ApiError('API_FOREIGN_PAGE');
}

async function nameActor(request: IncomingMessage, visitor: Visitor, ports: ServerPorts): Promise<Actor | undefined> {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const token = BEARER.exec(authorization)?.[1];
    return token === undefined ? undefined : await tokenActor(token, ports);
  }
  const { sessionSecret } = visitor.visit;
  const actor = sessionSecret === undefined ? undefined : await sessionActor(sessionSecret, ports);
  if (actor !== undefined) refuseForeignPage(request, ports);
  return actor;
}

/**
 * Who asks, before a byte of the body is read.
 * @throws ApiError API_UNAUTHENTICATED, API_FOREIGN_PAGE
 */
export async function identify(
  request: IncomingMessage,
  operation: ManagementOperation,
  visitor: Visitor,
  ports: ServerPorts,
): Promise<Actor> {
  if (operation.allow === 'open') {
    // A browser says where its page is from; a command line does not, and has no cookies to lose.
    if (request.headers.origin !== undefined) refuseForeignPage(request, ports);
    return NOBODY;
  }
  const actor = await nameActor(request, visitor, ports);
  if (actor === undefined) throw new ApiError('API_UNAUTHENTICATED');
  return actor;
}

/**
 * Whether that allows the operation.
 * @throws ApiError API_FORBIDDEN
 */
export async function authorize(actor: Actor, { allow, line }: ManagementOperation, db: Db): Promise<void> {
  if (allow === 'open' || allow === 'anybody') return;
  if (!actor.permissions.has(allow)) throw new ApiError('API_FORBIDDEN', { expected: allow });
  // What concerns all tenants counts in the first one only.
  if (SERVER_PERMISSIONS.has(allow) && !(await isFirstTenant(db, actor.tenantId))) {
    throw new ApiError('API_FORBIDDEN', { expected: allow, at: 'tenant' });
  }
  // Which line it is stands in what is read later; that it is about one, is known now.
  if (actor.lines !== undefined && line === undefined) throw new ApiError('API_FORBIDDEN', { at: 'lines' });
}

/**
 * The same questions once more: in the transaction that acts, and while a long answer goes on. What was taken from somebody in
 * between is taken; that it is asked is no use of a credential, or an open stream would keep a session from its end.
 * @throws ApiError API_UNAUTHENTICATED, API_FORBIDDEN
 */
export async function authorizeAgain(
  { headers: { authorization } }: IncomingMessage,
  operation: ManagementOperation,
  { visit: { sessionSecret } }: Visitor,
  db: Db,
  nowMs: number,
): Promise<Actor> {
  if (operation.allow === 'open') return NOBODY;
  const secret = authorization === undefined ? sessionSecret : BEARER.exec(authorization)?.[1];
  const find = authorization === undefined ? findSessionActor : findTokenActor;
  const found = secret === undefined ? undefined : await find(db, secretSha256(secret), nowMs);
  if (found === undefined) throw new ApiError('API_UNAUTHENTICATED');
  await authorize(found.actor, operation, db);
  return found.actor;
}

type Parsed = Readonly<Record<'params' | 'query' | 'body', unknown>>;

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

async function releaseLine(db: Db, tenantId: number, id: unknown): Promise<string | undefined> {
  if (id === undefined) return undefined;
  return (await findRelease(db, tenantId, Number(id)))?.line;
}

async function lineOf(operation: ManagementOperation, parsed: Parsed, db: Db, tenantId: number): Promise<unknown> {
  const id = memberOf(parsed.params, 'id');
  switch (operation.line) {
    case 'params.line':
      return memberOf(parsed.params, 'line');
    case 'query.line':
      return memberOf(parsed.query, 'line');
    case 'body.line':
      return memberOf(parsed.body, 'line');
    case 'release':
      return await releaseLine(db, tenantId, id);
    case 'rollout':
      return await releaseLine(db, tenantId, (await findRollout(db, tenantId, Number(id)))?.release_id);
    case undefined:
      return undefined;
    default:
      return operation.line satisfies never;
  }
}

/**
 * Whether the operation is about a line that the actor may touch; before the operation does anything.
 * @throws ApiError API_FORBIDDEN; also when there is no such thing, so that nobody learns what other lines have
 */
export async function authorizeLine(
  actor: Actor,
  operation: ManagementOperation,
  parsed: Parsed,
  db: Db,
): Promise<void> {
  if (actor.lines === undefined || operation.allow === 'anybody') return;
  const line = await lineOf(operation, parsed, db, actor.tenantId);
  if (typeof line !== 'string' || !actor.lines.has(line)) throw new ApiError('API_FORBIDDEN', { at: 'lines' });
}
