/**
 * Names the device of a request, as `authentication.ts` does; who fails there and shows a certificate of an authority that the
 * operator registered is let in first. That looks further than a poll does, so it comes only when a poll has failed.
 */
import { admitByCertificate } from '../../acts/enrolment/certificate.ts';
import { findTenantId } from '../../store/mender.ts';
import { authenticateDevice } from './authentication.ts';
import type { Credentials } from './credentials.ts';
import { DeviceApiError } from './errors.ts';
import type { KnownDevice } from './known-device.ts';
import type { DevicePorts } from './ports.ts';

/**
 * The device that sends a request.
 * @throws DeviceApiError DEVICE_UNAUTHENTICATED, DEVICE_CERTIFICATE_UNSUITABLE, DEVICE_CERTIFICATE_EXPIRED,
 *   DEVICE_CERTIFICATE_BARRED, DEVICE_CERTIFICATE_NAME_REFUSED, DEVICE_CERTIFICATE_KEY_DIFFERS
 */
export async function admitOrAuthenticate(
  sender: { readonly tenant: string; readonly controllerId: string | undefined },
  credentials: Credentials,
  ports: DevicePorts,
): Promise<KnownDevice> {
  const { certificate } = credentials;
  try {
    return await authenticateDevice(sender, credentials, ports.directory);
  } catch (error) {
    if (!(error instanceof DeviceApiError) || certificate === undefined) throw error;
    const tenantId = await findTenantId(ports.database.read, sender.tenant);
    if (tenantId === undefined) throw error;
    const admission = await admitByCertificate(ports, tenantId, certificate.x509, { name: sender.controllerId });
    if (admission.kind === 'stranger') throw error;
    if (admission.kind === 'refused') throw new DeviceApiError(admission.code, { reason: admission.reason }, error);
    return await authenticateDevice(sender, credentials, ports.directory);
  }
}
