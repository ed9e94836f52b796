/** Making rollouts and what people ask of them. What follows from it is the engine's (engine.ts). */
import type { Assignment, NewRollout, Rollout } from '@pawl/contract/management';
import type { Actor } from '../domain/actor.ts';
import { decideRollout, type RolloutVerb } from '../domain/rollout.ts';
import { ATTEMPTS_MAX, plannedWaves, planOf, weightOf } from '../domain/rollout-plan.ts';
import { policyOf } from '../domain/rollout-policy.ts';
import { askAgain, findAssignment, queryAssignments } from '../store/assignments.ts';
import type { Trx } from '../store/database.ts';
import { deviceCondition } from '../store/device-filter.ts';
import { insertMembers, memberFloors, memberWithFloor, POOL, retryAll } from '../store/members.ts';
import { findRelease } from '../store/releases.ts';
import { findRollout, insertRollout, rolloutView, updateRollout } from '../store/rollouts.ts';
import type { ReleaseTable, RolloutTable } from '../store/schema/index.ts';
import { addTallies } from '../store/tallies.ts';
import { insertWaves, listWaves } from '../store/waves.ts';
import { refuseUnapproved } from './approval.ts';
import { excuse, moveWave, settleRollouts, takeSteps } from './engine.ts';
import { ServerError } from './errors.ts';
import { refuseHeldMarkets } from './evidence/market-gate.ts';
import type { ServerPorts } from './ports.ts';
import { refuseExpired } from './retention.ts';
import { recordRollout } from './rollout-record.ts';
import { approvalsFor, refuseUnknownZone, tenantPolicy } from './tenant-policy.ts';
import { applyEvent, rolloutsOf } from './transition.ts';

/** A release that a device would refuse is a mistake, unless that is what is wanted. */
export async function refuseBelowFloor(trx: Trx, rolloutId: number, release: ReleaseTable): Promise<void> {
  if (release.security_counter === null) return;
  const counter = BigInt(release.security_counter);
  const floor = (await memberFloors(trx, rolloutId)).find((known) => counter < BigInt(known));
  if (floor === undefined) return;
  const controllerId = await memberWithFloor(trx, rolloutId, floor);
  throw new ServerError('ROLLOUT_BELOW_FLOOR', { controllerId, floor, actual: counter });
}

function timeOf(text: string | undefined): number | null {
  return text === undefined ? null : Date.parse(text);
}

function refuseSchedule(input: NewRollout, nowMs: number): void {
  const endMs = timeOf(input.endAt);
  if (endMs === null || endMs > Math.max(nowMs, timeOf(input.startAt) ?? nowMs)) return;
  throw new ServerError('ROLLOUT_SCHEDULE_INVALID', { startAt: input.startAt, endAt: input.endAt });
}

/** Inserts a rollout with its plan, its policy, and the approvals that it needs. */
export async function insertPlanned(
  trx: Trx,
  ports: ServerPorts,
  actor: Actor,
  planned: { readonly input: NewRollout; readonly release: ReleaseTable; readonly returnsRolloutId?: number },
): Promise<RolloutTable> {
  const { input, release, returnsRolloutId } = planned;
  const { tenantId } = actor;
  await refuseExpired(trx, release.id);
  // Without a reference value no device could ever be affirmed.
  if (input.successKind === 'attested' && release.image_sha256 === null) {
    throw new ServerError('ROLLOUT_ATTESTATION_UNAVAILABLE', { releaseId: release.id, kind: release.kind });
  }
  const tenant = await tenantPolicy(trx, tenantId);
  const required = approvalsFor(tenant, release.line);
  const row = await insertRollout(trx, {
    tenant_id: tenantId,
    name: input.name,
    release_id: release.id,
    filter: input.filter,
    success_kind: input.successKind ?? (release.kind === 'pawl' ? 'confirmed' : 'reported'),
    is_forced: input.isForced === false ? 0 : 1,
    needs_consent: input.needsConsent === true ? 1 : 0,
    created_ms: ports.now().getTime(),
    weight: weightOf(input),
    start_ms: timeOf(input.startAt),
    end_ms: timeOf(input.endAt),
    is_dynamic: input.isDynamic === true ? 1 : 0,
    plan: JSON.stringify(planOf(input)),
    policy: JSON.stringify(policyOf(input, tenant)),
    state: required > 0 ? 'waiting-approval' : 'ready',
    approvals_required: required,
    author_person_id: actor.makerPersonId ?? null,
    author: actor.id,
    returns_rollout_id: returnsRolloutId ?? null,
  });
  await insertWaves(trx, row.id, plannedWaves(input.waves));
  return row;
}

