/**
 * The stream of events of each tenant. An event is written in the transaction of what it tells, without a place in the
 * stream; its place (`seq`) is given afterwards, by one process at a time. So nobody who has read up to a place ever misses
 * an event whose transaction was slower, and transactions of one tenant do not wait for each other.
 */
import type { EventType } from '@pawl/contract/management';
import { sql } from 'kysely';
import type { Db, Trx } from './database.ts';
import type { EventTable } from './schema/index.ts';

const INSERT_ROWS = 100;

/** Written with what the events tell. */
export async function insertEvents(trx: Trx, rows: readonly Omit<EventTable, 'id' | 'seq'>[]): Promise<void> {
  for (let at = 0; at < rows.length; at += INSERT_ROWS) {
    const values = rows.slice(at, at + INSERT_ROWS).map((row) => ({ ...row, seq: null }));
    await trx.insertInto('event').values(values).execute();
  }
}

/** Whether events wait for their place. */
export async function hasUnplacedEvents(db: Db): Promise<boolean> {
  const row = await db.selectFrom('event').select('id').where('seq', 'is', null).limit(1).executeTakeFirst();
  return row !== undefined;
}

/** Gives at most `limit` events their place; how many it were. Never two at a time: the caller sees to that. */
export async function placeEvents(trx: Trx, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    update event set seq = placed.seq
    from (
      select waiting.id,
        coalesce((select max(before.seq) from event as before where before.tenant_id = waiting.tenant_id), 0)
          + row_number() over (partition by waiting.tenant_id order by waiting.id) as seq
      from (select id, tenant_id from event where seq is null order by id limit ${limit}) as waiting
    ) as placed
    where event.id = placed.id`.execute(trx);
  return Number(numAffectedRows ?? 0n);
}

/** The last place of the stream; 0 when nothing happened yet. */
export async function lastEventSeq(db: Db, tenantId: number): Promise<number> {
  const row = await db
    .selectFrom('event')
    .select((eb) => eb.fn.max('seq').as('seq'))
    .where('tenant_id', '=', tenantId)
    .executeTakeFirst();
  return row?.seq ?? 0;
}

/** The first place that is still kept; undefined when nothing happened yet. */
export async function firstEventSeq(db: Db, tenantId: number): Promise<number | undefined> {
  const row = await db
    .selectFrom('event')
    .select((eb) => eb.fn.min('seq').as('seq'))
    .where('tenant_id', '=', tenantId)
    .executeTakeFirst();
  return row?.seq ?? undefined;
}

export type EventRange = {
  readonly tenantId: number;
  readonly after: number;
  readonly limit: number;
  readonly types?: readonly EventType[] | undefined;
  readonly line?: string | undefined;
};
export type PlacedEvent = EventTable & { readonly seq: number };

/** However rare what a filter lets through, one read looks at no more events than this. */
const SCAN_MAX = 5000;

/** Events behind a place that a filter lets through, in order, and up to which place was looked. */
export async function queryEvents(db: Db, range: EventRange): Promise<{ rows: PlacedEvent[]; last: number }> {
  const head = await lastEventSeq(db, range.tenantId);
  const end = Math.min(head, range.after + SCAN_MAX);
  if (end <= range.after) return { rows: [], last: range.after };
  let select = db.selectFrom('event').selectAll().where('tenant_id', '=', range.tenantId);
  if (range.types !== undefined) select = select.where('type', 'in', range.types);
  if (range.line !== undefined) select = select.where('line', '=', range.line);
  const found = await select
    .where('seq', '>', range.after)
    .where('seq', '<=', end)
    .orderBy('seq')
    .limit(range.limit)
    .execute();
  const rows = found.map((row) => ({ ...row, seq: row.seq ?? 0 }));
  return { rows, last: rows.length < range.limit ? end : (rows.at(-1)?.seq ?? end) };
}

/** Forgets at most `limit` events that are older than a time or beyond a count; the newest of a tenant always stays. */
export async function pruneEvents(
  trx: Trx,
  bounds: { readonly tenantId: number; readonly beforeMs: number; readonly keepMax: number; readonly limit: number },
): Promise<number> {
  const last = await lastEventSeq(trx, bounds.tenantId);
  const old = trx
    .selectFrom('event')
    .select('id')
    .where('tenant_id', '=', bounds.tenantId)
    .where('seq', '<', last)
    .where((eb) => eb.or([eb('at_ms', '<', bounds.beforeMs), eb('seq', '<=', last - bounds.keepMax)]))
    .orderBy('seq')
    .limit(bounds.limit);
  const { numDeletedRows } = await trx.deleteFrom('event').where('id', 'in', old).executeTakeFirst();
  return Number(numDeletedRows);
}
