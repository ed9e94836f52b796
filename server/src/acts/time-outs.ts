/**
 * Devices that had their turn: an assignment that did not begin or did not end in its time is timed out; a device that
 * said it is done and did not prove it in time has failed. In small transactions, so that nothing waits long.
 */
import { decideOutcome, isUnbegun } from '../domain/outcome.ts';
import { dueAssignments, updateAssignment } from '../store/assignments.ts';
import { unprovenMembers } from '../store/members.ts';
import { planOfRow } from '../store/rollouts.ts';
import { applyOutcome } from './member.ts';
import type { ServerPorts } from './ports.ts';
import { applyEvent, rolloutsOf } from './transition.ts';
import { letOthersRead } from './turn.ts';

const BATCH = 100;
const HELD: ReadonlySet<string> = new Set(['paused', 'halted']);

/** Times out a batch of assignments. Returns the rollouts that may go on, and how many assignments were looked at. */
async function timeOutBatch(ports: ServerPorts): Promise<{ touched: number[]; looked: number }> {
  return await ports.database.write(async (trx) => {
    const nowMs = ports.now().getTime();
    const touched: number[] = [];
    const due = await dueAssignments(trx, nowMs, BATCH);
    for (const [index, row] of due.entries()) {
      await letOthersRead(index);
      // An offer that devices are not shown begins its time anew.
      if (row.plan !== null && HELD.has(row.rollout_state ?? '') && isUnbegun(row.state)) {
        const answerMs = planOfRow({ plan: row.plan }).timeOutS.answer * 1000;
        await updateAssignment(trx, row.id, { due_ms: nowMs + answerMs });
        continue;
      }
      const code = isUnbegun(row.state) ? 'NO_ANSWER' : 'NO_END';
      touched.push(...rolloutsOf(await applyEvent(trx, ports.keys.ledger, row.id, 'time-out', { nowMs, code })));
    }
    return { touched, looked: due.length };
  });
}

async function failUnproven(ports: ServerPorts): Promise<number[]> {
  return await ports.database.write(async (trx) => {
    const members = await unprovenMembers(trx, ports.now().getTime(), BATCH);
    for (const member of members) {
      if (decideOutcome(member.outcome, 'fail') === undefined) continue;
      await applyOutcome(trx, member, 'fail', { proof_due_ms: null });
    }
    return members.map(({ rollout_id: rolloutId }) => rolloutId);
  });
}

/** Times out what is due now. Returns the rollouts that may go on. */
export async function timeOut(ports: ServerPorts): Promise<Set<number>> {
  const rollouts = new Set<number>();
  for (;;) {
    const { touched, looked } = await timeOutBatch(ports);
    for (const id of touched) rollouts.add(id);
    if (looked < BATCH) break;
  }
  for (const id of await failUnproven(ports)) rollouts.add(id);
  return rollouts;
}
