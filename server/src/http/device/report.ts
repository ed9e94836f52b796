/**
 * Takes a signed report: the ledger keeps the very bytes that the device signed, and the assignment moves, in one
 * transaction. The counter of a device's reports only rises; a final report that comes again byte for byte is answered
 * 200 again, because the device may have lost the answer.
 */
import { createHash } from 'node:crypto';
import { isEqualBytes } from '@pawl/core/bytes';
import { takeAnswer } from '../../acts/consent.ts';
import { settleRollouts } from '../../acts/engine.ts';
import { applyEvent, rolloutsOf, type Transition } from '../../acts/transition.ts';
import type { AssignmentEvent } from '../../domain/assignment.ts';
import { findAssignment, insertLog } from '../../store/assignments.ts';
import type { Trx } from '../../store/database.ts';
import { getDeviceById, updateDevice } from '../../store/devices.ts';
import { appendEnvelope } from '../../store/ledger.ts';
import { findRelease } from '../../store/releases.ts';
import type { AssignmentTable, DeviceTable } from '../../store/schema/index.ts';
import { findOwn } from './action-feedback.ts';
import { DeviceApiError } from './errors.ts';
import type { DevicePorts } from './ports.ts';
import type { Handler } from './request.ts';
import { type VerifiedReport, verifyReport } from './signed-report.ts';

const FINAL_STATES: ReadonlySet<string> = new Set(['confirmed', 'reverted', 'refused', 'failed']);

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

function isRepeated(row: AssignmentTable, digest: Uint8Array): boolean {
  return row.final_sha256 !== null && isEqualBytes(row.final_sha256, digest);
}

/** What a confirmation proves: this release, and a floor that never goes down. */
async function noteConfirmed(
  trx: Trx,
  device: DeviceTable,
  row: AssignmentTable,
  verified: VerifiedReport,
): Promise<void> {
  const { version, floor } = verified.report;
  const release = await findRelease(trx, row.tenant_id, row.release_id);
  if (release === undefined || version !== release.version) {
    throw new DeviceApiError('REPORT_DISAGREES', { expected: release?.version, actual: version });
  }
  const known = BigInt(device.floor ?? 0);
  const proven = BigInt(floor ?? 0);
  await updateDevice(trx, device.id, {
    installed_version: version,
    ...(proven > known ? { floor: String(proven) } : {}),
  });
}

/** The device puts the question off in its own signed word. */
async function notePostponed(trx: Trx, id: number, until: string | undefined, ports: DevicePorts): Promise<void> {
  const row = await findAssignment(trx, id);
  if (until === undefined || row?.state !== 'awaiting-consent') return;
  const taken = await takeAnswer(trx, ports, row, { kind: 'postponed', untilMs: Date.parse(until) });
  if (taken.kind === 'refused') throw new DeviceApiError('DEVICE_POSTPONEMENT_REFUSED', { reason: taken.reason });
}

async function take(
  trx: Trx,
  row: AssignmentTable,
  verified: VerifiedReport,
  { ports, by }: { readonly ports: DevicePorts; readonly by: string | undefined },
): Promise<Transition> {
  const { report, envelope } = verified;
  const nowMs = ports.now().getTime();
  const event: AssignmentEvent = `report-${report.state}`;
  // The device's word stands in the ledger before what it caused.
  await appendEnvelope(trx, envelope, {
    tenantId: row.tenant_id,
    predicateType: verified.predicateType,
    subject: verified.subject,
  });
  const transition = await applyEvent(trx, ports.keys.ledger, row.id, event, {
    nowMs,
    by,
    code: report.code,
    step: report.step,
    ...(FINAL_STATES.has(report.state) ? { finalSha256: sha256(envelope) } : {}),
  });
  if (transition.kind === 'refused') {
    throw new DeviceApiError('REPORT_OUT_OF_ORDER', { expected: transition.state, actual: report.state });
  }
  await notePostponed(trx, row.id, report.postponedUntil, ports);
  const messages = report.code === undefined ? [] : [report.code];
  await insertLog(trx, row.id, { atMs: nowMs, status: report.state, messages });
  return transition;
}

export const postReport: Handler<'postReport'> = async ({ device, body }, ports) => {
  if (device.publicKeyPem === undefined) throw new DeviceApiError('DEVICE_PROOF_REQUIRED');
  const verified = verifyReport(body, device.publicKeyPem);
  const { counter, state } = verified.report;
  const result = await ports.database.write(async (trx) => {
    const row = await findOwn(trx, device, verified.assignmentId);
    const known = await getDeviceById(trx, device.id);
    if (isRepeated(row, sha256(body))) return { state: row.state, rolloutIds: [] };
    if (counter <= known.report_counter) {
      throw new DeviceApiError('REPORT_REPLAYED', { expected: known.report_counter + 1, actual: counter });
    }
    const transition = await take(trx, row, verified, { ports, by: device.spokenForBy });
    // Also when the assignment ended before its word came: the device runs what it says, whatever the server wanted.
    if (state === 'confirmed') await noteConfirmed(trx, known, row, verified);
    await updateDevice(trx, device.id, { report_counter: counter });
    return { state: transition.state, rolloutIds: rolloutsOf(transition) };
  });
  await settleRollouts(ports, result.rolloutIds);
  return { kind: 'document', document: { state: result.state, counter } };
};
