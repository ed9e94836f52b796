/** The deployment and cancellation of an action, and what the device says about them. */

import type { DdiDeploymentBase } from '@pawl/contract/device';
import type { AssignmentTable } from '../../store/schema/index.ts';
import { noteRetrieved, takeFeedback } from './action-feedback.ts';
import { adviceFor, loadAction, loadHistory, loadRelease } from './action-reads.ts';
import { EMPTY } from './answer.ts';
import {
  decideCancelFeedback,
  decideDeploymentFeedback,
  hasDeploymentBase,
  isSucceeded,
  offerKindOf,
} from './decide-feedback.ts';
import { deploymentDocument } from './documents.ts';
import { DeviceApiError } from './errors.ts';
import { cancelStatusOf, deploymentStatusOf } from './feedback.ts';
import type { KnownDevice } from './known-device.ts';
import { isWithheld, windowOf } from './offer.ts';
import { parseHistory, parseId } from './parameters.ts';
import type { DevicePorts } from './ports.ts';
import type { DeviceRequest, Handler } from './request.ts';

type Request = DeviceRequest<unknown, KnownDevice>;

function notFound(row: AssignmentTable): DeviceApiError {
  return new DeviceApiError('DEVICE_NOT_FOUND', { at: 'actionId', actual: row.id, state: row.state });
}

async function deploymentOf(
  row: AssignmentTable,
  request: Request,
  ports: DevicePorts,
  window: { readonly isWindowOpen?: boolean } = {},
): Promise<DdiDeploymentBase> {
  const db = ports.database.read;
  const release = await loadRelease(db, row.tenant_id, row.release_id);
  const history = await loadHistory(db, row.id, parseHistory(request.query['actionHistory']));
  const action = { id: row.id, isForced: row.is_forced === 1, release: adviceFor(request.device, release), history };
  return deploymentDocument({ ...action, ...window }, request.links);
}

export const getDeploymentBase: Handler<'getDeploymentBase'> = async (request, ports) => {
  const { device, params } = request;
  const row = await loadAction(ports.database.read, device, parseId('actionId', params['actionId']));
  const nowMs = ports.now().getTime();
  const isCurrent = device.current?.id === row.id;
  if (!hasDeploymentBase(row.state) || (isCurrent && isWithheld(device, nowMs))) throw notFound(row);
  const window = isCurrent ? windowOf(device, nowMs) : undefined;
  const handling = window === undefined ? {} : { isWindowOpen: window.isOpen };
  const document = await deploymentOf(row, request, ports, handling);
  await noteRetrieved(row.id, ports);
  return { kind: 'document', document };
};

export const getInstalledBase: Handler<'getInstalledBase'> = async (request, ports) => {
  const { device, params } = request;
  const row = await loadAction(ports.database.read, device, parseId('actionId', params['actionId']));
  if (!isSucceeded(row.state)) throw notFound(row);
  return { kind: 'document', document: await deploymentOf(row, request, ports) };
};

export const postDeploymentFeedback: Handler<'postDeploymentFeedback'> = async ({ device, params, body }, ports) => {
  const isProven = device.publicKeyPem !== undefined;
  await takeFeedback(
    device,
    {
      actionId: parseId('actionId', params['actionId']),
      status: deploymentStatusOf(body),
      body,
      decide: (row, status) => decideDeploymentFeedback(row.state, status, isProven),
    },
    ports,
  );
  return EMPTY;
};

export const getCancelAction: Handler<'getCancelAction'> = async ({ device, params }, ports) => {
  const row = await loadAction(ports.database.read, device, parseId('actionId', params['actionId']));
  if (offerKindOf(row.state) !== 'cancelAction') throw notFound(row);
  const id = String(row.id);
  return { kind: 'document', document: { id, cancelAction: { stopId: id } } };
};

export const postCancelFeedback: Handler<'postCancelFeedback'> = async ({ device, params, body }, ports) => {
  await takeFeedback(
    device,
    {
      actionId: parseId('actionId', params['actionId']),
      status: cancelStatusOf(body),
      body,
      decide: (row, status) => decideCancelFeedback(row.state, status),
    },
    ports,
  );
  return EMPTY;
};