/**
 * Makes a rollout of a published release to the devices that the filter names now; nothing is offered until it is started.
 * @throws ServerError RELEASE_UNKNOWN, RELEASE_NOT_PUBLISHED, ROLLOUT_EMPTY, ROLLOUT_BELOW_FLOOR,
 *   ROLLOUT_SCHEDULE_INVALID, ROLLOUT_NOT_SECURITY, ROLLOUT_ATTESTATION_UNAVAILABLE, TIME_ZONE_UNKNOWN; FilterError
 */
export function createRollout(ports: ServerPorts, actor: Actor, input: NewRollout): Promise<Rollout> {
  const { tenantId } = actor;
  return ports.database.write(async (trx) => {
    const condition = await deviceCondition(trx, {
      tenantId,
      filter: input.filter,
      nowMs: ports.now().getTime(),
    });
    const release = await findRelease(trx, tenantId, input.releaseId);
    if (release === undefined) throw new ServerError('RELEASE_UNKNOWN', { releaseId: input.releaseId });
    if (release.state !== 'published') throw new ServerError('RELEASE_NOT_PUBLISHED', { releaseId: release.id });
    refuseSchedule(input, ports.now().getTime());
    refuseUnknownZone(input.maintenance?.timeZone);
    if (input.isSecurityOnly === true && release.urgency !== 'security') {
      throw new ServerError('ROLLOUT_NOT_SECURITY', { release: release.id, urgency: release.urgency });
    }
    const row = await insertPlanned(trx, ports, actor, { input, release });
    const devices = await insertMembers(trx, { rolloutId: row.id, tenantId, line: release.line, condition });
    // A dynamic rollout may begin with nobody.
    if (devices === 0 && row.is_dynamic === 0) throw new ServerError('ROLLOUT_EMPTY', { filter: input.filter });
    if (input.despiteFloor !== true) await refuseBelowFloor(trx, row.id, release);
    await addTallies(trx, row.id, [{ position: POOL, outcome: 'waiting', change: devices }]);
    await updateRollout(trx, row.id, { devices });
    await recordRollout(trx, ports, row, {
      act: 'create',
      by: actor.id,
      facts: { devices, plan: row.plan, policy: row.policy },
    });
    return await rolloutView(trx, { ...row, devices });
  });
}

/** @throws ServerError RELEASE_EXPIRED, ROLLOUT_NOTHING_TO_RETRY */
async function retry(trx: Trx, row: RolloutTable): Promise<void> {
  await refuseExpired(trx, row.release_id);
  const failed = await retryAll(trx, row.id, { from: 'failed', attemptsMax: ATTEMPTS_MAX });
  const silent = await retryAll(trx, row.id, { from: 'silent', attemptsMax: ATTEMPTS_MAX });
  const denied = await askAgain(trx, row.id);
  if (failed.length + silent.length + denied === 0) throw new ServerError('ROLLOUT_NOTHING_TO_RETRY', { id: row.id });
  for (const { position, devices } of failed) {
    await addTallies(trx, row.id, [
      { position, outcome: 'failed', change: -devices },
      { position, outcome: 'retry', change: devices },
    ]);
  }
  for (const { position, devices } of silent) {
    await addTallies(trx, row.id, [
      { position, outcome: 'silent', change: -devices },
      { position: -1, outcome: 'waiting', change: devices },
    ]);
  }
  if (row.state !== 'finished') return;
  const last = (await listWaves(trx, row.id)).at(-1);
  if (last !== undefined) await moveWave(trx, last, 'reopen', { ended_ms: null });
}

