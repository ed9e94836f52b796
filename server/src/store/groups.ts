/** Saved filters of a tenant. */
import type { DeviceGroup } from '@pawl/contract/management';
import type { Db, Trx } from './database.ts';
import type { Schema } from './schema/index.ts';

export type GroupTable = Schema['device_group'];

export async function findGroup(db: Db, tenantId: number, name: string): Promise<GroupTable | undefined> {
  return await db
    .selectFrom('device_group')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('name', '=', name)
    .executeTakeFirst();
}

export async function queryGroups(
  db: Db,
  query: { readonly tenantId: number; readonly after: string; readonly limit: number },
): Promise<GroupTable[]> {
  return await db
    .selectFrom('device_group')
    .selectAll()
    .where('tenant_id', '=', query.tenantId)
    .where('name', '>', query.after)
    .orderBy('name')
    .limit(query.limit)
    .execute();
}

/** All of them: their number is bounded. */
export async function listAllGroups(db: Db, tenantId: number): Promise<GroupTable[]> {
  return await db.selectFrom('device_group').selectAll().where('tenant_id', '=', tenantId).orderBy('name').execute();
}

export async function saveGroup(trx: Trx, row: GroupTable): Promise<void> {
  const { filter, updated_ms } = row;
  await trx
    .insertInto('device_group')
    .values(row)
    .onConflict((conflict) => conflict.columns(['tenant_id', 'name']).doUpdateSet({ filter, updated_ms }))
    .execute();
}

export async function deleteGroupRow(trx: Trx, tenantId: number, name: string): Promise<void> {
  await trx.deleteFrom('device_group').where('tenant_id', '=', tenantId).where('name', '=', name).execute();
}

/** A group as the management API shows it. */
export function groupView(row: GroupTable): DeviceGroup {
  const { name, filter, created_ms, updated_ms } = row;
  return { name, filter, createdAt: new Date(created_ms).toISOString(), updatedAt: new Date(updated_ms).toISOString() };
}
