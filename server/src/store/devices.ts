/** Devices, their credentials and what they said last. */

import { type FilterTerm, parseFilter } from '@pawl/contract/filter';
import type { AssignmentState, Device } from '@pawl/contract/management';
import { type Expression, type SqlBool, sql } from 'kysely';
import type { Db, Trx } from './database.ts';
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
};

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
      public_key_pem: row.publicKeyPem ?? null,
      key_id: row.keyId ?? null,
      token_sha256: row.tokenSha256 ?? null,
      wants_attributes: 1,
      installed_version: null,
      installed_assignment_id: null,
      floor: null,
      report_counter: 0,
      auto_confirm: null,
      last_seen_ms: null,
      created_ms: row.nowMs,
      enrolled_ms: row.publicKeyPem === undefined ? null : row.nowMs,
      decommissioned_ms: null,
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

export async function updateDevice(trx: Trx, id: number, change: Partial<DeviceTable>): Promise<void> {
  await trx.updateTable('device').set(change).where('id', '=', id).execute();
}

/** Writes many last-seen times at once. */
export async function saveLastSeen(trx: Trx, seen: ReadonlyMap<number, number>): Promise<void> {
  for (const [id, ms] of seen) await updateDevice(trx, id, { last_seen_ms: ms });
}

/** GLOB tells case apart, as `=` does; the grammar lets none of its other special characters through. */
function globPattern({ text, isOpenStart, isOpenEnd }: FilterTerm): string {
  return `${isOpenStart ? '*' : ''}${text}${isOpenEnd ? '*' : ''}`;
}

function conditionOf(term: FilterTerm): Expression<SqlBool> {
  const pattern = globPattern(term);
  const isOpen = term.isOpenStart || term.isOpenEnd;
  const matches = (column: Expression<unknown>): Expression<SqlBool> =>
    isOpen ? sql<SqlBool>`glob(${pattern}, ${column})` : sql<SqlBool>`${column} = ${term.text}`;
  switch (term.field) {
    case 'name':
      return matches(sql.ref('device.controller_id'));
    case 'model':
      return matches(sql.ref('device.model'));
    case 'line':
      return matches(sql.ref('device.line'));
    case 'version':
      return matches(sql.ref('device.installed_version'));
    case 'tag':
      return sql<SqlBool>`exists (select 1 from json_each(device.tags) where ${matches(sql.ref('json_each.value'))})`;
    case 'state':
      return sql<SqlBool>`exists (select 1 from assignment where assignment.id = (select max(id) from assignment as last
        where last.device_id = device.id) and ${matches(sql.ref('assignment.state'))})`;
  }
}

/**
 * What a filter asks of a row of `device`.
 * @throws FilterError FILTER_MALFORMED
 */
export function filterConditions(filter: string): Expression<SqlBool>[] {
  return parseFilter(filter).map(conditionOf);
}

export type DeviceQuery = {
  readonly tenantId: number;
  readonly filter: string;
  readonly afterController?: string | undefined;
  readonly limit?: number;
};

export type DeviceRow = DeviceTable & { readonly last_state: AssignmentState | null };

/**
 * Devices that match a filter, by controller id; decommissioned ones are left out.
 * @throws FilterError FILTER_MALFORMED
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
    .where('tenant_id', '=', query.tenantId)
    .where('decommissioned_ms', 'is', null);
  for (const condition of filterConditions(query.filter)) select = select.where(condition);
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
  return { ...row, last_state: last?.state ?? null };
}
