/** Gateways and the devices that each of them names. */
import type { Gateway } from '@pawl/contract/management';
import type { Db, Trx } from './database.ts';

const ROWS_AT_ONCE = 200;

export type GatewayRow = { readonly id: number; readonly name: string; readonly key_id: string | null };

export async function insertGateway(
  trx: Trx,
  row: {
    readonly tenantId: number;
    readonly name: string;
    readonly tokenSha256: Uint8Array;
    readonly keyId: string | null;
  },
): Promise<GatewayRow> {
  return await trx
    .insertInto('gateway')
    .values({ tenant_id: row.tenantId, name: row.name, token_sha256: row.tokenSha256, key_id: row.keyId })
    .returning(['id', 'name', 'key_id'])
    .executeTakeFirstOrThrow();
}

export async function findGateway(db: Db, tenantId: number, id: number): Promise<GatewayRow | undefined> {
  return await db
    .selectFrom('gateway')
    .select(['id', 'name', 'key_id'])
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** Gives it another credential; what it had goes on until then. */
export async function rotateCredential(
  trx: Trx,
  id: number,
  next: { readonly tokenSha256: Uint8Array; readonly keyId: string | null; readonly untilMs: number },
): Promise<void> {
  await trx
    .updateTable('gateway')
    .set((eb) => ({
      previous_token_sha256: eb.ref('token_sha256'),
      previous_key_id: eb.ref('key_id'),
      previous_until_ms: next.untilMs,
      token_sha256: next.tokenSha256,
      key_id: next.keyId,
    }))
    .where('id', '=', id)
    .execute();
}

/** Whether a gateway of the tenant has this key. */
export async function hasGatewayKey(db: Db, tenantId: number, keyId: string): Promise<boolean> {
  const row = await db
    .selectFrom('gateway')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('key_id', '=', keyId)
    .executeTakeFirst();
  return row !== undefined;
}

export async function renameGateway(trx: Trx, id: number, name: string): Promise<void> {
  await trx.updateTable('gateway').set({ name }).where('id', '=', id).execute();
}

export async function addChildren(trx: Trx, gatewayId: number, controllerIds: readonly string[]): Promise<void> {
  for (let at = 0; at < controllerIds.length; at += ROWS_AT_ONCE) {
    const values = controllerIds
      .slice(at, at + ROWS_AT_ONCE)
      .map((id) => ({ gateway_id: gatewayId, controller_id: id }));
    await trx
      .insertInto('gateway_device')
      .values(values)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

export async function removeChildren(trx: Trx, gatewayId: number, controllerIds: readonly string[]): Promise<void> {
  if (controllerIds.length === 0) return;
  await trx
    .deleteFrom('gateway_device')
    .where('gateway_id', '=', gatewayId)
    .where('controller_id', 'in', controllerIds)
    .execute();
}

export async function childrenOf(db: Db, gatewayId: number): Promise<string[]> {
  const rows = await db
    .selectFrom('gateway_device')
    .select('controller_id')
    .where('gateway_id', '=', gatewayId)
    .orderBy('controller_id')
    .execute();
  return rows.map((row) => row.controller_id);
}

export async function deleteGateway(trx: Trx, id: number): Promise<void> {
  await trx.deleteFrom('gateway_device').where('gateway_id', '=', id).execute();
  await trx.deleteFrom('gateway').where('id', '=', id).execute();
}

/** A page of gateways with their devices, oldest first. */
export async function queryGateways(
  db: Db,
  query: { readonly tenantId: number; readonly afterId: number; readonly limit: number },
): Promise<Gateway[]> {
  const rows = await db
    .selectFrom('gateway')
    .select(['id', 'name', 'key_id'])
    .where('tenant_id', '=', query.tenantId)
    .where('id', '>', query.afterId)
    .orderBy('id')
    .limit(query.limit)
    .execute();
  const gateways: Gateway[] = [];
  for (const { id, name, key_id: keyId } of rows) {
    gateways.push({ id, name, keyId, controllerIds: await childrenOf(db, id) });
  }
  return gateways;
}
