/** Rollouts, and how the management API shows them. */

import type { AssignmentState, HaltReason, Outcome, Rollout, Wave } from '@pawl/contract/management';
import { sql } from 'kysely';
import type { OutcomeCounts } from '../domain/outcome.ts';
import type { StoredPlan } from '../domain/rollout-plan.ts';
import { parsePolicy } from '../domain/rollout-policy.ts';
import type { Db, Trx } from './database.ts';
import type { RolloutTable, WaveTable } from './schema/index.ts';
import { readTallies } from './tallies.ts';
import { listWaves } from './waves.ts';

export async function insertRollout(
  trx: Trx,
  row: Omit<RolloutTable, 'id' | 'devices' | 'halted_by' | 'recent_offers' | 'sweep_after'>,
): Promise<RolloutTable> {
  return await trx
    .insertInto('rollout')
    .values({ ...row, devices: 0, halted_by: null, recent_offers: '[]', sweep_after: 0 })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function findRollout(db: Db, tenantId: number, id: number): Promise<RolloutTable | undefined> {
  return await db
    .selectFrom('rollout')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** The rollout that brings back the devices of this one, as long as it takes devices in. */
export async function findReturn(db: Db, id: number): Promise<number | undefined> {
  const row = await db
    .selectFrom('rollout')
    .select('id')
    .where('returns_rollout_id', '=', id)
    .where('state', 'not in', ['stopping', 'stopped', 'finished'])
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.id;
}

async function lastReturn(db: Db, id: number): Promise<number | null> {
  const row = await db
    .selectFrom('rollout')
    .select((eb) => eb.fn.max('id').as('id'))
    .where('returns_rollout_id', '=', id)
    .executeTakeFirst();
  return row?.id ?? null;
}

export async function getRolloutById(db: Db, id: number): Promise<RolloutTable> {
  return await db.selectFrom('rollout').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

export async function updateRollout(trx: Trx, id: number, change: Partial<RolloutTable>): Promise<void> {
  await trx.updateTable('rollout').set(change).where('id', '=', id).execute();
}

/** Rollouts in these states, oldest first. */
export async function rolloutsIn(db: Db, states: readonly RolloutTable['state'][]): Promise<RolloutTable[]> {
  return await db.selectFrom('rollout').selectAll().where('state', 'in', states).orderBy('id').execute();
}

export function planOfRow(row: Pick<RolloutTable, 'plan'>): StoredPlan {
  return JSON.parse(row.plan) as StoredPlan;
}

/** Ids of the rollout's assignments that are not final and were not asked to stop. */
export async function untoldAssignments(db: Db, rolloutId: number, limit: number): Promise<number[]> {
  const rows = await db
    .selectFrom('assignment')
    .select('id')
    .where('rollout_id', '=', rolloutId)
    .where('active', '=', sql.lit(1))
    .where('state', '<>', 'cancelling')
    .limit(limit)
    .execute();
  return rows.map((row) => row.id);
}

async function countStates(db: Db, rolloutId: number): Promise<Map<AssignmentState, number>> {
  const rows = await db
    .selectFrom('assignment')
    .select(['state', (eb) => eb.fn.countAll<number>().as('count')])
    .where('rollout_id', '=', rolloutId)
    .groupBy('state')
    .execute();
  return new Map(rows.map((row) => [row.state, Number(row.count)]));
}

function timeText(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** Without the zeros. */
function present(counts: OutcomeCounts): Partial<Record<Outcome, number>> {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0));
}

function waveView(row: WaveTable, counts: OutcomeCounts): Wave {
  return {
    position: row.position,
    percent: row.share_bp === null ? null : row.share_bp / 100,
    count: row.places,
    size: row.size,
    successPercent: row.success_bp / 100,
    errorPercent: row.error_bp / 100,
    soakS: row.soak_s,
    state: row.state,
    outcomes: present(counts),
    startedAt: timeText(row.started_ms),
    soakingSince: timeText(row.soaking_ms),
    endedAt: timeText(row.ended_ms),
  };
}

function totalOf(tallies: Iterable<OutcomeCounts>): OutcomeCounts {
  const total: Partial<Record<Outcome, number>> = {};
  for (const counts of tallies) {
    for (const [outcome, count] of Object.entries(counts)) {
      total[outcome as Outcome] = (total[outcome as Outcome] ?? 0) + count;
    }
  }
  return total;
}

/** A rollout as the management API shows it: its plan, its waves, counts by state and by outcome. */
export async function rolloutView(db: Db, row: RolloutTable): Promise<Rollout> {
  const release = await db
    .selectFrom('release')
    .select(['line', 'version'])
    .where('id', '=', row.release_id)
    .executeTakeFirstOrThrow();
  const tallies = await readTallies(db, row.id);
  const outcomes = present(totalOf(tallies.values()));
  const { halt, ratePerMinute, ramp, timeOutS, retry } = planOfRow(row);
  return {
    id: row.id,
    name: row.name,
    releaseId: row.release_id,
    line: release.line,
    version: release.version,
    filter: row.filter,
    successKind: row.success_kind,
    isForced: row.is_forced === 1,
    needsConsent: row.needs_consent === 1,
    state: row.state,
    devices: Object.values(outcomes).reduce((sum, count) => sum + count, 0),
    counts: Object.fromEntries(await countStates(db, row.id)),
    succeeded: outcomes.succeeded ?? 0,
    createdAt: new Date(row.created_ms).toISOString(),
    author: row.author,
    waves: (await listWaves(db, row.id)).map((wave) => waveView(wave, tallies.get(wave.position) ?? {})),
    weight: row.weight,
    startAt: timeText(row.start_ms),
    endAt: timeText(row.end_ms),
    isDynamic: row.is_dynamic === 1,
    halt,
    ratePerMinute,
    ramp,
    timeOutS,
    retry,
    outcomes,
    ...parsePolicy(row.policy),
    approvalsRequired: row.approvals_required,
    returnOf: row.returns_rollout_id,
    returnedBy: await lastReturn(db, row.id),
    haltedBy: row.halted_by === null ? null : (JSON.parse(row.halted_by) as HaltReason),
  };
}

export async function queryRollouts(
  db: Db,
  query: { readonly tenantId: number; readonly beforeId: number | undefined; readonly limit: number },
): Promise<RolloutTable[]> {
  let select = db.selectFrom('rollout').selectAll().where('tenant_id', '=', query.tenantId);
  if (query.beforeId !== undefined) select = select.where('id', '<', query.beforeId);
  return await select.orderBy('id', 'desc').limit(query.limit).execute();
}

/** The filters of rollouts that are not over. */
export async function openFilters(db: Db, tenantId: number): Promise<{ id: number; filter: string }[]> {
  return await db
    .selectFrom('rollout')
    .select(['id', 'filter'])
    .where('tenant_id', '=', tenantId)
    .where('state', 'not in', ['stopped', 'finished'])
    .execute();
}
