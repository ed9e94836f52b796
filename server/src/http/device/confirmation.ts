/** Consent of the device's user (DDI confirmationBase): asked per action, or given in advance (auto-confirm). */
import type { DdiConfirmationFeedback } from '@pawl/contract/device';
import type { AssignmentState } from '@pawl/contract/management';
import { z } from 'zod';
import { takeAnswer } from '../../acts/consent.ts';
import { type ConsentAnswer, postponedUntil } from '../../domain/consent.ts';
import { insertLog } from '../../store/assignments.ts';
import type { Trx } from '../../store/database.ts';
import { getDeviceById, updateDevice } from '../../store/devices.ts';
import type { AssignmentTable } from '../../store/schema/index.ts';
import { findOwn } from './action-feedback.ts';
import { adviceFor, loadAction, loadHistory, loadRelease } from './action-reads.ts';
import { EMPTY } from './answer.ts';
import { type FeedbackDecision, hasDeploymentBase, isActiveState, offerKindOf } from './decide-feedback.ts';
import { type AutoConfirm, confirmationBaseDocument, confirmationDocument } from './documents.ts';
import { DeviceApiError } from './errors.ts';
import { splitMessages } from './feedback.ts';
import { offerOf } from './offer.ts';
import { parseHistory, parseId } from './parameters.ts';
import type { DevicePorts } from './ports.ts';
import type { Handler } from './request.ts';

const storedAutoConfirm = z.object({
  initiator: z.string().optional(),
  remark: z.string().optional(),
  activatedAt: z.number(),
});

function autoConfirmOf(stored: string | undefined): AutoConfirm | undefined {
  if (stored === undefined) return undefined;
  const { initiator, remark, activatedAt } = storedAutoConfirm.parse(JSON.parse(stored));
  return { initiator, remark, activatedAt: new Date(activatedAt) };
}

export const getConfirmationBase: Handler<'getConfirmationBase'> = async ({ device, links }, ports) => {
  const document = confirmationBaseDocument(
    autoConfirmOf(device.autoConfirm),
    offerOf(device, ports.now().getTime()),
    links,
  );
  return { kind: 'document', document };
};

export const getConfirmationAction: Handler<'getConfirmationAction'> = async (
  { device, params, query, links },
  ports,
) => {
  const db = ports.database.read;
  const row = await loadAction(db, device, parseId('actionId', params['actionId']));
  if (offerKindOf(row.state) !== 'confirmationBase') {
    throw new DeviceApiError('DEVICE_NOT_FOUND', { at: 'actionId', actual: row.id, state: row.state });
  }
  const release = adviceFor(device, await loadRelease(db, row.tenant_id, row.release_id));
  const history = await loadHistory(db, row.id, parseHistory(query['actionHistory']));
  const document = confirmationDocument({ id: row.id, isForced: row.is_forced === 1, release, history }, links);
  return { kind: 'document', document };
};

/** Consent that was given stays given; what has ended is gone. */
function decideConfirmation(
  state: AssignmentState,
  confirmation: DdiConfirmationFeedback['confirmation'],
): FeedbackDecision {
  if (offerKindOf(state) === 'confirmationBase') {
    return { kind: 'event', event: confirmation === 'confirmed' ? 'consent-given' : 'consent-denied' };
  }
  if (!isActiveState(state)) return { kind: 'refuse', code: 'DEVICE_ACTION_GONE' };
  const isRepeat = confirmation === 'confirmed' && hasDeploymentBase(state);
  return isRepeat ? { kind: 'repeat' } : { kind: 'refuse', code: 'DEVICE_NOT_FOUND' };
}

async function takeConsent(
  trx: Trx,
  action: AssignmentTable,
  answer: ConsentAnswer,
  messages: readonly string[],
  ports: DevicePorts,
): Promise<void> {
  const taken = await takeAnswer(trx, ports, action, answer);
  if (taken.kind === 'refused') throw new DeviceApiError('DEVICE_POSTPONEMENT_REFUSED', { reason: taken.reason });
  const status = answer.kind === 'given' ? 'RUNNING' : 'WAIT_FOR_CONFIRMATION';
  await insertLog(trx, action.id, { atMs: ports.now().getTime(), status, messages });
}

/** A no that says until when is a postponement. */
function answerOf({ confirmation, details }: DdiConfirmationFeedback): ConsentAnswer {
  if (confirmation === 'confirmed') return { kind: 'given' };
  const untilMs = postponedUntil(details ?? []);
  return untilMs === undefined ? { kind: 'denied' } : { kind: 'postponed', untilMs };
}

export const postConfirmationFeedback: Handler<'postConfirmationFeedback'> = async (
  { device, params, body },
  ports,
) => {
  const actionId = parseId('actionId', params['actionId']);
  await ports.database.write(async (trx) => {
    const row = await findOwn(trx, device, actionId);
    const decision = decideConfirmation(row.state, body.confirmation);
    if (decision.kind === 'refuse') throw new DeviceApiError(decision.code, { actionId, actual: row.state });
    if (decision.kind !== 'event') return;
    await takeConsent(trx, row, answerOf(body), splitMessages(body.details), ports);
  });
  return EMPTY;
};

/** Consent in advance is consent to what waits now as well. */
export const activateAutoConfirm: Handler<'activateAutoConfirm'> = async ({ device, body }, ports) => {
  await ports.database.write(async (trx) => {
    const row = await getDeviceById(trx, device.id);
    if (row.auto_confirm !== null) throw new DeviceApiError('DEVICE_AUTO_CONFIRM_ACTIVE');
    const stored: z.infer<typeof storedAutoConfirm> = {
      ...(typeof body.initiator === 'string' ? { initiator: body.initiator } : {}),
      ...(typeof body.remark === 'string' ? { remark: body.remark } : {}),
      activatedAt: ports.now().getTime(),
    };
    await updateDevice(trx, device.id, { auto_confirm: JSON.stringify(stored) });
    const { current } = device;
    if (current === undefined) return;
    const action = await findOwn(trx, device, current.id);
    if (offerKindOf(action.state) === 'confirmationBase') {
      await takeConsent(trx, action, { kind: 'given' }, ['consent given in advance'], ports);
    }
  });
  return EMPTY;
};

export const deactivateAutoConfirm: Handler<'deactivateAutoConfirm'> = async ({ device }, ports) => {
  await ports.database.write((trx) => updateDevice(trx, device.id, { auto_confirm: null }));
  return EMPTY;
};
