/** What the database holds, in numbers for monitoring. Nothing here looks at every device or assignment. */
import type { Db } from './database.ts';
import { ledgerSize } from './ledger.ts';

export type Figures = {
  readonly ledgerEntries: number;
  readonly statementsWaiting: number;
  readonly eventsWaiting: number;
  readonly deliveriesWaiting: number;
  readonly deadLetters: number;
  readonly blobBytes: number;
  readonly rollouts: ReadonlyMap<string, number>;
  readonly outcomes: ReadonlyMap<string, number>;
  readonly webhooks: ReadonlyMap<string, number>;
};

async function countDeadLetters(db: Db): Promise<number> {
  const row = await db
    .selectFrom('dead_letter')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

async function countWaiting(db: Db): Promise<number> {
  const row = await db
    .selectFrom('event')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('seq', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

async function countStatements(db: Db): Promise<number> {
  const row = await db
    .selectFrom('ledger_pending')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Places in the stream that webhooks which are delivered to have not come to yet, those that they will pass over included. */
async function countDeliveries(db: Db): Promise<number> {
  const row = await db
    .selectFrom('webhook')
    .select((eb) =>
      eb.fn
        .sum<number | null>(
          eb(
            eb
              .selectFrom('event')
              .select((inner) => inner.fn.coalesce(inner.fn.max('event.seq'), inner.ref('webhook.done_seq')).as('last'))
              .whereRef('event.tenant_id', '=', 'webhook.tenant_id'),
            '-',
            eb.ref('webhook.done_seq'),
          ),
        )
        .as('count'),
    )
    .where('webhook.state', '=', 'active')
    .executeTakeFirstOrThrow();
  return Number(row.count ?? 0);
}

async function countBy(db: Db, table: 'rollout' | 'webhook'): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom(table)
    .select(['state', (eb) => eb.fn.countAll<number>().as('count')])
    .groupBy('state')
    .execute();
  return new Map(rows.map(({ state, count }) => [state, Number(count)]));
}

async function sumOutcomes(db: Db): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('rollout_tally')
    .select(['outcome', (eb) => eb.fn.sum<number>('change').as('count')])
    .groupBy('outcome')
    .execute();
  return new Map(rows.map(({ outcome, count }) => [outcome, Number(count)]));
}

async function sumBlobs(db: Db): Promise<number> {
  const row = await db
    .selectFrom('artifact')
    .select((eb) => eb.fn.sum<number | null>('size_bytes').as('bytes'))
    .where('uploaded_ms', 'is not', null)
    .executeTakeFirstOrThrow();
  return Number(row.bytes ?? 0);
}

export async function readFigures(db: Db): Promise<Figures> {
  return {
    ledgerEntries: await ledgerSize(db),
    statementsWaiting: await countStatements(db),
    eventsWaiting: await countWaiting(db),
    deliveriesWaiting: await countDeliveries(db),
    deadLetters: await countDeadLetters(db),
    blobBytes: await sumBlobs(db),
    rollouts: await countBy(db, 'rollout'),
    outcomes: await sumOutcomes(db),
    webhooks: await countBy(db, 'webhook'),
  };
}
