/** Handlers of what operators write of devices. */
import { ServerError } from '../../../acts/errors.ts';
import { changeDevice, tagDevices } from '../../../acts/registry/change.ts';
import { importDevices } from '../../../acts/registry/import.ts';
import { queryDeviceLog } from '../../../store/assignments.ts';
import { countDevices, deviceView, findDevice } from '../../../store/devices.ts';
import { readCursor } from '../cursor.ts';
import { type Handlers, PAGE, pageOf } from './handler.ts';

export const DEVICE_CHANGE_HANDLERS: Pick<
  Handlers,
  'changeDevice' | 'tagDevices' | 'countDevices' | 'importDevices' | 'listDeviceLog'
> = {
  changeDevice: async ({ actor, params, body }, ports) =>
    deviceView(await changeDevice(ports, actor, params.controllerId, body)),
  tagDevices: async ({ actor, body }, ports) => ({ devices: await tagDevices(ports, actor, body) }),
  countDevices: ({ actor, query }, { database, now }) =>
    countDevices(database.read, { tenantId: actor.tenantId, filter: query.filter ?? '', nowMs: now().getTime() }),
  importDevices: ({ actor, body }, ports) => importDevices(ports, actor, body),
  listDeviceLog: async ({ actor, params, query }, { database }) => {
    const device = await findDevice(database.read, actor.tenantId, params.controllerId);
    if (device === undefined) throw new ServerError('DEVICE_UNKNOWN', { controllerId: params.controllerId });
    const limit = query.limit ?? PAGE;
    const rows = await queryDeviceLog(database.read, device.id, {
      beforeId: readCursor(query.cursor),
      limit: limit + 1,
    });
    const { items, next } = pageOf(rows, limit, (row) => String(row.id));
    return { items: items.map(({ entry }) => entry), next };
  },
};
