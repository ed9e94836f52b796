/** Devices that introduced themselves by a key. Their number is bounded: anybody can make keys. */
import type { Introduction, IntroductionState } from '@pawl/contract/management';
import type { Db, Trx } from './database.ts';
import type { IntroductionTable } from './schema/index.ts';

export async function findIntroduction(
  db: Db,
  tenantId: number,
  keyId: string,
): Promise<IntroductionTable | undefined> {
  return await db
    .selectFrom('introduction')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('key_id', '=', keyId)
    .executeTakeFirst();
}

export async function findIntroductionById(db: Db, tenantId: number, id: number): Promise<IntroductionRow | undefined> {
  const [row] = await queryIntroductions(db, { tenantId, id, limit: 1 });
  return row;
}

export async function insertIntroduction(trx: Trx, row: Omit<IntroductionTable, 'id'>): Promise<number> {
  return (await trx.insertInto('introduction').values(row).returning('id').executeTakeFirstOrThrow()).id;
}

export async function updateIntroduction(trx: Trx, id: number, change: Partial<IntroductionTable>): Promise<void> {
  await trx.updateTable('introduction').set(change).where('id', '=', id).execute();
}

/** Forgets what was pending and not heard of since then. */
export async function dropSilent(trx: Trx, tenantId: number, beforeMs: number): Promise<void> {
  await trx
    .deleteFrom('introduction')
    .where('tenant_id', '=', tenantId)
    .where('state', '=', 'pending')
    .where('heard_ms', '<', beforeMs)
    .execute();
}

/** Forgets the oldest rejections, so that `keep` are left. */
export async function dropOldRejections(trx: Trx, tenantId: number, keep: number): Promise<void> {
  const old = trx
    .selectFrom('introduction')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('state', '=', 'rejected')
    .orderBy('heard_ms', 'desc')
    .orderBy('id', 'desc')
    .offset(keep)
    .limit(1000);
  await trx.deleteFrom('introduction').where('id', 'in', old).execute();
}

export async function countPending(db: Db, tenantId: number): Promise<number> {
  const { count } = await db
    .selectFrom('introduction')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('tenant_id', '=', tenantId)
    .where('state', '=', 'pending')
    .executeTakeFirstOrThrow();
  return count;
}

type IntroductionRow = IntroductionTable & { readonly controller_id: string | null };

export async function queryIntroductions(
  db: Db,
  query: {
    readonly tenantId: number;
    readonly id?: number;
    readonly state?: IntroductionState | undefined;
    readonly afterId?: number | undefined;
    readonly limit: number;
  },
): Promise<IntroductionRow[]> {
  let select = db
    .selectFrom('introduction')
    .leftJoin('device', 'device.id', 'introduction.device_id')
    .selectAll('introduction')
    .select('device.controller_id')
    .where('introduction.tenant_id', '=', query.tenantId);
  if (query.id !== undefined) select = select.where('introduction.id', '=', query.id);
  if (query.state !== undefined) select = select.where('introduction.state', '=', query.state);
  if (query.afterId !== undefined) select = select.where('introduction.id', '>', query.afterId);
  return await select.orderBy('introduction.id').limit(query.limit).execute();
}

/** An introduction as the management API shows it. */
export function introductionView(row: IntroductionRow): Introduction {
  return {
    id: `pawl-${row.id}`,
    client: 'pawl',
    state: row.state,
    name: row.name,
    attributes: JSON.parse(row.attributes) as Record<string, string>,
    keyId: row.key_id,
    publicKey: row.public_key_pem,
    controllerId: row.controller_id,
    createdAt: new Date(row.created_ms).toISOString(),
    heardAt: new Date(row.heard_ms).toISOString(),
  };
}
