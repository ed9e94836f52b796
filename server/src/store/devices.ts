/** Devices, their credentials and what they said last. */

import { versionKey } from '@pawl/contract/filter';
import type { AssignmentState, Device } from '@pawl/contract/management';
import { sql } from 'kysely';
import type { Db, Trx } from './database.ts';
import { deviceCondition } from './device-filter.ts';
import type { DeviceTable } from './schema/index.ts';

export type NewDeviceRow = {
  readonly tenantId: number;
  readonly controllerId: string;
  readonly model: string;
  readonly line: string | undefined;
  readonly kind: 'pawl' | 'foreign';
  readonly tags: readonly string[];
  readonly tokenSha256: Uint8Array | undefined;
  readonly publicKeyPem?: string;
  readonly keyId?: string;
  readonly nowMs: number;
  readonly certificate?: CertificateColumns;
};

export type CertificateColumns = Pick<DeviceTable, 'authority_id' | 'certificate_serial' | 'certificate_until_ms'>;

/** Inserts a device; undefined when the controller id is taken. */
export async function insertDevice(trx: Trx, row: NewDeviceRow): Promise<number | undefined> {
  const inserted = await trx
    .insertInto('device')
    .values({
      tenant_id: row.tenantId,
      controller_id: row.controllerId,
      model: row.model,
      line: row.line ?? null,
      kind: row.kind,
      tags: JSON.stringify(row.tags),
      attributes: '{}',
      operator_attributes: '{}',
      public_key_pem: row.publicKeyPem ?? null,
      key_id: row.keyId ?? null,
      token_sha256: row.tokenSha256 ?? null,
      wants_attributes: 1,
      installed_version: null,
      version_key: null,
      installed_assignment_id: null,
      floor: null,
      report_counter: 0,
      auto_confirm: null,
      created_ms: row.nowMs,
      enrolled_ms: row.keyId === undefined ? null : row.nowMs,
      decommissioned_ms: null,
      ...row.certificate,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  return inserted?.id;
}

export async function findDevice(db: Db, tenantId: number, controllerId: string): Promise<DeviceTable | undefined> {
  return await db
    .selectFrom('device')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('controller_id', '=', controllerId)
    .executeTakeFirst();
}

export async function getDeviceById(db: Db, id: number): Promise<DeviceTable> {
  return await db.selectFrom('device').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

/** Empty for a version without order; null is for "not looked at yet" and for no version. */
function orderOf(version: string | null): string | null {
  return version === null ? null : (versionKey(version) ?? '');
}

/** Gives an order to versions that were written before there was one. Returns how many. */
export async function fillVersionKeys(trx: Trx, limit: number): Promise<number> {
  const rows = await trx
    .selectFrom('device')
    .select(['id', 'installed_version'])
    .where('installed_version', 'is not', null)
    .where('version_key', 'is', null)
    .orderBy('id')
    .limit(limit)
    .execute();
  for (const { id, installed_version } of rows) await updateDevice(trx, id, { installed_version });
  return rows.length;
}

export async function updateDevice(trx: Trx, id: number, change: Partial<DeviceTable>): Promise<void> {
  const { installed_version: version } = change;
  const key = version === undefined ? {} : { version_key: orderOf(version) };
  await trx
    .updateTable('device')
    .set({ ...change, ...key })
    .where('id', '=', id)
    .execute();
}

/** Writes last-seen times, a few hundred at once; another process may have written a later one. */
export async function saveLastSeen(
  trx: Trx,
  seen: readonly (readonly [deviceId: number, ms: number])[],
): Promise<void> {
  const rows = seen.map(([id, ms]) => sql`(${id}, ${ms})`);
  await sql`insert into device_seen (device_id, last_seen_ms) values ${sql.join(rows)}
    on conflict (device_id) do update set last_seen_ms = excluded.last_seen_ms
    where device_seen.last_seen_ms < excluded.last_seen_ms`.execute(trx);
}

export type DeviceQuery = {
  readonly tenantId: number;
  readonly filter: string;
  /** From which relative times of the filter count. */
  readonly nowMs: number;
  readonly afterController?: string | undefined;
  readonly limit?: number;
};

export type DeviceRow = DeviceTable & {
  readonly last_state: AssignmentState | null;
  readonly last_seen_ms: number | null;
};

/**
 * Devices that match a filter, by controller id; decommissioned ones are left out.
 * @throws FilterError
 */
export async function queryDevices(db: Db, query: DeviceQuery): Promise<DeviceRow[]> {
  let select = db
    .selectFrom('device')
    .selectAll('device')
    .select(
      sql<AssignmentState | null>`(select state from assignment where device_id = device.id order by id desc limit 1)`.as(
        'last_state',
      ),
    )
    .select(sql<number | null>`(select last_seen_ms from device_seen where device_id = device.id)`.as('last_seen_ms'))
    .where('tenant_id', '=', query.tenantId)
    .where('decommissioned_ms', 'is', null)
    .where(await deviceCondition(db, query));
  if (query.afterController !== undefined) select = select.where('controller_id', '>', query.afterController);
  if (query.limit !== undefined) select = select.limit(query.limit);
  return await select.orderBy('controller_id').execute();
}

function timeText(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** A device as the management API shows it. */
export function deviceView(row: DeviceRow): Device {
  return {
    controllerId: row.controller_id,
    model: row.model,
    line: row.line,
    kind: row.kind,
    tags: JSON.parse(row.tags) as string[],
    attributes: JSON.parse(row.attributes) as Record<string, string>,
    operatorAttributes: JSON.parse(row.operator_attributes) as Record<string, string>,
    installedVersion: row.installed_version,
    floor: row.floor,
    keyId: row.key_id,
    state: row.last_state,
    lastSeenAt: timeText(row.last_seen_ms),
    enrolledAt: timeText(row.enrolled_ms),
    isDecommissioned: row.decommissioned_ms !== null,
  };
}

export async function readDeviceRow(db: Db, tenantId: number, controllerId: string): Promise<DeviceRow | undefined> {
  const row = await findDevice(db, tenantId, controllerId);
  if (row === undefined) return undefined;
  const last = await db
    .selectFrom('assignment')
    .select('state')
    .where('device_id', '=', row.id)
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  const seen = await db
    .selectFrom('device_seen')
    .select('last_seen_ms')
    .where('device_id', '=', row.id)
    .executeTakeFirst();
  return { ...row, last_state: last?.state ?? null, last_seen_ms: seen?.last_seen_ms ?? null };
}

const COUNT_MAX = 100_000;

/** How many devices a filter names; counting ends at a bound. @throws FilterError */
export async function countDevices(
  db: Db,
  query: Omit<DeviceQuery, 'afterController' | 'limit'>,
): Promise<{ devices: number; isExact: boolean }> {
  const condition = await deviceCondition(db, query);
  const { count } = await db
    .selectFrom(
      db
        .selectFrom('device')
        .select('device.id')
        .where('tenant_id', '=', query.tenantId)
        .where('decommissioned_ms', 'is', null)
        .where(condition)
        .limit(COUNT_MAX + 1)
        .as('found'),
    )
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return { devices: Math.min(count, COUNT_MAX), isExact: count <= COUNT_MAX };
}
