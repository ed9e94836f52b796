/** Handlers of devices, claims and gateways. */
import { addDevices, createClaim, createClaims, decommissionDevice } from '../../../acts/device.ts';
import { ServerError } from '../../../acts/errors.ts';
import { deviceView, queryDevices, readDeviceRow } from '../../../store/devices.ts';
import { DONE, type Handlers, PAGE, pageOf } from './handler.ts';

export const DEVICE_HANDLERS: Pick<
  Handlers,
  'listDevices' | 'getDevice' | 'addDevices' | 'decommissionDevice' | 'createClaim' | 'createClaims'
> = {
  listDevices: async ({ actor, query }, { database, now }) => {
    const limit = query.limit ?? PAGE;
    const rows = await queryDevices(database.read, {
      tenantId: actor.tenantId,
      filter: query.filter ?? '',
      nowMs: now().getTime(),
      afterController: query.cursor,
      limit: limit + 1,
    });
    return pageOf(rows.map(deviceView), limit, (device) => device.controllerId);
  },
  getDevice: async ({ actor, params }, { database }) => {
    const row = await readDeviceRow(database.read, actor.tenantId, params.controllerId);
    if (row === undefined) throw new ServerError('DEVICE_UNKNOWN', { controllerId: params.controllerId });
    return deviceView(row);
  },
  addDevices: async ({ actor, body }, ports) => ({ devices: await addDevices(ports, actor, body.devices) }),
  decommissionDevice: async ({ actor, params }, ports) => {
    await decommissionDevice(ports, actor, params.controllerId);
    return DONE;
  },
  createClaims: async ({ actor, body }, ports) => ({ claims: await createClaims(ports, actor, body.claims) }),
  createClaim: ({ actor, body }, ports) => createClaim(ports, actor, body),
};
