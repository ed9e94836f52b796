/** Tenants and claims. Claims are stored as SHA-256 only, so a copy of the database opens nothing. */
import type { Db, Trx } from './database.ts';
import type { Schema } from './schema/index.ts';

export type ClaimTable = Schema['claim'];

/** A JSON list of names, as columns of roles, permissions and lines hold it. */
export function parseList(json: string): string[] {
  return JSON.parse(json) as string[];
}

export async function ensureTenant(trx: Trx, name: string): Promise<number> {
  await trx
    .insertInto('tenant')
    .values({ name })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  return (await trx.selectFrom('tenant').select('id').where('name', '=', name).executeTakeFirstOrThrow()).id;
}

export async function tenantIds(db: Db): Promise<number[]> {
  return (await db.selectFrom('tenant').select('id').orderBy('id').execute()).map(({ id }) => id);
}

/** Oldest first: the first one is that of who runs the server. */
export async function listTenants(db: Db): Promise<{ id: number; name: string }[]> {
  return await db.selectFrom('tenant').select(['id', 'name']).orderBy('id').execute();
}

export async function isFirstTenant(db: Db, tenantId: number): Promise<boolean> {
  const row = await db.selectFrom('tenant').select('id').orderBy('id').limit(1).executeTakeFirst();
  return row?.id === tenantId;
}

/** The tenant of who runs the server. */
export async function firstTenant(db: Db): Promise<number> {
  return (await db.selectFrom('tenant').select('id').orderBy('id').limit(1).executeTakeFirstOrThrow()).id;
}

/** The name of a tenant that is there. */
export async function tenantName(db: Db, id: number): Promise<string> {
  return (await db.selectFrom('tenant').select('name').where('id', '=', id).executeTakeFirstOrThrow()).name;
}

export async function insertClaim(
  trx: Trx,
  row: Omit<ClaimTable, 'used_ms' | 'person_id'> & { readonly person_id?: number | null },
): Promise<void> {
  await trx
    .insertInto('claim')
    .values({ person_id: null, ...row, used_ms: null })
    .execute();
}

/** The claim if it could be taken now. */
export async function peekClaim(
  db: Db,
  sha256: Uint8Array,
  kind: ClaimTable['kind'],
  nowMs: number,
): Promise<ClaimTable | undefined> {
  return await db
    .selectFrom('claim')
    .selectAll()
    .where('sha256', '=', sha256)
    .where('kind', '=', kind)
    .where('used_ms', 'is', null)
    .where((eb) => eb.or([eb('expires_ms', 'is', null), eb('expires_ms', '>', nowMs)]))
    .executeTakeFirst();
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

/** Forgets unused claims of operators: those of the first run, or the invitations of one person. */
export async function dropOperatorClaims(trx: Trx, tenantId: number, personId: number | null): Promise<void> {
  await trx
    .deleteFrom('claim')
    .where('tenant_id', '=', tenantId)
    .where('kind', '=', 'operator')
    .where('used_ms', 'is', null)
    .where('person_id', personId === null ? 'is' : '=', personId)
    .execute();
}
