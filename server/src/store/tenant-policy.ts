/** The policy of a tenant, as text. */
import type { Db, Trx } from './database.ts';

export async function readTenantPolicy(db: Db, tenantId: number): Promise<string> {
  const row = await db.selectFrom('tenant').select('policy').where('id', '=', tenantId).executeTakeFirstOrThrow();
  return row.policy;
}

export async function saveTenantPolicy(trx: Trx, tenantId: number, policy: string): Promise<void> {
  await trx.updateTable('tenant').set({ policy }).where('id', '=', tenantId).execute();
}
