/** Rollouts, their waves and the devices of each wave. */

import type { AssignmentState, Rollout } from '@pawl/contract/management';
import { sql } from 'kysely';
import type { Db, Trx } from './database.ts';
import type { RolloutTable } from './schema/index.ts';

export async function insertRollout(
  trx: Trx,
  row: Omit<RolloutTable, 'id' | 'state'>,
  deviceIds: readonly number[],
): Promise<number> {
  const { id } = await trx
    .insertInto('rollout')
    .values({ ...row, state: 'ready' })
    .returning('id')
    .executeTakeFirstOrThrow();
  await trx.insertInto('wave').values({ rollout_id: id, position: 1, state: 'waiting', started_ms: null }).execute();
  const BATCH = 500;
  for (let at = 0; at < deviceIds.length; at += BATCH) {
    const values = deviceIds
      .slice(at, at + BATCH)
      .map((deviceId) => ({ rollout_id: id, position: 1, device_id: deviceId }));
    await trx.insertInto('wave_device').values(values).execute();
  }
  return id;
}

export async function findRollout(db: Db, tenantId: number, id: number): Promise<RolloutTable | undefined> {
  return await db
    .selectFrom('rollout')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function updateRollout(trx: Trx, id: number, change: Partial<RolloutTable>): Promise<void> {
  await trx.updateTable('rollout').set(change).where('id', '=', id).execute();
}

export async function startWave(trx: Trx, rolloutId: number, nowMs: number): Promise<void> {
  await trx
    .updateTable('wave')
    .set({ state: 'running', started_ms: nowMs })
    .where('rollout_id', '=', rolloutId)
    .where('state', '=', 'waiting')
    .execute();
}

/** The devices of the rollout that are still there. */
export async function waveDevices(db: Db, rolloutId: number): Promise<number[]> {
  const rows = await db
    .selectFrom('wave_device')
    .innerJoin('device', 'device.id', 'wave_device.device_id')
    .select('device.id')
    .where('wave_device.rollout_id', '=', rolloutId)
    .where('device.decommissioned_ms', 'is', null)
    .orderBy('device.id')
    .execute();
  return rows.map((row) => row.id);
}

/** Ids of the rollout's assignments that are not final. */
export async function activeAssignments(db: Db, rolloutId: number): Promise<number[]> {
  const rows = await db
    .selectFrom('assignment')
    .select('id')
    .where('rollout_id', '=', rolloutId)
    .where('active', '=', sql.lit(1))
    .execute();
  return rows.map((row) => row.id);
}

/** Whether any device of the rollout is not done yet: one probe of an index, however large the rollout. */
export async function hasActiveAssignment(db: Db, rolloutId: number): Promise<boolean> {
  const row = await db
    .selectFrom('assignment')
    .select('id')
    .where('rollout_id', '=', rolloutId)
    .where('active', '=', sql.lit(1))
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

async function countStates(db: Db, rolloutId: number): Promise<Map<AssignmentState, number>> {
  const rows = await db
    .selectFrom('assignment')
    .select(['state', (eb) => eb.fn.countAll<number>().as('count')])
    .where('rollout_id', '=', rolloutId)
    .groupBy('state')
    .execute();
  return new Map(rows.map((row) => [row.state, row.count]));
}

async function countDevices(db: Db, rolloutId: number): Promise<number> {
  const row = await db
    .selectFrom('wave_device')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('rollout_id', '=', rolloutId)
    .executeTakeFirstOrThrow();
  return row.count;
}

/** Devices of the rollout that showed the version of the release by their own attributes, or proved it. */
async function countVersionSeen(db: Db, rolloutId: number): Promise<number> {
  const row = await db
    .selectFrom('assignment')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('rollout_id', '=', rolloutId)
    .where((eb) => eb.or([eb('state', '=', 'confirmed'), eb('version_seen_ms', 'is not', null)]))
    .executeTakeFirstOrThrow();
  return row.count;
}

/** A rollout as the management API shows it: counts by state, and how many count as success under its rule. */
export async function rolloutView(db: Db, row: RolloutTable): Promise<Rollout> {
  const release = await db
    .selectFrom('release')
    .select(['line', 'version'])
    .where('id', '=', row.release_id)
    .executeTakeFirstOrThrow();
  const counts = await countStates(db, row.id);
  const confirmed = counts.get('confirmed') ?? 0;
  const succeeded = {
    confirmed: () => Promise.resolve(confirmed),
    reported: () => Promise.resolve(confirmed + (counts.get('reported') ?? 0)),
    'version-seen': () => countVersionSeen(db, row.id),
  }[row.success_kind];
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
    devices: await countDevices(db, row.id),
    counts: Object.fromEntries(counts),
    succeeded: await succeeded(),
    createdAt: new Date(row.created_ms).toISOString(),
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
