/**
 * Gateways: a token that may act for devices which it names, and for no others. A device that has come to its end cannot be
 * named, and a name that was given before lets nothing in any more. Secrets are shown once.
 */
import type { Gateway, GatewayChange } from '@pawl/contract/management';
import type { Actor } from '../../domain/actor.ts';
import type { Trx } from '../../store/database.ts';
import { findDevice } from '../../store/devices.ts';
import {
  addChildren,
  childrenOf,
  deleteGateway,
  findGateway,
  type GatewayRow,
  insertGateway,
  removeChildren,
  renameGateway,
} from '../../store/gateways.ts';
import { ServerError } from '../errors.ts';
import type { ServerPorts } from '../ports.ts';
import { secretSha256 } from '../secret.ts';
import { RegistryError } from './errors.ts';
import { recordAct } from './record.ts';

const CHILDREN_MAX = 2000;

async function refuseStrangers(trx: Trx, tenantId: number, controllerIds: readonly string[]): Promise<void> {
  for (const controllerId of controllerIds) {
    const device = await findDevice(trx, tenantId, controllerId);
    if (device === undefined || device.decommissioned_ms !== null) {
      throw new ServerError('DEVICE_UNKNOWN', { controllerId });
    }
  }
}

async function record(
  trx: Trx,
  ports: ServerPorts,
  actor: Actor,
  act: string,
  { id, name }: GatewayRow,
): Promise<Gateway> {
  const view = { id, name, controllerIds: await childrenOf(trx, id) };
  if (view.controllerIds.length > CHILDREN_MAX) throw new RegistryError('GATEWAY_DEVICES_TOO_MANY');
  const parts = { predicateType: 'urn:pawl:gateway:1', subject: `gateway/${id}`, record: view } as const;
  await recordAct(trx, ports, { ...parts, act, by: actor.id });
  return view;
}

/** @throws ServerError DEVICE_UNKNOWN */
export async function createGateway(
  ports: ServerPorts,
  actor: Actor,
  input: { readonly name: string; readonly controllerIds: readonly string[] },
): Promise<{ id: number; token: string }> {
  const token = ports.newSecret();
  const { tenantId } = actor;
  const { id } = await ports.database.write(async (trx) => {
    await refuseStrangers(trx, tenantId, input.controllerIds);
    const row = await insertGateway(trx, { tenantId, name: input.name, tokenSha256: secretSha256(token) });
    await addChildren(trx, row.id, input.controllerIds);
    return await record(trx, ports, actor, 'create', row);
  });
  return { id, token };
}

/** @throws RegistryError GATEWAY_UNKNOWN, GATEWAY_DEVICES_TOO_MANY; ServerError DEVICE_UNKNOWN */
export function changeGateway(ports: ServerPorts, actor: Actor, id: number, change: GatewayChange): Promise<Gateway> {
  const { name, add = [], remove = [] } = change;
  return ports.database.write(async (trx) => {
    const row = await findGateway(trx, actor.tenantId, id);
    if (row === undefined) throw new RegistryError('GATEWAY_UNKNOWN', { id });
    await refuseStrangers(trx, actor.tenantId, add);
    if (name !== undefined) await renameGateway(trx, id, name);
    await addChildren(trx, id, add);
    await removeChildren(trx, id, remove);
    return await record(trx, ports, actor, 'change', { id, name: name ?? row.name });
  });
}

/** @throws RegistryError GATEWAY_UNKNOWN */
export async function revokeGateway(ports: ServerPorts, actor: Actor, id: number): Promise<void> {
  await ports.database.write(async (trx) => {
    const row = await findGateway(trx, actor.tenantId, id);
    if (row === undefined) throw new RegistryError('GATEWAY_UNKNOWN', { id });
    await record(trx, ports, actor, 'revoke', row);
    await deleteGateway(trx, id);
  });
}
