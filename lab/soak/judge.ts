/**
 * What must hold after servers were killed: nothing lost (the state of every assignment and the ledger say what its device
 * was told is taken) and nothing twice (one final transition an assignment; the bundle of the whole ledger verifies, so that
 * its indices have no gap and no entry stands twice under one index).
 */
import type { ManagementClient } from '@pawl/contract/client';
import type { Assignment } from '@pawl/contract/management';
import { verifyBundle } from '@pawl/core/evidence';
import type { FinalWord } from '../src/fleet/index.ts';

const FINAL: Readonly<Record<FinalWord, string>> = { success: 'reported', failure: 'failed', reverted: 'failed' };
const BUNDLE_BYTES_MAX = 1 << 30;

async function assignmentsOf(client: ManagementClient, rolloutId: number): Promise<Assignment[]> {
  const all: Assignment[] = [];
  let cursor: string | undefined;
  do {
    const query = { rolloutId, limit: 500, ...(cursor === undefined ? {} : { cursor }) };
    const page = await client.call('listAssignments', { query });
    all.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return all;
}

function judgeStates(assignments: readonly Assignment[], said: ReadonlyMap<string, FinalWord>): string[] {
  const faults: string[] = [];
  const byDevice = new Map(assignments.map((item) => [item.controllerId, item]));
  if (byDevice.size !== assignments.length) faults.push('a device has two assignments of the rollout');
  for (const [controllerId, word] of said) {
    const state = byDevice.get(controllerId)?.state;
    if (state !== FINAL[word]) faults.push(`${controllerId} was told that ${word} is taken, and is ${state}`);
  }
  return faults;
}

export type Judgement = { readonly faults: readonly string[]; readonly ledgerSize: number };

/** Compares what devices were told with the database and with the exported ledger. */
export async function judge(
  client: ManagementClient,
  rolloutId: number,
  said: ReadonlyMap<string, FinalWord>,
): Promise<Judgement> {
  const assignments = await assignmentsOf(client, rolloutId);
  const faults = judgeStates(assignments, said);
  const { vkey } = await client.call('getCheckpoint', {});
  const bundle = await client.call('exportBundle', {});
  const { entries, isComplete, checkpoint } = verifyBundle(bundle, { vkey, sizeBytesMax: BUNDLE_BYTES_MAX });
  if (!isComplete) faults.push('the bundle is not the whole ledger');
  const finals = new Map<number, number>();
  for (const { predicateType, predicate } of entries) {
    if (predicateType !== 'urn:pawl:assignment-transition:1') continue;
    const { to, assignmentId } = predicate;
    if (typeof to !== 'string' || !Object.values(FINAL).includes(to)) continue;
    const id = Number(assignmentId);
    finals.set(id, (finals.get(id) ?? 0) + 1);
  }
  const ended = assignments.filter(({ state }) => Object.values(FINAL).includes(state));
  for (const { id, controllerId } of ended) {
    const times = finals.get(id) ?? 0;
    if (times !== 1) faults.push(`the ledger has the end of ${controllerId} ${times} times`);
  }
  return { faults, ledgerSize: checkpoint.size };
}
