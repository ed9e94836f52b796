/** Handlers of the policy of a tenant and of a device. */
import type { DevicePolicy } from '@pawl/contract/management';
import { setDevicePolicy } from '../../../acts/device-policy.ts';
import { ServerError } from '../../../acts/errors.ts';
import { setTenantPolicy, tenantPolicy } from '../../../acts/tenant-policy.ts';
import type { Db } from '../../../store/database.ts';
import { findDevice } from '../../../store/devices.ts';
import type { Handlers } from './handler.ts';

async function devicePolicy(db: Db, tenantId: number, controllerId: string): Promise<DevicePolicy> {
  const row = await findDevice(db, tenantId, controllerId);
  if (row === undefined) throw new ServerError('DEVICE_UNKNOWN', { controllerId });
  return { controllerId, timeZone: row.time_zone, ownTimeZone: row.own_time_zone, optOut: row.opt_out };
}

export const POLICY_HANDLERS: Pick<Handlers, 'getPolicy' | 'setPolicy' | 'getDevicePolicy' | 'setDevicePolicy'> = {
  getPolicy: ({ actor }, { database }) => tenantPolicy(database.read, actor.tenantId),
  setPolicy: ({ actor, body }, ports) => setTenantPolicy(ports, actor, body),
  getDevicePolicy: ({ actor, params }, { database }) =>
    devicePolicy(database.read, actor.tenantId, params.controllerId),
  setDevicePolicy: async ({ actor, params, body }, ports) => {
    await setDevicePolicy(ports, actor, params.controllerId, body);
    return await devicePolicy(ports.database.read, actor.tenantId, params.controllerId);
  },
};
