/**
 * Sessions of people who signed in: stored as SHA-256 only. A session ends when it is not used for half a day, or after a
 * week whatever happens.
 */
import type { Session } from '@pawl/contract/management';
import { toHex } from '@pawl/core/bytes';
import { type Actor, permissionsOfRoles } from '../domain/actor.ts';
import { parseList } from './access.ts';
import type { Db, Trx } from './database.ts';
import type { Schema } from './schema/index.ts';

type SessionTable = Schema['session'];

const IDLE_MS = 12 * 3_600_000;
const SESSION_MS_MAX = 7 * 86_400_000;
const SESSION_ID_BYTES = 8;
const USER_AGENT_CHARS = 200;

function sessionIdOf(sha256: Uint8Array): string {
  return toHex(sha256.subarray(0, SESSION_ID_BYTES));
}

function credentialOf(sha256: Uint8Array): string {
  return `session/${sessionIdOf(sha256)}`;
}

/** A session as the management API shows it to whoever came with `credential`. */
export function sessionView(row: SessionTable, credential: string): Session {
  const at = (ms: number): string => new Date(ms).toISOString();
  return {
    id: sessionIdOf(row.sha256),
    isCurrent: credentialOf(row.sha256) === credential,
    source: row.source,
    userAgent: row.user_agent,
    createdAt: at(row.created_ms),
    lastUsedAt: at(row.last_used_ms),
    expiresAt: at(Math.min(row.expires_ms, row.last_used_ms + IDLE_MS)),
  };
}

export async function insertSession(
  trx: Trx,
  row: Omit<SessionTable, 'created_ms' | 'last_used_ms' | 'expires_ms'> & { readonly nowMs: number },
): Promise<{ readonly expiresMs: number; readonly credential: string }> {
  const { nowMs, user_agent, ...rest } = row;
  const expires_ms = nowMs + SESSION_MS_MAX;
  const user_agent_cut = user_agent.slice(0, USER_AGENT_CHARS);
  await trx
    .insertInto('session')
    .values({ ...rest, user_agent: user_agent_cut, created_ms: nowMs, last_used_ms: nowMs, expires_ms })
    .execute();
  return { expiresMs: expires_ms, credential: credentialOf(rest.sha256) };
}

/** Who came with this session; undefined when it has ended or its person is shut out. */
export async function findSessionActor(
  db: Db,
  sha256: Uint8Array,
  nowMs: number,
): Promise<{ readonly actor: Actor; readonly lastUsedMs: number } | undefined> {
  const row = await db
    .selectFrom('session')
    .innerJoin('person', 'person.id', 'session.person_id')
    .selectAll('session')
    .select(['person.name', 'person.roles'])
    .where('session.sha256', '=', sha256)
    .where('person.state', '=', 'active')
    .executeTakeFirst();
  if (row === undefined || nowMs >= row.expires_ms || nowMs >= row.last_used_ms + IDLE_MS) return undefined;
  const actor: Actor = {
    tenantId: row.tenant_id,
    id: `person/${row.person_id}`,
    label: row.name,
    personId: row.person_id,
    makerPersonId: row.person_id,
    credential: credentialOf(row.sha256),
    permissions: permissionsOfRoles(parseList(row.roles)),
    lines: undefined,
    endsMs: undefined,
  };
  return { actor, lastUsedMs: row.last_used_ms };
}

export async function noteSessionUse(trx: Trx, sha256: Uint8Array, nowMs: number): Promise<void> {
  await trx.updateTable('session').set({ last_used_ms: nowMs }).where('sha256', '=', sha256).execute();
}

/** The sessions of a person that have not ended, newest first. */
export async function listSessions(db: Db, personId: number, nowMs: number): Promise<SessionTable[]> {
  return await db
    .selectFrom('session')
    .selectAll()
    .where('person_id', '=', personId)
    .where('expires_ms', '>', nowMs)
    .where('last_used_ms', '>', nowMs - IDLE_MS)
    .orderBy('created_ms', 'desc')
    .execute();
}

/** Whether the person had such a session. */
export async function deleteSession(trx: Trx, personId: number, sessionId: string): Promise<boolean> {
  const rows = await trx.selectFrom('session').select('sha256').where('person_id', '=', personId).execute();
  const row = rows.find(({ sha256 }) => sessionIdOf(sha256) === sessionId);
  if (row === undefined) return false;
  await dropSession(trx, row.sha256);
  return true;
}

export async function dropSession(trx: Trx, sha256: Uint8Array): Promise<void> {
  await trx.deleteFrom('session').where('sha256', '=', sha256).execute();
}

export async function dropSessionsOf(trx: Trx, personId: number): Promise<void> {
  await trx.deleteFrom('session').where('person_id', '=', personId).execute();
}

/** Forgets sessions that have ended. */
export async function dropEndedSessions(trx: Trx, nowMs: number): Promise<void> {
  await trx
    .deleteFrom('session')
    .where((eb) => eb.or([eb('expires_ms', '<=', nowMs), eb('last_used_ms', '<=', nowMs - IDLE_MS)]))
    .execute();
}
