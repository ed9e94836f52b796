/** Cases of vulnerability handling, their log, and the disclosure policy of a tenant. */
import type { CaseState, DisclosurePolicy } from '@pawl/contract/management';
import type { Db, Trx } from './database.ts';
import type { CaseLogTable, CaseTable } from './schema/index.ts';

export async function insertCase(trx: Trx, row: Omit<CaseTable, 'id'>): Promise<CaseTable> {
  return await trx.insertInto('vulnerability').values(row).returningAll().executeTakeFirstOrThrow();
}

export async function findCase(db: Db, tenantId: number, id: number): Promise<CaseTable | undefined> {
  return await db
    .selectFrom('vulnerability')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function queryCases(
  db: Db,
  query: {
    readonly tenantId: number;
    readonly state: CaseState | undefined;
    readonly beforeId: number | undefined;
    readonly limit: number;
  },
): Promise<CaseTable[]> {
  let select = db.selectFrom('vulnerability').selectAll().where('tenant_id', '=', query.tenantId);
  if (query.state !== undefined) select = select.where('state', '=', query.state);
  if (query.beforeId !== undefined) select = select.where('id', '<', query.beforeId);
  return await select.orderBy('id', 'desc').limit(query.limit).execute();
}

/** How many reports that came in by the form nobody has looked at yet. */
export async function countUnread(db: Db, tenantId: number): Promise<number> {
  const { count } = await db
    .selectFrom('vulnerability')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('tenant_id', '=', tenantId)
    .where('state', '=', 'received')
    .where('origin', '=', 'public')
    .executeTakeFirstOrThrow();
  return Number(count);
}

export async function updateCase(
  trx: Trx,
  id: number,
  change: Partial<Omit<CaseTable, 'id' | 'tenant_id'>>,
): Promise<CaseTable> {
  return await trx
    .updateTable('vulnerability')
    .set(change)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function insertCaseLog(trx: Trx, row: Omit<CaseLogTable, 'id'>): Promise<void> {
  await trx.insertInto('vulnerability_log').values(row).execute();
}

/** What was done about a case, oldest first; the last thousand acts. */
export async function listCaseLog(db: Db, vulnerabilityId: number): Promise<CaseLogTable[]> {
  const rows = await db
    .selectFrom('vulnerability_log')
    .selectAll()
    .where('vulnerability_id', '=', vulnerabilityId)
    .orderBy('id', 'desc')
    .limit(1000)
    .execute();
  return rows.toReversed();
}

export async function readDisclosurePolicy(db: Db, tenantId: number): Promise<DisclosurePolicy | undefined> {
  const row = await db
    .selectFrom('disclosure_policy')
    .select('policy')
    .where('tenant_id', '=', tenantId)
    .executeTakeFirst();
  return row === undefined ? undefined : (JSON.parse(row.policy) as DisclosurePolicy);
}

export async function saveDisclosurePolicy(trx: Trx, tenantId: number, policy: string): Promise<void> {
  await trx
    .insertInto('disclosure_policy')
    .values({ tenant_id: tenantId, policy })
    .onConflict((conflict) => conflict.column('tenant_id').doUpdateSet({ policy }))
    .execute();
}
