/** API tokens: stored as SHA-256 only, so a copy of the database opens nothing. */
import type { Permission, Token } from '@pawl/contract/management';
import { toHex } from '@pawl/core/bytes';
import { type Actor, boundedBy, permissionsOfRoles } from '../domain/actor.ts';
import { parseList } from './access.ts';
import type { Db, Trx } from './database.ts';
import type { Schema } from './schema/index.ts';

export type TokenTable = Schema['token'];

/** Public name of a token: the start of its digest. It finds the token and opens nothing. */
const TOKEN_ID_BYTES = 8;

function tokenIdOf(sha256: Uint8Array): string {
  return toHex(sha256.subarray(0, TOKEN_ID_BYTES));
}

/** A token as the management API shows it. */
export function tokenView(row: TokenTable): Token {
  return {
    id: tokenIdOf(row.sha256),
    label: row.label,
    personId: row.person_id,
    permissions: parseList(row.permissions) as Permission[],
    lines: row.lines === null ? null : parseList(row.lines),
    createdAt: new Date(row.created_ms).toISOString(),
    expiresAt: new Date(row.expires_ms).toISOString(),
    lastUsedAt: row.last_used_ms === null ? null : new Date(row.last_used_ms).toISOString(),
  };
}

export async function insertToken(trx: Trx, row: Omit<TokenTable, 'last_used_ms'>): Promise<TokenTable> {
  return await trx
    .insertInto('token')
    .values({ ...row, last_used_ms: null })
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** The token of this digest, and its person if it has one; undefined when it has ended or its person is shut out. */
async function findLive(db: Db, sha256: Uint8Array, nowMs: number) {
  const row = await db
    .selectFrom('token')
    .leftJoin('person', 'person.id', 'token.person_id')
    .selectAll('token')
    .select(['person.name as person_name', 'person.roles as person_roles', 'person.state as person_state'])
    .where('token.sha256', '=', sha256)
    .executeTakeFirst();
  if (row === undefined || nowMs >= row.expires_ms) return undefined;
  return row.person_id !== null && row.person_state !== 'active' ? undefined : row;
}

/** Whose token it is and what that allows; with when it was last used. Undefined: it opens nothing. */
export async function findTokenActor(
  db: Db,
  sha256: Uint8Array,
  nowMs: number,
): Promise<{ readonly actor: Actor; readonly lastUsedMs: number | null } | undefined> {
  const row = await findLive(db, sha256, nowMs);
  if (row === undefined) return undefined;
  const owner = row.person_id === null ? undefined : permissionsOfRoles(parseList(row.person_roles ?? '[]'));
  const credential = `token/${tokenIdOf(row.sha256)}`;
  const actor: Actor = {
    tenantId: row.tenant_id,
    id: row.person_id === null ? credential : `person/${row.person_id}`,
    label: row.person_name ?? row.label,
    personId: row.person_id ?? undefined,
    makerPersonId: row.person_id ?? row.made_by_person_id ?? undefined,
    credential,
    permissions: boundedBy(parseList(row.permissions) as Permission[], owner),
    lines: row.lines === null ? undefined : new Set(parseList(row.lines)),
    endsMs: row.expires_ms,
  };
  return { actor, lastUsedMs: row.last_used_ms };
}

export async function noteTokenUse(trx: Trx, sha256: Uint8Array, nowMs: number): Promise<void> {
  await trx.updateTable('token').set({ last_used_ms: nowMs }).where('sha256', '=', sha256).execute();
}

/** Every token of a tenant, or of one person of it, oldest first. There are few. */
export async function listTokens(db: Db, tenantId: number, personId?: number): Promise<TokenTable[]> {
  return await db
    .selectFrom('token')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .$if(personId !== undefined, (query) => query.where('person_id', '=', personId ?? null))
    .orderBy('created_ms')
    .orderBy('sha256')
    .execute();
}

/** Whether there was such a token among those of the tenant, or of the person. */
export async function deleteToken(trx: Trx, tenantId: number, tokenId: string, personId?: number): Promise<boolean> {
  const row = (await listTokens(trx, tenantId, personId)).find(({ sha256 }) => tokenIdOf(sha256) === tokenId);
  if (row === undefined) return false;
  await trx.deleteFrom('token').where('sha256', '=', row.sha256).execute();
  return true;
}

export async function deleteTokensOf(trx: Trx, personId: number): Promise<void> {
  await trx.deleteFrom('token').where('person_id', '=', personId).execute();
}

/** Whether a person holds a token with which others can be let in. */
export async function hasAdminToken(db: Db, personId: number, nowMs: number): Promise<boolean> {
  const row = await db
    .selectFrom('token')
    .select('sha256')
    .where('person_id', '=', personId)
    .where('expires_ms', '>', nowMs)
    .where('lines', 'is', null)
    .where('permissions', 'like', '%"people:write"%')
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}
