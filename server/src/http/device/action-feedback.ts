/**
 * Takes a device's word about an assignment: decides on the state as it is inside the transaction, moves it with its
 * ledger entry, keeps the messages. All of it is on the disk before the device hears 200.
 */
import type { DdiFeedback } from '@pawl/contract/device';
import { settleRollouts } from '../../acts/engine.ts';
import { applyEvent, rolloutsOf } from '../../acts/transition.ts';
import { countLog, findAssignment, insertLog } from '../../store/assignments.ts';
import type { Trx } from '../../store/database.ts';
import type { AssignmentTable } from '../../store/schema/index.ts';
import type { FeedbackDecision } from './decide-feedback.ts';
import { DeviceApiError } from './errors.ts';
import { type DdiStatus, isFinalStatus, splitMessages } from './feedback.ts';
import type { KnownDevice } from './known-device.ts';
import type { DevicePorts } from './ports.ts';

/** hawkBit's quota of status entries of an action; a final one is always taken. */
const LOG_ENTRIES_MAX = 1000;
const RETRIEVED = 'RETRIEVED';

/** An assignment of this device, as it is in the transaction. @throws DeviceApiError DEVICE_NOT_FOUND */
export async function findOwn(trx: Trx, device: KnownDevice, actionId: number): Promise<AssignmentTable> {
  const row = await findAssignment(trx, actionId);
  if (row?.device_id !== device.id) throw new DeviceApiError('DEVICE_NOT_FOUND', { at: 'actionId', actual: actionId });
  return row;
}

/**
 * Whether the quota of an action is used up. Asked before the transaction: a transaction that counts what others add to at the
 * same time is refused by PostgreSQL, and one entry more than the quota harms nobody.
 */
export async function isQuotaUsed({ database }: Pick<DevicePorts, 'database'>, actionId: number): Promise<boolean> {
  return (await countLog(database.read, actionId)) >= LOG_ENTRIES_MAX;
}

/** @throws DeviceApiError DEVICE_STATUS_QUOTA_EXCEEDED */
export function refuseFull(isFull: boolean): void {
  if (isFull) throw new DeviceApiError('DEVICE_STATUS_QUOTA_EXCEEDED', { expected: LOG_ENTRIES_MAX });
}

export type Feedback = {
  readonly actionId: number;
  readonly status: DdiStatus;
  readonly body: DdiFeedback;
  readonly decide: (row: AssignmentTable, status: DdiStatus) => FeedbackDecision;
};

/**
 * @throws DeviceApiError what `decide` refuses with; DEVICE_NOT_FOUND, DEVICE_STATUS_QUOTA_EXCEEDED
 */
export async function takeFeedback(device: KnownDevice, feedback: Feedback, ports: DevicePorts): Promise<void> {
  const { actionId, status, body } = feedback;
  const atMs = ports.now().getTime();
  const isFull = !isFinalStatus(status) && (await isQuotaUsed(ports, actionId));
  const rolloutIds = await ports.database.write(async (trx) => {
    const row = await findOwn(trx, device, actionId);
    const decision = feedback.decide(row, status);
    if (decision.kind === 'refuse') throw new DeviceApiError(decision.code, { actionId, actual: row.state });
    if (decision.kind === 'repeat') return [];
    let touched: readonly number[] = [];
    if (decision.kind === 'event') {
      // An event that the table does not know in this state (progress after the trial began) is a message only.
      const code = body.status.code;
      const reason = code === undefined || code === null ? {} : { code: `DDI_${code}` };
      const facts = { nowMs: atMs, by: device.spokenForBy, ...reason };
      touched = rolloutsOf(await applyEvent(trx, ports.keys.ledger, actionId, decision.event, facts));
    }
    const messages = splitMessages(body.status.details);
    refuseFull(isFull);
    await insertLog(trx, actionId, { status, messages, atMs });
    return touched;
  });
  await settleRollouts(ports, rolloutIds);
}

/** Notes that the device looked at its deployment; once, because clients look at every poll. */
export async function noteRetrieved(actionId: number, ports: DevicePorts): Promise<void> {
  if ((await countLog(ports.database.read, actionId)) > 0) return;
  await ports.database.write(async (trx) => {
    await insertLog(trx, actionId, { atMs: ports.now().getTime(), status: RETRIEVED, messages: [] });
  });
}

/** A whole download began. Downloads by Range are not noted: one client makes thousands of them. */
export async function noteDownload(device: KnownDevice, releaseId: number, ports: DevicePorts): Promise<void> {
  const { current } = device;
  if (current?.state !== 'offered' || device.publicKeyPem !== undefined) return;
  await ports.database.write(async (trx) => {
    const row = await findOwn(trx, device, current.id);
    if (row.release_id !== releaseId) return;
    const nowMs = ports.now().getTime();
    await applyEvent(trx, ports.keys.ledger, row.id, 'ddi-download', { nowMs, by: device.spokenForBy });
    await insertLog(trx, row.id, { atMs: nowMs, status: 'DOWNLOAD', messages: [] });
  });
}
