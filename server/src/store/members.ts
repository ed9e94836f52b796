/**
 * The devices of rollouts with their outcomes. Devices come in by one statement a slice of ids, whatever the size of the
 * fleet; partial indexes hold only those that wait for something. Their conditions are said with literals, because with
 * bound values SQLite cannot use them.
 */
import { setImmediate } from 'node:timers/promises';
import type { Outcome } from '@pawl/contract/management';
import { type Expression, type SqlBool, sql } from 'kysely';
import type { Db, Trx } from './database.ts';
import type { MemberTable } from './schema/index.ts';

export const POOL = 0;
export const LATE_POOL = -1;

const SLICE = 4000;
// Multiplying by the golden ratio spreads neighbours evenly over the whole range (Knuth, Fibonacci hashing).
const GOLDEN = 2_654_435_761;
const RANGE = 4_294_967_296;

export type MemberSource = {
  readonly rolloutId: number;
  readonly tenantId: number;
  readonly line: string;
  readonly condition: Expression<SqlBool>;
};

/** The last id of the next slice of devices, of whatever tenant; undefined behind the last device. */
export async function sliceEnd(db: Db, afterId: number): Promise<number | undefined> {
  const { id } = await db
    .selectFrom((eb) =>
      eb.selectFrom('device').select('id').where('id', '>', afterId).orderBy('id').limit(SLICE).as('slice'),
    )
    .select((eb) => eb.fn.max('id').as('id'))
    .executeTakeFirstOrThrow();
  return id ?? undefined;
}

/** Takes the devices with ids in (after, end] that match and are no members yet into a pool. Returns how many. */
export async function insertSlice(
  trx: Trx,
  source: MemberSource,
  slice: { readonly after: number; readonly end: number; readonly pool: number },
): Promise<number> {
  const { rolloutId, tenantId, line, condition } = source;
  // Every rollout draws anew: it is not always the same devices that go first.
  const draw = sql<number>`(device.id * ${sql.lit(GOLDEN)} + cast(${rolloutId} as bigint) * ${sql.lit(1_640_531_527)}) % ${sql.lit(RANGE)}`;
  const select = trx
    .selectFrom('device')
    .select([sql<number>`cast(${rolloutId} as bigint)`.as('rollout_id'), 'device.id as device_id'])
    .select([sql<number>`cast(${slice.pool} as bigint)`.as('position'), draw.as('draw')])
    .select([sql<Outcome>`'waiting'`.as('outcome'), sql<number>`0`.as('attempts')])
    // Not by the index of tenants and names, which would be read whole for every slice.
    .where(sql<number>`device.tenant_id + 0`, '=', tenantId)
    .where('device.id', '>', slice.after)
    .where('device.id', '<=', slice.end)
    .where('device.decommissioned_ms', 'is', null)
    .where((eb) => eb.or([eb('device.line', 'is', null), eb('device.line', '=', line)]))
    .where(condition);
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('rollout_member')
    .columns(['rollout_id', 'device_id', 'position', 'draw', 'outcome', 'attempts'])
    .expression(select)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return Number(numInsertedOrUpdatedRows ?? 0n);
}

/** Takes every device that matches; polls are answered between slices. Returns how many. */
export async function insertMembers(trx: Trx, source: MemberSource): Promise<number> {
  let devices = 0;
  for (let after = 0; ; ) {
    const end = await sliceEnd(trx, after);
    if (end === undefined) return devices;
    devices += await insertSlice(trx, source, { after, end, pool: POOL });
    after = end;
    await setImmediate();
  }
}

