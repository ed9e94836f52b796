/** Making and moving rollouts. One wave for now: every device that the filter names when the rollout is made. */
import { setImmediate } from 'node:timers/promises';
import type { Assignment, NewRollout, Rollout } from '@pawl/contract/management';
import type { Actor } from '../domain/actor.ts';
import { decideRollout, type RolloutVerb } from '../domain/rollout.ts';
import { findActive, findAssignment, insertAssignment, queryAssignments } from '../store/assignments.ts';
import type { Trx } from '../store/database.ts';
import { getDeviceById, queryDevices } from '../store/devices.ts';
import { appendStatement } from '../store/ledger.ts';
import { findRelease } from '../store/releases.ts';
import {
  activeAssignments,
  findRollout,
  hasActiveAssignment,
  insertRollout,
  rolloutView,
  startWave,
  updateRollout,
  waveDevices,
} from '../store/rollouts.ts';
import type { DeviceTable, ReleaseTable, RolloutTable } from '../store/schema/index.ts';
import { ServerError } from './errors.ts';
import type { ServerPorts } from './ports.ts';
import { applyEvent, recordTransition, releaseSubject } from './transition.ts';

function refuseBelowFloor(devices: readonly DeviceTable[], release: ReleaseTable): void {
  if (release.security_counter === null) return;
  const counter = BigInt(release.security_counter);
  const below = devices.find(({ floor }) => floor !== null && counter < BigInt(floor));
  if (below === undefined) return;
  throw new ServerError('ROLLOUT_BELOW_FLOOR', {
    controllerId: below.controller_id,
    floor: below.floor ?? undefined,
    actual: counter,
  });
}

async function recordRollout(
  trx: Trx,
  ports: ServerPorts,
  row: RolloutTable,
  verb: string,
  actor: Actor,
): Promise<void> {
  const release = await findRelease(trx, row.tenant_id, row.release_id);
  if (release === undefined) throw new TypeError('a rollout has a release');
  await appendStatement(trx, ports.keys.ledger, {
    predicateType: 'urn:pawl:rollout:1',
    subject: await releaseSubject(trx, release),
    predicate: {
      rolloutId: row.id,
      name: row.name,
      act: verb,
      filter: row.filter,
      successKind: row.success_kind,
      by: actor.id,
      at: ports.now().toISOString(),
    },
  });
}

/**
 * Makes a rollout of a published release; nothing is offered until it is started.
 * @throws ServerError RELEASE_UNKNOWN, RELEASE_NOT_PUBLISHED, ROLLOUT_EMPTY, ROLLOUT_BELOW_FLOOR; FilterError
 */
export function createRollout(ports: ServerPorts, actor: Actor, input: NewRollout): Promise<Rollout> {
  const { tenantId } = actor;
  return ports.database.write(async (trx) => {
    const release = await findRelease(trx, tenantId, input.releaseId);
    if (release === undefined) throw new ServerError('RELEASE_UNKNOWN', { releaseId: input.releaseId });
    if (release.state !== 'published') throw new ServerError('RELEASE_NOT_PUBLISHED', { releaseId: release.id });
    const all = await queryDevices(trx, { tenantId, filter: input.filter });
    const devices = all.filter((device) => device.line === null || device.line === release.line);
    if (devices.length === 0) throw new ServerError('ROLLOUT_EMPTY', { filter: input.filter });
    if (input.despiteFloor !== true) refuseBelowFloor(devices, release);
    const id = await insertRollout(
      trx,
      {
        tenant_id: tenantId,
        name: input.name,
        release_id: release.id,
        filter: input.filter,
        success_kind: input.successKind ?? (release.kind === 'pawl' ? 'confirmed' : 'reported'),
        is_forced: input.isForced === false ? 0 : 1,
        needs_consent: input.needsConsent === true ? 1 : 0,
        created_ms: ports.now().getTime(),
      },
      devices.map((device) => device.id),
    );
    const row = await findRollout(trx, tenantId, id);
    if (row === undefined) throw new TypeError('the rollout was just inserted');
    await recordRollout(trx, ports, row, 'create', actor);
    return await rolloutView(trx, row);
  });
}

const TURN = 32;

