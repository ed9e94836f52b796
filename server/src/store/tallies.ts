/**
 * How many devices of a rollout have which outcome, by wave. A change is a row of its own, so that devices that report at
 * the same time do not wait for each other; the engine sums the rows up, so that reading the counts stays cheap.
 */
import type { Outcome } from '@pawl/contract/management';
import type { Db, Trx } from './database.ts';

/** Outcome counts by wave; position 0: no place yet, -1: no place yet and joined later. */
export type Tallies = ReadonlyMap<number, Readonly<Partial<Record<Outcome, number>>>>;

export type TallyChange = { readonly position: number; readonly outcome: Outcome; readonly change: number };

export async function addTallies(trx: Trx, rolloutId: number, changes: readonly TallyChange[]): Promise<void> {
  const values = changes.filter(({ change }) => change !== 0).map((change) => ({ rollout_id: rolloutId, ...change }));
  if (values.length > 0) await trx.insertInto('rollout_tally').values(values).execute();
}

function summed(rows: readonly TallyChange[]): Tallies {
  const tallies = new Map<number, Partial<Record<Outcome, number>>>();
  for (const { position, outcome, change } of rows) {
    const counts = tallies.get(position) ?? {};
    tallies.set(position, { ...counts, [outcome]: (counts[outcome] ?? 0) + change });
  }
  return tallies;
}

export async function readTallies(db: Db, rolloutId: number): Promise<Tallies> {
  const rows = await db
    .selectFrom('rollout_tally')
    .select(['position', 'outcome', (eb) => eb.fn.sum<number>('change').as('change')])
    .where('rollout_id', '=', rolloutId)
    .groupBy(['position', 'outcome'])
    .execute();
  return summed(rows.map((row) => ({ ...row, change: Number(row.change) })));
}

/** More rows than this are summed up into one a count. */
const ROWS_MAX = 256;

/** Sums the rows up when there are many. The caller holds the rollout; what others add meanwhile stays. */
export async function foldTallies(trx: Trx, rolloutId: number): Promise<void> {
  const over = await trx
    .selectFrom('rollout_tally')
    .select('id')
    .where('rollout_id', '=', rolloutId)
    .offset(ROWS_MAX)
    .limit(1)
    .execute();
  if (over.length === 0) return;
  const rows = await trx
    .deleteFrom('rollout_tally')
    .where('rollout_id', '=', rolloutId)
    .returning(['position', 'outcome', 'change'])
    .execute();
  const changes = [...summed(rows)].flatMap(([position, counts]) =>
    Object.entries(counts).map(([outcome, change]) => ({ position, outcome: outcome as Outcome, change })),
  );
  await addTallies(trx, rolloutId, changes);
}