/** @throws ServerError ROLLOUT_LAST_WAVE */
async function promote(trx: Trx, ports: ServerPorts, row: RolloutTable): Promise<void> {
  const waves = await listWaves(trx, row.id);
  const current = waves.find(({ state }) => state !== 'waiting' && state !== 'done');
  const next = waves.find(({ state }) => state === 'waiting');
  if (next === undefined) throw new ServerError('ROLLOUT_LAST_WAVE', { id: row.id });
  if (row.state === 'halted') await excuse(trx, row.id);
  if (current === undefined) return;
  const fresh = (await listWaves(trx, row.id)).find(({ position }) => position === current.position) ?? current;
  await moveWave(trx, fresh, 'promote', { ended_ms: ports.now().getTime() });
}

async function actOn(trx: Trx, ports: ServerPorts, row: RolloutTable, verb: RolloutVerb): Promise<void> {
  if (verb === 'retry') await retry(trx, row);
  if (verb === 'next') await promote(trx, ports, row);
  if (verb === 'resume' && row.state === 'halted') await excuse(trx, row.id);
}

/** A start before its time waits for it; a second start of a rollout that waits means now. */
function isEarly(row: RolloutTable, nowMs: number): boolean {
  return row.state === 'ready' && row.start_ms !== null && row.start_ms > nowMs;
}

/**
 * Starts, pauses, resumes or stops a rollout, tries again what failed, or starts the next wave now.
 * @throws ServerError ROLLOUT_UNKNOWN, ROLLOUT_STATE_UNSUITABLE, ROLLOUT_NOTHING_TO_RETRY, ROLLOUT_LAST_WAVE;
 *   EvidenceVaultError MARKET_GATE_HELD
 */
export async function changeRollout(ports: ServerPorts, actor: Actor, id: number, verb: RolloutVerb): Promise<Rollout> {
  if (verb === 'start') await refuseHeldMarkets(ports, actor.tenantId, id);
  const touched = await ports.database.write(async (trx) => {
    const row = await findRollout(trx, actor.tenantId, id);
    if (row === undefined) throw new ServerError('ROLLOUT_UNKNOWN', { id });
    if (verb === 'start') await refuseUnapproved(trx, row);
    const event = verb === 'start' && isEarly(row, ports.now().getTime()) ? 'schedule' : verb;
    const state = decideRollout(row.state, event);
    if (state === undefined) throw new ServerError('ROLLOUT_STATE_UNSUITABLE', { state: row.state, verb });
    await actOn(trx, ports, row, verb);
    await updateRollout(trx, id, { state });
    await recordRollout(trx, ports, { ...row, state }, { act: event, by: actor.id });
    const after = await findRollout(trx, actor.tenantId, id);
    return (await takeSteps(trx, ports, after ?? row)).touched;
  });
  await settleRollouts(ports, touched);
  return await ports.database.write(async (trx) => {
    const row = await findRollout(trx, actor.tenantId, id);
    if (row === undefined) throw new ServerError('ROLLOUT_UNKNOWN', { id });
    return await rolloutView(trx, row);
  });
}

/**
 * Asks a device to stop.
 * @throws ServerError ASSIGNMENT_UNKNOWN, ASSIGNMENT_FINAL
 */
export async function cancelAssignment(ports: ServerPorts, tenantId: number, id: number): Promise<Assignment> {
  const { view, touched } = await ports.database.write(async (trx) => {
    const row = await findAssignment(trx, id);
    if (row === undefined || row.tenant_id !== tenantId) throw new ServerError('ASSIGNMENT_UNKNOWN', { id });
    const nowMs = ports.now().getTime();
    const asked = await applyEvent(trx, ports.keys.ledger, id, 'cancel', { nowMs, code: 'OPERATOR' });
    if (asked.kind === 'refused') throw new ServerError('ASSIGNMENT_FINAL', { id, state: asked.state });
    const [found] = await queryAssignments(trx, { tenantId, id, limit: 1 });
    if (found === undefined) throw new TypeError('the assignment was just read');
    return { view: found, touched: rolloutsOf(asked) };
  });
  await settleRollouts(ports, touched);
  return view;
}
