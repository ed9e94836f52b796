/** Which online keys this installation signs with: ids only, so that a process with other keys is found out at its start. */
import type { Db, Trx } from './database.ts';

export async function readOnlineKeyIds(db: Db): Promise<ReadonlyMap<string, string>> {
  const rows = await db.selectFrom('online_key').selectAll().execute();
  return new Map(rows.map(({ role, key_id }) => [role, key_id]));
}

export async function saveOnlineKeyId(trx: Trx, role: string, keyId: string): Promise<void> {
  await trx
    .insertInto('online_key')
    .values({ role, key_id: keyId })
    .onConflict((conflict) => conflict.column('role').doUpdateSet({ key_id: keyId }))
    .execute();
}
