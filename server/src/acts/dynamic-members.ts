/**
 * Devices that begin to match the filter of a dynamic rollout while its last wave runs (enrolled, tags or attributes
 * changed) come into that wave. Looked for slice by slice over the ids, so that one look costs the same in any fleet.
 */
import { type Expression, type SqlBool, sql } from 'kysely';
import type { Trx } from '../store/database.ts';
import { deviceCondition } from '../store/device-filter.ts';
import { insertSlice, LATE_POOL, sliceEnd } from '../store/members.ts';
import { updateRollout } from '../store/rollouts.ts';
import type { RolloutTable } from '../store/schema/index.ts';
import { addTallies } from '../store/tallies.ts';
import { listWaves } from '../store/waves.ts';
import { releaseOf } from './rollout-record.ts';

/** Whether devices that match later come into a rollout as it stands. */
export function isOpenToLate(row: RolloutTable): boolean {
  return row.is_dynamic === 1 && row.state === 'running';
}

/** Looks at the next slice of devices; `held`: those that may not join (market gates). */
export async function admitLate(
  trx: Trx,
  row: RolloutTable,
  nowMs: number,
  held: Expression<SqlBool> | undefined,
): Promise<void> {
  if (!isOpenToLate(row)) return;
  if ((await listWaves(trx, row.id)).at(-1)?.state !== 'running') return;
  const after = row.sweep_after;
  const end = await sliceEnd(trx, after);
  if (end !== undefined) {
    const { line } = await releaseOf(trx, row);
    const wanted = await deviceCondition(trx, { tenantId: row.tenant_id, filter: row.filter, nowMs });
    const condition = held === undefined ? wanted : sql<SqlBool>`${wanted} and ${held} is not true`;
    const source = { rolloutId: row.id, tenantId: row.tenant_id, line, condition };
    const joined = await insertSlice(trx, source, { after, end, pool: LATE_POOL });
    await addTallies(trx, row.id, [{ position: LATE_POOL, outcome: 'waiting', change: joined }]);
  }
  // A fleet of one slice is looked at whole each time, and nothing has to be remembered.
  const isRound = end === undefined || (await sliceEnd(trx, end)) === undefined;
  const next = isRound ? 0 : end;
  if (next !== after) await updateRollout(trx, row.id, { sweep_after: next });
}