/** The devices that took the release of another rollout: it was seen, said or proven that they run it. Returns how many. */
export async function insertTakers(trx: Trx, rolloutId: number, badId: number): Promise<number> {
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('rollout_member')
    .columns(['rollout_id', 'device_id', 'position', 'draw', 'outcome', 'attempts'])
    .expression((eb) =>
      eb
        .selectFrom('rollout_member as m')
        .innerJoin('device as d', 'd.id', 'm.device_id')
        .select([sql<number>`cast(${rolloutId} as integer)`.as('rollout_id'), 'm.device_id'])
        .select([sql<number>`cast(${POOL} as integer)`.as('position'), 'm.draw'])
        .select([sql<Outcome>`'waiting'`.as('outcome'), sql<number>`0`.as('attempts')])
        .where('m.rollout_id', '=', badId)
        .where('d.decommissioned_ms', 'is', null)
        .where((on) =>
          on.exists(
            on
              .selectFrom('assignment as a')
              .select('a.id')
              .whereRef('a.device_id', '=', 'm.device_id')
              .where('a.rollout_id', '=', badId)
              .where('a.state', 'in', ['confirmed', 'reported']),
          ),
        ),
    )
    .executeTakeFirst();
  return Number(numInsertedOrUpdatedRows ?? 0n);
}

/** Takes one more device in, behind all others; false when it is a member. */
export async function takeLate(trx: Trx, rolloutId: number, deviceId: number): Promise<boolean> {
  const row = { rollout_id: rolloutId, device_id: deviceId, position: LATE_POOL, draw: 0, attempts: 0 };
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('rollout_member')
    .values({ ...row, outcome: 'waiting' })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return (numInsertedOrUpdatedRows ?? 0n) > 0n;
}

/** The floors of the members, each once. */
export async function memberFloors(db: Db, rolloutId: number): Promise<string[]> {
  const rows = await db
    .selectFrom('rollout_member as m')
    .innerJoin('device as d', 'd.id', 'm.device_id')
    .select('d.floor')
    .distinct()
    .where('m.rollout_id', '=', rolloutId)
    .where('d.floor', 'is not', null)
    .execute();
  return rows.flatMap(({ floor }) => (floor === null ? [] : [floor]));
}

export async function memberWithFloor(db: Db, rolloutId: number, floor: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('rollout_member as m')
    .innerJoin('device as d', 'd.id', 'm.device_id')
    .select('d.controller_id')
    .where('m.rollout_id', '=', rolloutId)
    .where('d.floor', '=', floor)
    .limit(1)
    .executeTakeFirst();
  return row?.controller_id;
}

export async function findMember(db: Db, rolloutId: number, deviceId: number): Promise<MemberTable | undefined> {
  return await db
    .selectFrom('rollout_member')
    .selectAll()
    .where('rollout_id', '=', rolloutId)
    .where('device_id', '=', deviceId)
    .executeTakeFirst();
}

export async function updateMember(
  trx: Trx,
  { rollout_id: rolloutId, device_id: deviceId }: Pick<MemberTable, 'rollout_id' | 'device_id'>,
  change: Partial<MemberTable>,
): Promise<void> {
  await trx
    .updateTable('rollout_member')
    .set(change)
    .where('rollout_id', '=', rolloutId)
    .where('device_id', '=', deviceId)
    .execute();
}

function selectCandidates(db: Db, rolloutId: number) {
  return db
    .selectFrom('rollout_member as m')
    .innerJoin('device as d', 'd.id', 'm.device_id')
    .leftJoin('assignment as a', (join) => join.onRef('a.device_id', '=', 'd.id').on('a.active', '=', sql.lit(1)))
    .leftJoin('rollout as r', 'r.id', 'a.rollout_id')
    .select(['m.device_id', 'm.position', 'm.outcome', 'd.controller_id', 'd.auto_confirm', 'd.floor'])
    .select(['d.opt_out', 'd.time_zone', 'd.own_time_zone'])
    .select(['d.decommissioned_ms', 'a.id as holder_id', 'a.state as holder_state'])
    .select(['a.rollout_id as holder_rollout_id', 'r.weight as holder_weight'])
    .where('m.rollout_id', '=', rolloutId);
}

export type CandidateRow = Awaited<ReturnType<ReturnType<typeof selectCandidates>['execute']>>[number];

/** The next devices of a pool in the order of the draw, with what they are busy with. */
export async function waitingMembers(db: Db, rolloutId: number, pool: number, limit: number): Promise<CandidateRow[]> {
  return await selectCandidates(db, rolloutId)
    .where('m.outcome', '=', sql.lit<Outcome>('waiting'))
    .where('m.position', '=', pool)
    .orderBy('m.draw')
    .limit(limit)
    .execute();
}