/** Polls are answered (from the state before the transaction) while a large rollout is being written. */
async function letOthersRead(index: number): Promise<void> {
  if (index % TURN === TURN - 1) await setImmediate();
}

/** Assigns the release to a device; what was active there is superseded. */
async function assign(trx: Trx, ports: ServerPorts, row: RolloutTable, deviceId: number): Promise<void> {
  const nowMs = ports.now().getTime();
  const { ledger } = ports.keys;
  const before = await findActive(trx, deviceId);
  if (before !== undefined) await applyEvent(trx, ledger, before.id, 'supersede', { nowMs, code: 'SUPERSEDED' });
  const device = await getDeviceById(trx, deviceId);
  const isWaiting = row.needs_consent === 1 && device.auto_confirm === null;
  const state = isWaiting ? 'awaiting-consent' : 'offered';
  const id = await insertAssignment(trx, {
    tenantId: row.tenant_id,
    deviceId,
    releaseId: row.release_id,
    rolloutId: row.id,
    state,
    isForced: row.is_forced === 1,
    nowMs,
  });
  const assignment = await findAssignment(trx, id);
  if (assignment === undefined) throw new TypeError('the assignment was just inserted');
  await recordTransition(trx, ledger, assignment, { to: state, event: 'assign', facts: { nowMs } });
}

async function assignAll(trx: Trx, ports: ServerPorts, row: RolloutTable): Promise<void> {
  for (const [index, deviceId] of (await waveDevices(trx, row.id)).entries()) {
    await letOthersRead(index);
    await assign(trx, ports, row, deviceId);
  }
}

async function stopAssignments(trx: Trx, ports: ServerPorts, rolloutId: number): Promise<void> {
  const nowMs = ports.now().getTime();
  for (const [index, id] of (await activeAssignments(trx, rolloutId)).entries()) {
    await letOthersRead(index);
    await applyEvent(trx, ports.keys.ledger, id, 'cancel', { nowMs, code: 'ROLLOUT_STOPPED' });
  }
}

/**
 * Starts, pauses, resumes or stops a rollout.
 * @throws ServerError ROLLOUT_UNKNOWN, ROLLOUT_STATE_UNSUITABLE
 */
export function changeRollout(
  ports: ServerPorts,
  actor: Actor,
  id: number,
  verb: Exclude<RolloutVerb, 'finish'>,
): Promise<Rollout> {
  return ports.database.write(async (trx) => {
    const row = await findRollout(trx, actor.tenantId, id);
    if (row === undefined) throw new ServerError('ROLLOUT_UNKNOWN', { id });
    const next = decideRollout(row.state, verb);
    if (next === undefined) throw new ServerError('ROLLOUT_STATE_UNSUITABLE', { state: row.state, verb });
    await updateRollout(trx, id, { state: next });
    await recordRollout(trx, ports, row, verb, actor);
    if (verb === 'start') {
      await startWave(trx, id, ports.now().getTime());
      await assignAll(trx, ports, { ...row, state: next });
      // Every device was decommissioned since: nobody is left whose report could end it.
      if (!(await hasActiveAssignment(trx, id))) await updateRollout(trx, id, { state: 'finished' });
    }
    if (verb === 'stop') await stopAssignments(trx, ports, id);
    const after = await findRollout(trx, actor.tenantId, id);
    return await rolloutView(trx, after ?? row);
  });
}

/**
 * Asks a device to stop.
 * @throws ServerError ASSIGNMENT_UNKNOWN, ASSIGNMENT_FINAL
 */
export function cancelAssignment(ports: ServerPorts, tenantId: number, id: number): Promise<Assignment> {
  return ports.database.write(async (trx) => {
    const row = await findAssignment(trx, id);
    if (row === undefined || row.tenant_id !== tenantId) throw new ServerError('ASSIGNMENT_UNKNOWN', { id });
    const nowMs = ports.now().getTime();
    const { kind, state } = await applyEvent(trx, ports.keys.ledger, id, 'cancel', { nowMs, code: 'OPERATOR' });
    if (kind === 'refused') throw new ServerError('ASSIGNMENT_FINAL', { id, state });
    const [view] = await queryAssignments(trx, { tenantId, id, limit: 1 });
    if (view === undefined) throw new TypeError('the assignment was just read');
    return view;
  });
}
