/** What operators write of devices: model, line, tags, and attributes of their own beside those that the device reports. */
import type { DeviceChange } from '@pawl/contract/management';
import type { Actor } from '../../domain/actor.ts';
import { parseList } from '../../store/access.ts';
import type { Trx } from '../../store/database.ts';
import { type DeviceRow, findDevice, queryDevices, readDeviceRow, updateDevice } from '../../store/devices.ts';
import type { DeviceTable } from '../../store/schema/index.ts';
import { ServerError } from '../errors.ts';
import type { ServerPorts } from '../ports.ts';
import { RegistryError } from './errors.ts';
import { recordAct } from './record.ts';

const ATTRIBUTES_MAX = 100;
const TAGS_MAX = 32;
/** Devices in one transaction of a change by filter; the rest of the server has its turn in between. */
const AT_ONCE = 500;

function changedAttributes(known: string, changes: NonNullable<DeviceChange['attributes']>): string {
  const all = new Map(Object.entries(JSON.parse(known) as Record<string, string>));
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) all.delete(name);
    else all.set(name, value);
  }
  if (all.size > ATTRIBUTES_MAX) throw new RegistryError('DEVICE_ATTRIBUTES_TOO_MANY', { actual: all.size });
  return JSON.stringify(Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1))));
}

function uniqueTags(tags: readonly string[]): string {
  return JSON.stringify([...new Set(tags)].sort());
}

/** What of a device would become different; empty when it is so already. */
export function columnsOf(row: DeviceTable, change: DeviceChange): Partial<DeviceTable> {
  const wanted: Partial<DeviceTable> = {
    ...(change.model === undefined ? {} : { model: change.model }),
    ...(change.line === undefined ? {} : { line: change.line }),
    ...(change.tags === undefined ? {} : { tags: uniqueTags(change.tags) }),
    ...(change.attributes === undefined
      ? {}
      : { operator_attributes: changedAttributes(row.operator_attributes, change.attributes) }),
  };
  const isNew = ([column, value]: [string, unknown]): boolean => row[column as keyof DeviceTable] !== value;
  return Object.fromEntries(Object.entries(wanted).filter(isNew));
}

/** Writes a change and states it; nothing when there is none. */
export async function applyChange(
  trx: Trx,
  ports: ServerPorts,
  row: DeviceTable,
  { columns, by }: { readonly columns: Partial<DeviceTable>; readonly by: string },
): Promise<void> {
  if (Object.keys(columns).length === 0) return;
  await updateDevice(trx, row.id, columns);
  const { model, line, tags, operator_attributes: attributes } = { ...row, ...columns };
  await recordAct(trx, ports, {
    tenantId: row.tenant_id,
    predicateType: 'urn:pawl:device-changed:1',
    subject: `device/${row.controller_id}`,
    record: {
      controllerId: row.controller_id,
      model,
      ...(line === null ? {} : { line }),
      tags: parseList(tags),
      attributes: JSON.parse(attributes) as Record<string, string>,
    },
    act: 'change',
    by,
  });
}

/** @throws ServerError DEVICE_UNKNOWN; RegistryError DEVICE_ATTRIBUTES_TOO_MANY */
export function changeDevice(
  ports: ServerPorts,
  actor: Actor,
  controllerId: string,
  change: DeviceChange,
): Promise<DeviceRow> {
  return ports.database.write(async (trx) => {
    const row = await findDevice(trx, actor.tenantId, controllerId);
    if (row === undefined || row.decommissioned_ms !== null) throw new ServerError('DEVICE_UNKNOWN', { controllerId });
    await applyChange(trx, ports, row, { columns: columnsOf(row, change), by: actor.id });
    const after = await readDeviceRow(trx, actor.tenantId, controllerId);
    if (after === undefined) throw new TypeError('the device was just read');
    return after;
  });
}

type TagChange = {
  readonly filter: string;
  readonly add?: readonly string[] | undefined;
  readonly remove?: readonly string[] | undefined;
};

function changedTags(row: DeviceTable, { add = [], remove = [] }: TagChange): string {
  const tags = uniqueTags([...parseList(row.tags), ...add].filter((tag) => !remove.includes(tag)));
  if (parseList(tags).length > TAGS_MAX) throw new RegistryError('DEVICE_TAGS_TOO_MANY', { at: row.controller_id });
  return tags;
}

/**
 * Adds and removes tags of every device that the filter names, some hundred in a transaction: if it breaks off, the same
 * again finishes it. Returns how many changed.
 * @throws FilterError; RegistryError DEVICE_TAGS_TOO_MANY
 */
export async function tagDevices(ports: ServerPorts, actor: Actor, change: TagChange): Promise<number> {
  const { tenantId } = actor;
  const nowMs = ports.now().getTime();
  let devices = 0;
  for (let after: string | undefined = ''; after !== undefined; ) {
    const afterController: string = after;
    const slice = await ports.database.write(async (trx) => {
      const query = { tenantId, filter: change.filter, nowMs, limit: AT_ONCE };
      const rows = await queryDevices(trx, { ...query, ...(afterController === '' ? {} : { afterController }) });
      const changed = rows.filter((row) => changedTags(row, change) !== uniqueTags(parseList(row.tags)));
      for (const row of changed) await updateDevice(trx, row.id, { tags: changedTags(row, change) });
      if (changed.length > 0) {
        const { filter, add = [], remove = [] } = change;
        await recordAct(trx, ports, {
          tenantId,
          predicateType: 'urn:pawl:device-changed:1',
          subject: 'devices',
          record: { filter, add: [...add], remove: [...remove], devices: changed.map((row) => row.controller_id) },
          act: 'tag',
          by: actor.id,
        });
      }
      return { changed: changed.length, next: rows.length < AT_ONCE ? undefined : rows.at(-1)?.controller_id };
    });
    devices += slice.changed;
    after = slice.next;
  }
  return devices;
}
