/** How devices come in and go: claims, tokens of foreign clients, decommissioning. Secrets are shown once. */
import type { NewClaim, NewDevice } from '@pawl/contract/management';
import type { Actor } from '../domain/actor.ts';
import { insertClaim } from '../store/access.ts';
import { findActive } from '../store/assignments.ts';
import { findDevice, insertDevice, updateDevice } from '../store/devices.ts';
import { settleRollouts } from './engine.ts';
import { ServerError } from './errors.ts';
import { emitEvent } from './event.ts';
import type { ServerPorts } from './ports.ts';
import { recordAct } from './registry/record.ts';
import { secretSha256 } from './secret.ts';
import { applyEvent, rolloutsOf } from './transition.ts';

const CLAIM_VALID_S = 86_400;

/** @throws ServerError DEVICE_EXISTS; none is added then */
export async function addDevices(
  ports: ServerPorts,
  { tenantId, id: by }: Actor,
  devices: readonly NewDevice[],
): Promise<{ controllerId: string; token: string }[]> {
  const made = devices.map((device) => ({ device, token: ports.newSecret() }));
  const nowMs = ports.now().getTime();
  await ports.database.write(async (trx) => {
    for (const { device, token } of made) {
      const { controllerId, model, line, tags = [] } = device;
      const tokenSha256 = secretSha256(token);
      const row = { tenantId, controllerId, model, line, tags, kind: 'foreign' as const, tokenSha256, nowMs };
      const id = await insertDevice(trx, row);
      if (id === undefined) throw new ServerError('DEVICE_EXISTS', { controllerId });
      const told = { controllerId, model, line: line ?? null, kind: row.kind };
      await emitEvent(trx, { tenantId, nowMs }, 'pawl.device.enrolled', told);
    }
    // One statement for all that came at once, as for what is offered.
    const added = devices.map(({ controllerId, model, line }) => ({
      controllerId,
      model,
      ...(line === undefined ? {} : { line }),
    }));
    const [only] = added;
    const isOne = added.length === 1 && only !== undefined;
    await recordAct(trx, ports, {
      tenantId,
      predicateType: 'urn:pawl:device:1',
      subject: isOne ? `device/${only.controllerId}` : 'devices',
      record: isOne ? only : { devices: added },
      act: 'add',
      by,
    });
  });
  return made.map(({ device, token }) => ({ controllerId: device.controllerId, token }));
}

type MadeClaim = { readonly controllerId: string; readonly claim: string; readonly expiresAt: string };

/** All or none. @throws ServerError DEVICE_EXISTS */
export async function createClaims(
  ports: ServerPorts,
  { tenantId }: Actor,
  inputs: readonly NewClaim[],
): Promise<MadeClaim[]> {
  const nowMs = ports.now().getTime();
  const made = inputs.map((input) => {
    const expiresMs = nowMs + (input.validForS ?? CLAIM_VALID_S) * 1000;
    return { input, claim: ports.newSecret(), expiresMs };
  });
  await ports.database.write(async (trx) => {
    for (const { input, claim, expiresMs } of made) {
      const { controllerId, model, line, tags = [] } = input;
      if ((await findDevice(trx, tenantId, controllerId)) !== undefined) {
        throw new ServerError('DEVICE_EXISTS', { controllerId });
      }
      await insertClaim(trx, {
        sha256: secretSha256(claim),
        tenant_id: tenantId,
        kind: 'device',
        controller_id: controllerId,
        model,
        line,
        tags: JSON.stringify(tags),
        expires_ms: expiresMs,
      });
    }
  });
  return made.map(({ input, claim, expiresMs }) => ({
    controllerId: input.controllerId,
    claim,
    expiresAt: new Date(expiresMs).toISOString(),
  }));
}

/** @throws ServerError DEVICE_EXISTS */
export async function createClaim(
  ports: ServerPorts,
  actor: Actor,
  input: NewClaim,
): Promise<Omit<MadeClaim, 'controllerId'>> {
  const [made] = await createClaims(ports, actor, [input]);
  if (made === undefined) throw new TypeError('one claim for one device');
  return { claim: made.claim, expiresAt: made.expiresAt };
}

/** @throws ServerError DEVICE_UNKNOWN */
export async function decommissionDevice(
  ports: ServerPorts,
  { tenantId, id: by }: Actor,
  controllerId: string,
): Promise<void> {
  const nowMs = ports.now().getTime();
  const rolloutIds = await ports.database.write(async (trx) => {
    const device = await findDevice(trx, tenantId, controllerId);
    if (device === undefined) throw new ServerError('DEVICE_UNKNOWN', { controllerId });
    await updateDevice(trx, device.id, { decommissioned_ms: nowMs, token_sha256: null });
    if (device.decommissioned_ms === null) {
      await recordAct(trx, ports, {
        tenantId,
        predicateType: 'urn:pawl:device:1',
        subject: `device/${controllerId}`,
        record: { controllerId },
        act: 'decommission',
        by,
      });
    }
    const told = { controllerId, line: device.line };
    await emitEvent(trx, { tenantId, nowMs }, 'pawl.device.decommissioned', told);
    const active = await findActive(trx, device.id);
    if (active === undefined) return [];
    const facts = { nowMs, code: 'DECOMMISSIONED' };
    return rolloutsOf(await applyEvent(trx, ports.keys.ledger, active.id, 'supersede', facts));
  });
  await settleRollouts(ports, rolloutIds);
}
