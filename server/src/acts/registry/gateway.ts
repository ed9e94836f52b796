/**
 * Gateways: a token or a key that may act for devices which it names, and for no others. A device that has come to its end cannot be
 * named, and a name that was given before lets nothing in any more. Secrets are shown once.
 */
import type { Gateway, GatewayChange, GatewayRotation } from '@pawl/contract/management';
import { isCodedError } from '@pawl/core/bytes';
import { keyIdOf } from '@pawl/core/cose';
import { PublicKey } from '@pawl/core/crypto';
import { assertNotTestKey } from '@pawl/core/keys';
import type { Actor } from '../../domain/actor.ts';
import type { Trx } from '../../store/database.ts';
import { findDevice } from '../../store/devices.ts';
import {
  addChildren,
  childrenOf,
  deleteGateway,
  findGateway,
  type GatewayRow,
  hasGatewayKey,
  insertGateway,
  removeChildren,
  renameGateway,
  rotateCredential,
} from '../../store/gateways.ts';
import { isKeyKnown } from '../enrolment/enter.ts';
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
  { id, name, key_id: keyId }: GatewayRow,
): Promise<Gateway> {
  const view = { id, name, keyId, controllerIds: await childrenOf(trx, id) };
  if (view.controllerIds.length > CHILDREN_MAX) throw new RegistryError('GATEWAY_DEVICES_TOO_MANY');
  const parts = { predicateType: 'urn:pawl:gateway:1', subject: `gateway/${id}`, record: view } as const;
  await recordAct(trx, ports, { tenantId: actor.tenantId, ...parts, act, by: actor.id });
  return view;
}

type Credential = { readonly token: string | null; readonly tokenSha256: Uint8Array; readonly keyId: string | null };

/** A token, or a key; with a key there is a token that nobody has. @throws RegistryError GATEWAY_KEY_UNSUITABLE */
function credentialOf(ports: ServerPorts, publicKeyPem: string | undefined): Credential {
  const token = ports.newSecret();
  const tokenSha256 = secretSha256(token);
  if (publicKeyPem === undefined) return { token, tokenSha256, keyId: null };
  try {
    const key = PublicKey.fromSpki(publicKeyPem);
    assertNotTestKey(key);
    return { token: null, tokenSha256, keyId: keyIdOf(key) };
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw new RegistryError('GATEWAY_KEY_UNSUITABLE', { reason: cause.code }, cause);
  }
}

/** A key is that of one gateway, and of no device: who shows it must be one. @throws RegistryError GATEWAY_KEY_UNSUITABLE */
async function refuseKnownKey(trx: Trx, tenantId: number, keyId: string | null): Promise<void> {
  if (keyId === null) return;
  if ((await hasGatewayKey(trx, tenantId, keyId)) || (await isKeyKnown(trx, tenantId, keyId))) {
    throw new RegistryError('GATEWAY_KEY_UNSUITABLE', { reason: 'known already' });
  }
}

/** @throws ServerError DEVICE_UNKNOWN; RegistryError GATEWAY_DEVICES_TOO_MANY, GATEWAY_KEY_UNSUITABLE */
export async function createGateway(
  ports: ServerPorts,
  actor: Actor,
  input: {
    readonly name: string;
    readonly controllerIds: readonly string[];
    readonly publicKeyPem?: string | undefined;
  },
): Promise<{ id: number; token: string | null }> {
  const { token, tokenSha256, keyId } = credentialOf(ports, input.publicKeyPem);
  const { tenantId } = actor;
  const { id } = await ports.database.write(async (trx) => {
    await refuseStrangers(trx, tenantId, input.controllerIds);
    await refuseKnownKey(trx, tenantId, keyId);
    const row = await insertGateway(trx, { tenantId, name: input.name, tokenSha256, keyId });
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
    return await record(trx, ports, actor, 'change', { ...row, name: name ?? row.name });
  });
}

/** @throws RegistryError GATEWAY_UNKNOWN, GATEWAY_KEY_UNSUITABLE */
export async function rotateGateway(
  ports: ServerPorts,
  actor: Actor,
  id: number,
  { publicKeyPem, overlapS = 0 }: GatewayRotation,
): Promise<{ id: number; token: string | null }> {
  const { token, tokenSha256, keyId } = credentialOf(ports, publicKeyPem);
  const untilMs = ports.now().getTime() + overlapS * 1000;
  await ports.database.write(async (trx) => {
    const row = await findGateway(trx, actor.tenantId, id);
    if (row === undefined) throw new RegistryError('GATEWAY_UNKNOWN', { id });
    await refuseKnownKey(trx, actor.tenantId, keyId);
    await rotateCredential(trx, id, { tokenSha256, keyId, untilMs });
    await record(trx, ports, actor, 'rotate', { ...row, key_id: keyId });
  });
  return { id, token };
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