/** Devices that failed and wait for their next attempt, as far as nothing else keeps them busy. */
export async function retryMembers(db: Db, rolloutId: number, limit: number): Promise<CandidateRow[]> {
  return await selectCandidates(db, rolloutId)
    .where('m.outcome', '=', sql.lit<Outcome>('retry'))
    .where('a.id', 'is', null)
    .orderBy('m.draw')
    .limit(limit)
    .execute();
}

/** Gives devices another outcome; whoever calls has read them in this transaction. */
export async function setOutcome(
  trx: Trx,
  rolloutId: number,
  deviceIds: readonly number[],
  outcome: Outcome,
): Promise<void> {
  if (deviceIds.length === 0) return;
  await trx
    .updateTable('rollout_member')
    .set({ outcome })
    .where('rollout_id', '=', rolloutId)
    .where('device_id', 'in', deviceIds)
    .execute();
}

/** Devices whose new assignments have these ids: they have their place and their attempt. */
export async function setOffered(
  trx: Trx,
  rolloutId: number,
  ids: { readonly first: number; readonly last: number },
  change: { readonly outcome: Outcome; readonly position?: number },
): Promise<void> {
  await trx
    .updateTable('rollout_member')
    .from('assignment')
    .set((eb) => ({
      ...change,
      attempts: eb('rollout_member.attempts', '+', 1),
      assignment_id: eb.ref('assignment.id'),
      proof_due_ms: null,
    }))
    .whereRef('assignment.device_id', '=', 'rollout_member.device_id')
    .where('assignment.id', '>=', ids.first)
    .where('assignment.id', '<=', ids.last)
    .where('assignment.rollout_id', '=', rolloutId)
    .where('rollout_member.rollout_id', '=', rolloutId)
    .execute();
}

/** Rollouts in which the device waits for another one to let go of it: it waits for its turn again. */
export async function freeMembers(
  trx: Trx,
  deviceId: number,
): Promise<{ readonly rollout_id: number; readonly position: number }[]> {
  return await trx
    .updateTable('rollout_member')
    .set({ outcome: 'waiting' })
    .where('device_id', '=', deviceId)
    .where('outcome', '=', sql.lit<Outcome>('blocked'))
    .returning(['rollout_id', 'position'])
    .execute();
}

/** Devices that said they are done and did not prove it in time. */
export async function unprovenMembers(db: Db, nowMs: number, limit: number): Promise<MemberTable[]> {
  return await db
    .selectFrom('rollout_member')
    .selectAll()
    .where('outcome', '=', sql.lit<Outcome>('proving'))
    .where('proof_due_ms', '<=', nowMs)
    .orderBy('proof_due_ms')
    .limit(limit)
    .execute();
}

export type RetriedCount = { readonly position: number; readonly devices: number };

/** Lets devices of one outcome try again, as far as they may; returns how many by wave. */
export async function retryAll(
  trx: Trx,
  rolloutId: number,
  retry: { readonly from: 'failed' | 'silent'; readonly attemptsMax: number },
): Promise<RetriedCount[]> {
  const rows = await trx
    .selectFrom('rollout_member')
    .select(['position', (eb) => eb.fn.countAll<number>().as('devices')])
    .where('rollout_id', '=', rolloutId)
    .where('outcome', '=', retry.from)
    .where('attempts', '<', retry.attemptsMax)
    .groupBy('position')
    .execute();
  if (rows.length === 0) return [];
  await trx
    .updateTable('rollout_member')
    .set(retry.from === 'failed' ? { outcome: 'retry' } : { outcome: 'waiting', position: LATE_POOL })
    .where('rollout_id', '=', rolloutId)
    .where('outcome', '=', retry.from)
    .where('attempts', '<', retry.attemptsMax)
    .execute();
  return rows.map((row) => ({ position: row.position, devices: Number(row.devices) }));
}
