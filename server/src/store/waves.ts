/** The waves of rollouts. */
import type { PlannedWave } from '../domain/rollout-plan.ts';
import type { Db, Trx } from './database.ts';
import type { WaveTable } from './schema/index.ts';

export async function insertWaves(trx: Trx, rolloutId: number, waves: readonly PlannedWave[]): Promise<void> {
  const rows = waves.map((wave, index) => ({
    rollout_id: rolloutId,
    position: index + 1,
    state: 'waiting' as const,
    started_ms: null,
    share_bp: wave.shareBp,
    places: wave.places,
    size: null,
    success_bp: wave.successBp,
    error_bp: wave.errorBp,
    soak_s: wave.soakS,
    soaking_ms: null,
    ended_ms: null,
    excused_answered: 0,
    excused_errors: 0,
  }));
  await trx.insertInto('wave').values(rows).execute();
}

/** In their order. */
export async function listWaves(db: Db, rolloutId: number): Promise<WaveTable[]> {
  return await db.selectFrom('wave').selectAll().where('rollout_id', '=', rolloutId).orderBy('position').execute();
}

export async function updateWave(
  trx: Trx,
  { rollout_id: rolloutId, position }: Pick<WaveTable, 'rollout_id' | 'position'>,
  change: Partial<WaveTable>,
): Promise<void> {
  await trx
    .updateTable('wave')
    .set(change)
    .where('rollout_id', '=', rolloutId)
    .where('position', '=', position)
    .execute();
}
