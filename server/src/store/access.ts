/** Claims and API tokens: stored as SHA-256 only, so a copy of the database opens nothing. */
import { isRole, permissionsOf, type Role, type Token } from '@pawl/contract/management';
import { toHex } from '@pawl/core/bytes';
import type { Actor } from '../domain/actor.ts';
import type { Db, Trx } from './database.ts';
import type { Schema } from './schema/index.ts';

export type ClaimTable = Schema['claim'];

export async function ensureTenant(trx: Trx, name: string): Promise<number> {
  await trx
    .insertInto('tenant')
    .values({ name })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return (await trx.selectFrom('tenant').select('id').where('name', '=', name).executeTakeFirstOrThrow()).id;
}

export async function insertClaim(trx: Trx, row: Omit<ClaimTable, 'used_ms'>): Promise<void> {
  await trx
    .insertInto('claim')
    .values({ ...row, used_ms: null })
    .execute();
}

/** Takes a claim: the row when it was unused and in time, and never again. */
export async function takeClaim(
  trx: Trx,
  sha256: Uint8Array,
  kind: ClaimTable['kind'],
  nowMs: number,
): Promise<ClaimTable | undefined> {
  return await trx
    .updateTable('claim')
    .set({ used_ms: nowMs })
    .where('sha256', '=', sha256)
    .where('kind', '=', kind)
    .where('used_ms', 'is', null)
    .where((eb) => eb.or([eb('expires_ms', 'is', null), eb('expires_ms', '>', nowMs)]))
    .returningAll()
    .executeTakeFirst();
}

/** Whether anybody can administer the server; if not, somebody may become the first operator. */
export async function hasAdmin(db: Db): Promise<boolean> {
  const row = await db.selectFrom('api_token').select('sha256').where('role', '=', 'admin').limit(1).executeTakeFirst();
  return row !== undefined;
}

/** Forgets first-run claims that were never used. */
export async function dropOperatorClaims(trx: Trx): Promise<void> {
  await trx.deleteFrom('claim').where('kind', '=', 'operator').where('used_ms', 'is', null).execute();
}

export async function insertToken(trx: Trx, row: Schema['api_token']): Promise<void> {
  await trx.insertInto('api_token').values(row).execute();
}

/** Public name of a token: the start of its digest. It finds the token and opens nothing. */
const TOKEN_ID_BYTES = 8;

function tokenIdOf(sha256: Uint8Array): string {
  return toHex(sha256.subarray(0, TOKEN_ID_BYTES));
}

/** What a token allows, and whose it is; undefined when there is none, or when its role is no longer known. */
export async function findTokenActor(db: Db, sha256: Uint8Array): Promise<Actor | undefined> {
  const row = await db.selectFrom('api_token').selectAll().where('sha256', '=', sha256).executeTakeFirst();
  if (row === undefined || !isRole(row.role)) return undefined;
  return {
    tenantId: row.tenant_id,
    id: `token/${tokenIdOf(row.sha256)}`,
    label: row.label,
    permissions: new Set(permissionsOf(row.role)),
  };
}

/** A token as the management API shows it. */
export function tokenView(row: Schema['api_token']): Token {
  const { sha256, label, role, created_ms } = row;
  return { id: tokenIdOf(sha256), label, role: role as Role, createdAt: new Date(created_ms).toISOString() };
}

/** Every token of a tenant, oldest first. There are few. */
export async function listTokens(db: Db, tenantId: number): Promise<Schema['api_token'][]> {
  return await db
    .selectFrom('api_token')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .orderBy('created_ms')
    .orderBy('sha256')
    .execute();
}

/** Whether there was such a token. */
export async function deleteToken(trx: Trx, tenantId: number, tokenId: string): Promise<boolean> {
  const row = (await listTokens(trx, tenantId)).find(({ sha256 }) => tokenIdOf(sha256) === tokenId);
  if (row === undefined) return false;
  await trx.deleteFrom('api_token').where('sha256', '=', row.sha256).execute();
  return true;
}

export async function insertGateway(
  trx: Trx,
  row: {
    readonly tenantId: number;
    readonly name: string;
    readonly tokenSha256: Uint8Array;
    readonly controllerIds: readonly string[];
  },
): Promise<void> {
  const { id } = await trx
    .insertInto('gateway')
    .values({ tenant_id: row.tenantId, name: row.name, token_sha256: row.tokenSha256 })
    .returning('id')
    .executeTakeFirstOrThrow();
  const values = [...new Set(row.controllerIds)].map((controllerId) => ({
    gateway_id: id,
    controller_id: controllerId,
  }));
  await trx.insertInto('gateway_device').values(values).execute();
}
