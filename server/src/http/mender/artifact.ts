/** The bytes of an artifact under the ticket in its address, whole or by Range, as long as the deployment lives. */
import { isEqualBytes } from '@pawl/core/bytes';
import { secretSha256 } from '../../acts/secret.ts';
import { findAssignment } from '../../store/assignments.ts';
import { findMenderSession } from '../../store/mender.ts';
import { loadAction, loadRelease } from '../device/action-reads.ts';
import { downloadOf } from '../device/artifacts.ts';
import { offerKindOf } from '../device/decide-feedback.ts';
import type { KnownDevice } from '../device/known-device.ts';
import { parseFileName, parseId } from '../device/parameters.ts';
import type { DevicePorts } from '../device/ports.ts';
import { MenderApiError } from './errors.ts';
import type { MenderHandler } from './request.ts';

const TICKET = /^[A-Za-z0-9_-]{43}$/;

/** @throws MenderApiError MENDER_UNAUTHORIZED, with nothing said about what does not hold */
async function deviceOf(id: number, ticket: string, ports: DevicePorts): Promise<KnownDevice> {
  const db = ports.database.read;
  const deviceId = TICKET.test(ticket) ? (await findAssignment(db, id))?.device_id : undefined;
  const session = deviceId === undefined ? undefined : await findMenderSession(db, { deviceId }, ports.now().getTime());
  const isOfThis =
    session?.ticketAssignmentId === id &&
    session.ticketSha256 !== null &&
    isEqualBytes(session.ticketSha256, secretSha256(ticket));
  const device = isOfThis ? await ports.directory.findDevice(session.tenant, session.controllerId) : undefined;
  if (device?.isActive !== true) throw new MenderApiError('MENDER_UNAUTHORIZED');
  return device;
}

export const getArtifact: MenderHandler<'getArtifact'> = async ({ params, headers }, ports) => {
  const db = ports.database.read;
  const id = parseId('deploymentId', params['deploymentId']);
  const device = await deviceOf(id, params['ticket'] ?? '', ports);
  const row = await loadAction(db, device, id);
  // Called off while it downloads: the client hears it by its next status, and need not be cut off in the middle.
  const kind = offerKindOf(row.state);
  if (kind !== 'deploymentBase' && kind !== 'cancelAction')
    throw new MenderApiError('MENDER_DEPLOYMENT_UNKNOWN', { id });
  const fileName = parseFileName(params['fileName']);
  const release = await loadRelease(db, device.tenantId, row.release_id);
  const artifact = release.artifacts.find((one) => one.fileName === fileName);
  if (artifact === undefined) throw new MenderApiError('MENDER_DEPLOYMENT_UNKNOWN', { id, fileName });
  return downloadOf(artifact, headers, ports.blobs);
};
