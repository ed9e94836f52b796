/**
 * Devices go to another tenant of the server: one offers them and gets a one-time code, the other takes them with it. The device
 * keeps its key and its token and goes on asking under its old address; what happened before stays with the old tenant, where
 * its name has come to its end. While an update is under way it does not go.
 */
import type { DeviceOffer, NewDeviceOffer, TakenDevices } from '@pawl/contract/management';
import type { Actor } from '../../domain/actor.ts';
import { tenantName } from '../../store/access.ts';
import { findActive } from '../../store/assignments.ts';
import type { Trx } from '../../store/database.ts';
import {
  copyDevice,
  deleteOffer,
  forgetChild,
  insertOffer,
  moveMenderClient,
  takeOffer,
} from '../../store/device-offers.ts';
import { findDevice, updateDevice } from '../../store/devices.ts';
import type { DeviceTable } from '../../store/schema/index.ts';
import { isKeyKnown } from '../enrolment/enter.ts';
import { ServerError } from '../errors.ts';
import { emitEvent } from '../event.ts';
import type { ServerPorts } from '../ports.ts';
import { secretSha256 } from '../secret.ts';
import { RegistryError } from './errors.ts';
import { recordAct } from './record.ts';

const VALID_S = 86_400;

/** @throws ServerError DEVICE_UNKNOWN; RegistryError TRANSFER_DEVICE_BUSY */
async function mustBeFree(trx: Trx, tenantId: number, controllerId: string): Promise<DeviceTable> {
  const device = await findDevice(trx, tenantId, controllerId);
  if (device === undefined || device.decommissioned_ms !== null) {
    throw new ServerError('DEVICE_UNKNOWN', { controllerId });
  }
  if ((await findActive(trx, device.id)) !== undefined)
    throw new RegistryError('TRANSFER_DEVICE_BUSY', { controllerId });
  return device;
}

/** @throws ServerError DEVICE_UNKNOWN; RegistryError TRANSFER_DEVICE_BUSY */
export async function offerDevices(ports: ServerPorts, actor: Actor, input: NewDeviceOffer): Promise<DeviceOffer> {
  const code = ports.newSecret();
  const { tenantId } = actor;
  const nowMs = ports.now().getTime();
  const expiresMs = nowMs + (input.validForS ?? VALID_S) * 1000;
  const controllerIds = [...new Set(input.controllerIds)].sort();
  const id = await ports.database.write(async (trx) => {
    for (const controllerId of controllerIds) await mustBeFree(trx, tenantId, controllerId);
    const row = { tenant_id: tenantId, code_sha256: secretSha256(code), controller_ids: JSON.stringify(controllerIds) };
    const made = await insertOffer(trx, { ...row, created_ms: nowMs, expires_ms: expiresMs });
    await recordAct(trx, ports, {
      tenantId,
      predicateType: 'urn:pawl:device:1',
      subject: 'devices',
      record: { offer: made, devices: controllerIds },
      act: 'offer',
      by: actor.id,
    });
    return made;
  });
  return { id, code, devices: controllerIds.length, expiresAt: new Date(expiresMs).toISOString() };
}

/** @throws RegistryError TRANSFER_UNKNOWN */
export async function withdrawOffer(ports: ServerPorts, actor: Actor, id: number): Promise<void> {
  await ports.database.write(async (trx) => {
    if (!(await deleteOffer(trx, actor.tenantId, id))) throw new RegistryError('TRANSFER_UNKNOWN', { id });
    const parts = { predicateType: 'urn:pawl:device:1', subject: 'devices', record: { offer: id } } as const;
    await recordAct(trx, ports, { tenantId: actor.tenantId, ...parts, act: 'withdraw', by: actor.id });
  });
}

type Move = {
  readonly from: { readonly id: number; readonly name: string };
  readonly to: { readonly id: number; readonly name: string };
  readonly line: string | null;
  readonly by: string;
  readonly nowMs: number;
};

/** @throws ServerError DEVICE_UNKNOWN, DEVICE_EXISTS; RegistryError TRANSFER_DEVICE_BUSY */
async function moveDevice(trx: Trx, ports: ServerPorts, controllerId: string, move: Move): Promise<void> {
  const { from, to, line, by, nowMs } = move;
  const device = await mustBeFree(trx, from.id, controllerId);
  const isKnown = device.key_id !== null && (await isKeyKnown(trx, to.id, device.key_id));
  const newId = isKnown ? undefined : await copyDevice(trx, device, { tenantId: to.id, line, nowMs });
  if (newId === undefined) throw new ServerError('DEVICE_EXISTS', { controllerId });
  await updateDevice(trx, device.id, { decommissioned_ms: nowMs, token_sha256: null, moved_to_id: newId });
  await forgetChild(trx, from.id, controllerId);
  await moveMenderClient(trx, device.id, { tenantId: to.id, deviceId: newId });
  const keyId = device.key_id === null ? {} : { keyId: device.key_id };
  // Each of the two has it in its own part of the ledger.
  for (const { id: tenantId } of [from, to]) {
    await recordAct(trx, ports, {
      tenantId,
      predicateType: 'urn:pawl:device:1',
      subject: `device/${controllerId}`,
      record: { controllerId, from: from.name, to: to.name, ...keyId },
      act: 'transfer',
      by,
    });
  }
  await emitEvent(trx, { tenantId: from.id, nowMs }, 'pawl.device.decommissioned', { controllerId, line: device.line });
  const { model, kind } = device;
  await emitEvent(trx, { tenantId: to.id, nowMs }, 'pawl.device.enrolled', { controllerId, model, line, kind });
}

/**
 * Takes the devices of an offer, all or none.
 * @throws RegistryError TRANSFER_UNKNOWN, TRANSFER_DEVICE_BUSY; ServerError DEVICE_UNKNOWN, DEVICE_EXISTS
 */
export async function takeDevices(
  ports: ServerPorts,
  actor: Actor,
  { code, line }: { readonly code: string; readonly line?: string | undefined },
): Promise<TakenDevices> {
  const nowMs = ports.now().getTime();
  return await ports.database.write(async (trx) => {
    const offer = await takeOffer(trx, secretSha256(code), nowMs);
    // Who offers cannot take: nothing would move.
    if (offer === undefined || offer.tenant_id === actor.tenantId) throw new RegistryError('TRANSFER_UNKNOWN');
    const from = { id: offer.tenant_id, name: await tenantName(trx, offer.tenant_id) };
    const to = { id: actor.tenantId, name: await tenantName(trx, actor.tenantId) };
    const controllerIds = JSON.parse(offer.controller_ids) as string[];
    const move = { from, to, line: line ?? null, by: actor.id, nowMs };
    for (const controllerId of controllerIds) await moveDevice(trx, ports, controllerId, move);
    return { from: from.name, controllerIds };
  });
}
