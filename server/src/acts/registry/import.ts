/** Brings devices to what a list says of them. Given again, the same list changes nothing. */
import type { DeviceImport, ImportedDevice } from '@pawl/contract/management';
import { isCodedError } from '@pawl/core/bytes';
import type { Actor } from '../../domain/actor.ts';
import type { Trx } from '../../store/database.ts';
import { findDevice, getDeviceById, insertDevice } from '../../store/devices.ts';
import { ServerError } from '../errors.ts';
import { emitEvent } from '../event.ts';
import type { ServerPorts } from '../ports.ts';
import { secretSha256 } from '../secret.ts';
import { applyChange, columnsOf } from './change.ts';
import { recordAct } from './record.ts';

type Tally = { -readonly [K in 'added' | 'changed' | 'same']: number };
type Token = DeviceImport['tokens'][number];

/** Undoes the transaction of a dry run, or of a list with errors. */
class Undo extends Error {}

async function addDevice(trx: Trx, ports: ServerPorts, actor: Actor, device: ImportedDevice): Promise<Token> {
  const { controllerId, model, line, tags = [], attributes = {} } = device;
  const { tenantId } = actor;
  const nowMs = ports.now().getTime();
  const token = ports.newSecret();
  const id = await insertDevice(trx, {
    tenantId,
    controllerId,
    model,
    line: line ?? undefined,
    tags: [],
    nowMs,
    kind: 'foreign',
    tokenSha256: secretSha256(token),
  });
  if (id === undefined) throw new ServerError('DEVICE_EXISTS', { controllerId });
  await recordAct(trx, ports, {
    tenantId,
    predicateType: 'urn:pawl:device:1',
    subject: `device/${controllerId}`,
    record: { controllerId, model, ...(line === undefined || line === null ? {} : { line }) },
    act: 'import',
    by: actor.id,
  });
  const row = await getDeviceById(trx, id);
  await applyChange(trx, ports, row, { columns: columnsOf(row, { tags, attributes }), by: actor.id });
  const told = { controllerId, model, line: line ?? null, kind: 'foreign' as const };
  await emitEvent(trx, { tenantId, nowMs }, 'pawl.device.enrolled', told);
  return { controllerId, token };
}

async function importOne(
  trx: Trx,
  ports: ServerPorts,
  actor: Actor,
  device: ImportedDevice,
): Promise<{ readonly kind: keyof Tally; readonly token?: Token }> {
  const { controllerId, ...change } = device;
  const row = await findDevice(trx, actor.tenantId, controllerId);
  if (row === undefined) return { kind: 'added', token: await addDevice(trx, ports, actor, device) };
  if (row.decommissioned_ms !== null) throw new ServerError('DEVICE_EXISTS', { controllerId });
  const columns = columnsOf(row, change);
  await applyChange(trx, ports, row, { columns, by: actor.id });
  return { kind: Object.keys(columns).length === 0 ? 'same' : 'changed' };
}

/** All rows in one transaction: when one of them cannot be written, none is, and all that are wrong are told. */
export async function importDevices(
  ports: ServerPorts,
  actor: Actor,
  {
    devices,
    isDryRun = false,
  }: { readonly devices: readonly ImportedDevice[]; readonly isDryRun?: boolean | undefined },
): Promise<DeviceImport> {
  const tally: Tally = { added: 0, changed: 0, same: 0 };
  const tokens: Token[] = [];
  const errors: DeviceImport['errors'] = [];
  const act = async (trx: Trx): Promise<void> => {
    // The transaction may be run anew.
    Object.assign(tally, { added: 0, changed: 0, same: 0 });
    tokens.length = 0;
    errors.length = 0;
    for (const [index, device] of devices.entries()) {
      try {
        const { kind, token } = await importOne(trx, ports, actor, device);
        tally[kind] += 1;
        if (token !== undefined) tokens.push(token);
      } catch (error) {
        if (!isCodedError(error) || error.status >= 500) throw error;
        errors.push({ index, code: error.code, message: error.message });
      }
    }
    if (isDryRun || errors.length > 0) throw new Undo();
  };
  try {
    await ports.database.write(act);
  } catch (error) {
    if (!(error instanceof Undo)) throw error;
    tokens.length = 0;
  }
  return { ...tally, tokens, errors };
}
