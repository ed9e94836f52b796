import { updateDevice } from '../../store/devices.ts';
import { EMPTY } from './answer.ts';
import { DeviceApiError } from './errors.ts';
import type { Handler } from './request.ts';

/**
 * A device says what was installed on it without the server (DDI, experimental). Taken from clients that can only say;
 * a device with a key proves what it runs by its signed reports, and nothing else counts.
 */
export const putInstalledBase: Handler<'putInstalledBase'> = async ({ device, body }, ports) => {
  if (device.publicKeyPem !== undefined) throw new DeviceApiError('DEVICE_PROOF_REQUIRED');
  await ports.database.write(async (trx) => {
    const release = await trx
      .selectFrom('release')
      .select('version')
      .where('tenant_id', '=', device.tenantId)
      .where('line', '=', body.name)
      .where('version', '=', body.version)
      .where('state', '=', 'published')
      .executeTakeFirst();
    if (release === undefined) throw new DeviceApiError('DEVICE_NOT_FOUND', { at: 'name and version' });
    await updateDevice(trx, device.id, { installed_version: release.version });
  });
  return EMPTY;
};
