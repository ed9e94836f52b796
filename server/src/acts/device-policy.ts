/**
 * What a device's user does not want without being asked, and the time zone it stands in: set by the device itself or by
 * operators, stated in the ledger, and in force at once for what is offered and not begun.
 */
import { type NewDevicePolicy, OPT_OUTS, type OptOut } from '@pawl/contract/management';
import { reachOf } from '../domain/consent.ts';
import { isTimeZone } from '../domain/time-zone.ts';
import { findActive, updateAssignment } from '../store/assignments.ts';
import type { Trx } from '../store/database.ts';
import { findDevice, updateDevice } from '../store/devices.ts';
import { appendStatement } from '../store/ledger.ts';
import { findRelease } from '../store/releases.ts';
import { getRolloutById } from '../store/rollouts.ts';
import type { DeviceTable } from '../store/schema/index.ts';
import { settleRollouts } from './engine.ts';
import { ServerError } from './errors.ts';
import { emitEvent } from './event.ts';
import type { ServerPorts } from './ports.ts';
import { refuseUnknownZone } from './tenant-policy.ts';
import { applyEvent, rolloutsOf } from './transition.ts';

/** What is offered and not begun goes by the new wish: withdrawn, asked for, or no longer asked for. */
async function reconsider(
  trx: Trx,
  ports: ServerPorts,
  device: DeviceTable,
  optOut: OptOut,
): Promise<readonly number[]> {
  const active = await findActive(trx, device.id);
  if (active === undefined || (active.state !== 'offered' && active.state !== 'awaiting-consent')) return [];
  const release = await findRelease(trx, device.tenant_id, active.release_id);
  if (release === undefined) throw new TypeError('an assignment has a release');
  const reach = reachOf(optOut, release.urgency);
  const nowMs = ports.now().getTime();
  if (reach === 'withhold') {
    return rolloutsOf(await applyEvent(trx, ports.keys.ledger, active.id, 'supersede', { nowMs, code: 'OPTED_OUT' }));
  }
  if (reach === 'ask') {
    const code = { nowMs, code: 'OPTED_OUT' };
    return rolloutsOf(await applyEvent(trx, ports.keys.ledger, active.id, 'report-awaiting-consent', code));
  }
  const needsConsent = active.rollout_id !== null && (await getRolloutById(trx, active.rollout_id)).needs_consent === 1;
  if (needsConsent || active.state === 'offered') return [];
  await updateAssignment(trx, active.id, { ask_after_ms: null });
  return rolloutsOf(await applyEvent(trx, ports.keys.ledger, active.id, 'consent-given', { nowMs, code: 'OPTED_IN' }));
}

async function record(
  trx: Trx,
  ports: ServerPorts,
  device: DeviceTable,
  change: { readonly policy: NewDevicePolicy; readonly by: string },
): Promise<void> {
  const { optOut, timeZone } = change.policy;
  await appendStatement(trx, ports.keys.ledger, {
    tenantId: device.tenant_id,
    predicateType: 'urn:pawl:device-policy:1',
    subject: { name: `device/${device.controller_id}`, digest: { sha256: device.key_id ?? '0'.repeat(64) } },
    predicate: {
      controllerId: device.controller_id,
      ...(optOut === undefined ? {} : { optOut }),
      ...(timeZone === undefined ? {} : { timeZone }),
      by: change.by,
      at: ports.now().toISOString(),
    },
  });
  const { controller_id: controllerId, line, tenant_id: tenantId } = device;
  const told = { controllerId, line, optOut: optOut ?? null, timeZone: timeZone ?? null, by: change.by };
  await emitEvent(trx, { tenantId, nowMs: ports.now().getTime() }, 'pawl.device.policy-changed', told);
}

const ZONE_ATTRIBUTE = 'timeZone';
const OPT_OUT_ATTRIBUTE = 'optOut';

/** What the device says of itself among its attributes. A word that is not known says nothing. Returns rollouts that may go on. */
export async function noteOwnPolicy(
  trx: Trx,
  ports: ServerPorts,
  device: DeviceTable,
  told: Readonly<Record<string, string | null>>,
): Promise<readonly number[]> {
  const zone = told[ZONE_ATTRIBUTE];
  if (typeof zone === 'string' && zone !== device.own_time_zone && isTimeZone(zone)) {
    await updateDevice(trx, device.id, { own_time_zone: zone });
  }
  const optOut = OPT_OUTS.find((known) => known === told[OPT_OUT_ATTRIBUTE]);
  if (optOut === undefined || optOut === device.opt_out) return [];
  await updateDevice(trx, device.id, { opt_out: optOut });
  await record(trx, ports, device, { policy: { optOut }, by: 'device' });
  return await reconsider(trx, ports, device, optOut);
}

/**
 * Sets it for the device, as its owner asked the operator to.
 * @throws ServerError DEVICE_UNKNOWN, TIME_ZONE_UNKNOWN
 */
export async function setDevicePolicy(
  ports: ServerPorts,
  actor: { readonly tenantId: number; readonly id: string },
  controllerId: string,
  policy: NewDevicePolicy,
): Promise<void> {
  const { timeZone, optOut } = policy;
  refuseUnknownZone(timeZone ?? undefined);
  const touched = await ports.database.write(async (trx) => {
    const device = await findDevice(trx, actor.tenantId, controllerId);
    if (device === undefined) throw new ServerError('DEVICE_UNKNOWN', { controllerId });
    const zone = timeZone === undefined ? {} : { time_zone: timeZone };
    await updateDevice(trx, device.id, { opt_out: optOut ?? device.opt_out, ...zone });
    await record(trx, ports, device, { policy, by: actor.id });
    return optOut === undefined || optOut === device.opt_out ? [] : await reconsider(trx, ports, device, optOut);
  });
  await settleRollouts(ports, touched);
}
