/** Market gates, and the rollouts that may pass them. */
import type { Expression, SqlBool } from 'kysely';
import type { Db, Trx } from './database.ts';

type Gate = { readonly market: string; readonly filter: string };

export async function listGates(db: Db, tenantId: number, product: string): Promise<Gate[]> {
  return await db
    .selectFrom('market_gate')
    .select(['market', 'filter'])
    .where('tenant_id', '=', tenantId)
    .where('product', '=', product)
    .orderBy('market')
    .execute();
}

/** Without a filter there is no gate. */
export async function saveGate(
  trx: Trx,
  of: { readonly tenantId: number; readonly product: string; readonly market: string },
  filter: string | null,
): Promise<void> {
  const { tenantId, product, market } = of;
  if (filter === null) {
    await trx
      .deleteFrom('market_gate')
      .where('tenant_id', '=', tenantId)
      .where('product', '=', product)
      .where('market', '=', market)
      .execute();
    return;
  }
  await trx
    .insertInto('market_gate')
    .values({ tenant_id: tenantId, product, market, filter })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'product', 'market']).doUpdateSet({ filter }))
    .execute();
}

/** The models of the devices of a rollout that a condition names. */
export async function modelsOfRollout(db: Db, rolloutId: number, condition: Expression<SqlBool>): Promise<string[]> {
  const rows = await db
    .selectFrom('device')
    .innerJoin('rollout_member', 'rollout_member.device_id', 'device.id')
    .select('device.model')
    .where('rollout_member.rollout_id', '=', rolloutId)
    .where(condition)
    .distinct()
    .orderBy('device.model')
    .execute();
  return rows.map(({ model }) => model);
}

export async function passesOf(db: Db, rolloutId: number): Promise<Set<string>> {
  const rows = await db.selectFrom('market_pass').select('market').where('rollout_id', '=', rolloutId).execute();
  return new Set(rows.map(({ market }) => market));
}

export async function savePass(
  trx: Trx,
  row: { rollout_id: number; market: string; passed_by: string; passed_ms: number },
): Promise<void> {
  await trx
    .insertInto('market_pass')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
