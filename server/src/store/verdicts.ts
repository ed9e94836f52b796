/** What people said about rollouts before they could start. */
import type { Insertable } from 'kysely';
import type { Db, Trx } from './database.ts';
import type { RolloutSchema } from './schema/rollout.ts';

export async function insertVerdict(trx: Trx, row: Insertable<RolloutSchema['rollout_verdict']>): Promise<void> {
  await trx.insertInto('rollout_verdict').values(row).execute();
}

function selectVerdicts(db: Db, rolloutId: number) {
  return db
    .selectFrom('rollout_verdict as v')
    .innerJoin('person as p', 'p.id', 'v.person_id')
    .selectAll('v')
    .select(['p.state as person_state', 'p.roles as person_roles'])
    .where('v.rollout_id', '=', rolloutId)
    .orderBy('v.id');
}

export type VerdictRow = Awaited<ReturnType<ReturnType<typeof selectVerdicts>['execute']>>[number];

/** Oldest first. */
export async function listVerdicts(db: Db, rolloutId: number): Promise<VerdictRow[]> {
  return await selectVerdicts(db, rolloutId).execute();
}

/** Takes back what a person approved; false when there is nothing. */
export async function withdrawVerdicts(trx: Trx, rolloutId: number, personId: number, nowMs: number): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('rollout_verdict')
    .set({ withdrawn_ms: nowMs })
    .where('rollout_id', '=', rolloutId)
    .where('person_id', '=', personId)
    .where('verdict', '=', 'approved')
    .where('withdrawn_ms', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
