/** Shares: who may look at the evidence of one product by a link. */
import type { Db, Trx } from './database.ts';
import type { ShareTable } from './schema/index.ts';

export async function insertShare(
  trx: Trx,
  row: Omit<ShareTable, 'id' | 'visits' | 'last_visit_ms' | 'revoked_ms' | 'revoked_reason'>,
): Promise<ShareTable> {
  const values = { ...row, visits: 0, last_visit_ms: null, revoked_ms: null, revoked_reason: null };
  return await trx.insertInto('share').values(values).returningAll().executeTakeFirstOrThrow();
}

export async function findShare(db: Db, tenantId: number, id: number): Promise<ShareTable | undefined> {
  return await db
    .selectFrom('share')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** By the digest of its link, whether it works still or not, whosever it is. */
export async function findShareByLink(db: Db, sha256: Uint8Array): Promise<ShareTable | undefined> {
  return await db.selectFrom('share').selectAll().where('link_sha256', '=', sha256).executeTakeFirst();
}

export async function queryShares(
  db: Db,
  query: {
    readonly tenantId: number;
    readonly product?: string | undefined;
    readonly beforeId?: number | undefined;
    readonly limit: number;
  },
): Promise<ShareTable[]> {
  let select = db.selectFrom('share').selectAll().where('tenant_id', '=', query.tenantId);
  if (query.product !== undefined) select = select.where('product', '=', query.product);
  if (query.beforeId !== undefined) select = select.where('id', '<', query.beforeId);
  return await select.orderBy('id', 'desc').limit(query.limit).execute();
}

export async function updateShare(trx: Trx, id: number, change: Partial<ShareTable>): Promise<ShareTable> {
  return await trx.updateTable('share').set(change).where('id', '=', id).returningAll().executeTakeFirstOrThrow();
}

export async function countVisit(trx: Trx, id: number, atMs: number): Promise<void> {
  await trx
    .updateTable('share')
    .set((eb) => ({ visits: eb('visits', '+', 1), last_visit_ms: atMs }))
    .where('id', '=', id)
    .execute();
}
