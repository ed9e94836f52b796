/**
 * What happens to a device in its rollout, beside its assignment: its outcome, the counts, its next attempt, and the turn of
 * other rollouts that waited for it. All in the transaction of the assignment's move.
 */
import type { Outcome } from '@pawl/contract/management';
import { isSuccess } from '../domain/assignment.ts';
import { type AssignmentEnd, decideOutcome, type OutcomeEvent, outcomeEventOf } from '../domain/outcome.ts';
import type { Trx } from '../store/database.ts';
import { findMember, freeMembers, LATE_POOL, takeLate, updateMember } from '../store/members.ts';
import { findReturn, getRolloutById, planOfRow } from '../store/rollouts.ts';
import type { AssignmentTable, MemberTable, RolloutTable } from '../store/schema/index.ts';
import { addTallies } from '../store/tallies.ts';

type Place = { readonly outcome: Outcome; readonly position: number };

/** Moves a device from one outcome to another, with the counts. */
async function moveMember(
  trx: Trx,
  member: MemberTable,
  to: Place,
  change: Partial<MemberTable> = {},
): Promise<MemberTable> {
  await updateMember(trx, member, { ...change, ...to });
  await addTallies(trx, member.rollout_id, [
    { position: member.position, outcome: member.outcome, change: -1 },
    { ...to, change: 1 },
  ]);
  return { ...member, ...change, ...to };
}

const POOLED: ReadonlySet<Outcome> = new Set<Outcome>(['waiting', 'blocked']);

/** The place after an event: who goes back to wait gives its place away. */
function placeAfter(member: MemberTable, outcome: Outcome): Place {
  if (!POOLED.has(outcome)) return { outcome, position: member.position };
  return { outcome, position: member.outcome === 'silent' ? LATE_POOL : Math.min(0, member.position) };
}

const LIVELY: ReadonlySet<RolloutTable['state']> = new Set<RolloutTable['state']>(['running', 'paused', 'halted']);

/** Whether the engine tries the device again by itself. A device that refused would refuse again. */
function isRetried(rollout: RolloutTable, member: MemberTable, to: AssignmentEnd['to'] | undefined): boolean {
  if (member.outcome !== 'failed' && member.outcome !== 'silent') return false;
  return LIVELY.has(rollout.state) && to !== 'refused' && member.attempts < planOfRow(rollout).retry.attempts;
}

/** Applies an event to the outcome of a device; an event that does not suit changes nothing. */
export async function applyOutcome(
  trx: Trx,
  member: MemberTable,
  event: OutcomeEvent,
  change: Partial<MemberTable> = {},
): Promise<MemberTable | undefined> {
  const outcome = decideOutcome(member.outcome, event);
  return outcome === undefined ? undefined : await moveMember(trx, member, placeAfter(member, outcome), change);
}

/** A device that took the bad release after the return was made comes into it. Returns the rollout that may go on. */
async function joinReturn(trx: Trx, row: AssignmentTable): Promise<number[]> {
  if (row.rollout_id === null) return [];
  const back = await findReturn(trx, row.rollout_id);
  if (back === undefined || !(await takeLate(trx, back, row.device_id))) return [];
  await addTallies(trx, back, [{ position: LATE_POOL, outcome: 'waiting', change: 1 }]);
  return [back];
}

/** What the end of an assignment does to the device's outcome. Returns the rollouts that may go on now. */
export async function noteEnd(
  trx: Trx,
  row: AssignmentTable,
  end: Omit<AssignmentEnd, 'successKind'> & { readonly nowMs: number },
): Promise<number[]> {
  const freed = await freeMembers(trx, row.device_id);
  for (const { rollout_id: rolloutId, position } of freed) {
    await addTallies(trx, rolloutId, [
      { position, outcome: 'blocked', change: -1 },
      { position, outcome: 'waiting', change: 1 },
    ]);
  }
  const touched = freed.map(({ rollout_id: rolloutId }) => rolloutId);
  if (isSuccess(end.to)) touched.push(...(await joinReturn(trx, row)));
  if (row.rollout_id === null) return touched;
  const member = await findMember(trx, row.rollout_id, row.device_id);
  if (member?.assignment_id !== row.id) return touched;
  const rollout = await getRolloutById(trx, row.rollout_id);
  const event = outcomeEventOf({ ...end, successKind: rollout.success_kind });
  if (event === undefined) return touched;
  const proofDueMs = end.nowMs + planOfRow(rollout).timeOutS.install * 1000;
  const after = await applyOutcome(trx, member, event, event === 'claim' ? { proof_due_ms: proofDueMs } : {});
  if (after !== undefined && isRetried(rollout, after, end.to)) await applyOutcome(trx, after, 'retry');
  return [...touched, row.rollout_id];
}

/** How a device shows what it runs: by its version attribute, or by evidence that was affirmed or speaks against it. */
export type Proof = 'version-seen' | 'affirming' | 'contraindicated';

/** The device showed what it runs: a proof where the rollout waits for one. Returns the rollout that may go on now. */
export async function noteProof(trx: Trx, row: AssignmentTable, proof: Proof): Promise<number[]> {
  if (row.rollout_id === null) return [];
  const member = await findMember(trx, row.rollout_id, row.device_id);
  if (member?.assignment_id !== row.id) return [];
  const rollout = await getRolloutById(trx, row.rollout_id);
  // A version that was shown is no attestation.
  if ((rollout.success_kind === 'attested') !== (proof !== 'version-seen')) return [];
  const event = proof === 'contraindicated' ? 'fail' : 'prove';
  const after = await applyOutcome(trx, member, event, { proof_due_ms: null });
  if (after === undefined) return [];
  // Installing anew puts an image right that was changed afterwards.
  if (isRetried(rollout, after, undefined)) await applyOutcome(trx, after, 'retry');
  return [row.rollout_id];
}
