/** Offers of devices to another tenant, and what moves with a device. */
import type { Trx } from './database.ts';
import type { DeviceTable, Schema } from './schema/index.ts';

type OfferTable = Schema['device_offer'];

export async function insertOffer(trx: Trx, row: Omit<OfferTable, 'id' | 'taken_ms'>): Promise<number> {
  const { id } = await trx
    .insertInto('device_offer')
    .values({ ...row, taken_ms: null })
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/** False when there is no such open offer. */
export async function deleteOffer(trx: Trx, tenantId: number, id: number): Promise<boolean> {
  const gone = await trx
    .deleteFrom('device_offer')
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .where('taken_ms', 'is', null)
    .returning('id')
    .executeTakeFirst();
  return gone !== undefined;
}

/** Takes an offer: the row when nobody took it and it is in time, and never again. */
export async function takeOffer(trx: Trx, codeSha256: Uint8Array, nowMs: number) {
  return await trx
    .updateTable('device_offer')
    .set({ taken_ms: nowMs })
    .where('code_sha256', '=', codeSha256)
    .where('taken_ms', 'is', null)
    .where('expires_ms', '>', nowMs)
    .returning(['tenant_id', 'controller_ids'])
    .executeTakeFirst();
}

/** The device as it is, in another tenant; undefined when its name is taken there. */
export async function copyDevice(
  trx: Trx,
  device: DeviceTable,
  to: { readonly tenantId: number; readonly line: string | null; readonly nowMs: number },
): Promise<number | undefined> {
  const { id: _, ...columns } = device;
  const own = { tenant_id: to.tenantId, line: to.line, tags: '[]', operator_attributes: '{}', created_ms: to.nowMs };
  // Its authority vouches in its own tenant only; here the key counts.
  const free = {
    authority_id: null,
    certificate_serial: null,
    certificate_until_ms: null,
    installed_assignment_id: null,
    attest_assignment_id: null,
  };
  const inserted = await trx
    .insertInto('device')
    .values({ ...columns, ...own, ...free, moved_to_id: null })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  return inserted?.id;
}

/** No gateway of the tenant names the device any more. */
export async function forgetChild(trx: Trx, tenantId: number, controllerId: string): Promise<void> {
  const gateways = trx.selectFrom('gateway').select('id').where('tenant_id', '=', tenantId);
  await trx
    .deleteFrom('gateway_device')
    .where('controller_id', '=', controllerId)
    .where('gateway_id', 'in', gateways)
    .execute();
}

export async function moveMenderClient(
  trx: Trx,
  fromDeviceId: number,
  to: { readonly tenantId: number; readonly deviceId: number },
): Promise<void> {
  await trx
    .updateTable('mender_auth')
    .set({ tenant_id: to.tenantId, device_id: to.deviceId })
    .where('device_id', '=', fromDeviceId)
    .execute();
}
