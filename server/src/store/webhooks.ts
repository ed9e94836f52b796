/** Webhooks and their dead letters. Who delivers for a webhook holds its lease; nobody else touches it meanwhile. */
import type { DeadLetter, EventType, Webhook } from '@pawl/contract/management';
import { sql } from 'kysely';
import type { Db, Trx } from './database.ts';
import type { DeadLetterTable, WebhookTable } from './schema/index.ts';

export function typesOfWebhook({ types }: WebhookTable): EventType[] | undefined {
  return types === null ? undefined : (JSON.parse(types) as EventType[]);
}

/** A webhook as the management API shows it: without its secrets. */
export function webhookView(row: WebhookTable): Webhook {
  return {
    id: row.id,
    url: row.url,
    types: typesOfWebhook(row) ?? null,
    line: row.line,
    state: row.state,
    delivered: String(row.done_seq),
    attempts: row.attempts,
    nextAttemptAt: row.attempts === 0 ? null : new Date(row.next_ms).toISOString(),
    lastOutcome: row.last_outcome,
    missed: row.missed,
    createdAt: new Date(row.created_ms).toISOString(),
  };
}

export function deadLetterView(row: DeadLetterTable): DeadLetter {
  return {
    id: row.id,
    eventId: String(row.seq),
    type: row.type,
    attempts: row.attempts,
    lastOutcome: row.last_outcome,
    isQueued: row.is_queued === 1,
    diedAt: new Date(row.died_ms).toISOString(),
  };
}

export async function insertWebhook(
  trx: Trx,
  row: Pick<WebhookTable, 'tenant_id' | 'url' | 'types' | 'line' | 'done_seq' | 'created_ms'>,
): Promise<WebhookTable> {
  const values = {
    ...row,
    state: 'active' as const,
    // Sealed for this very webhook as soon as it has its number.
    secret: new Uint8Array(),
    previous_secret: null,
    previous_until_ms: null,
    attempts: 0,
    next_ms: 0,
    lease: null,
    lease_until_ms: 0,
    dead_in_a_row: 0,
    last_outcome: null,
    missed: 0,
    is_sealed: 1,
  };
  return await trx.insertInto('webhook').values(values).returningAll().executeTakeFirstOrThrow();
}

/** Those whose secrets an earlier version stored as they are. */
export async function plainWebhooks(db: Db): Promise<WebhookTable[]> {
  return await db.selectFrom('webhook').selectAll().where('is_sealed', '=', 0).orderBy('id').execute();
}

export async function listWebhooks(db: Db, tenantId: number): Promise<WebhookTable[]> {
  return await db.selectFrom('webhook').selectAll().where('tenant_id', '=', tenantId).orderBy('id').execute();
}

export async function findWebhook(db: Db, tenantId: number, id: number): Promise<WebhookTable | undefined> {
  return await db
    .selectFrom('webhook')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function updateWebhook(trx: Trx, id: number, change: Partial<WebhookTable>): Promise<WebhookTable> {
  return await trx.updateTable('webhook').set(change).where('id', '=', id).returningAll().executeTakeFirstOrThrow();
}

export async function deleteWebhook(trx: Trx, id: number): Promise<void> {
  await trx.deleteFrom('dead_letter').where('webhook_id', '=', id).execute();
  await trx.deleteFrom('webhook').where('id', '=', id).execute();
}

/** Webhooks that have something to deliver now: an event that is due, or a dead letter that is to go out once more. */
export async function dueWebhooks(db: Db, nowMs: number, bounds: { readonly farMs: number }): Promise<number[]> {
  // A time that is further ahead than any that is ever set was set by a clock that went wrong since.
  const far = nowMs + bounds.farMs;
  const rows = await db
    .selectFrom('webhook')
    .select('id')
    .where('state', '=', 'active')
    .where((eb) => eb.or([eb('lease_until_ms', '<=', nowMs), eb('lease_until_ms', '>', far)]))
    .where((eb) =>
      eb.or([
        eb.and([
          eb.or([eb('next_ms', '<=', nowMs), eb('next_ms', '>', far)]),
          eb.exists(
            eb
              .selectFrom('event')
              .select('event.id')
              .whereRef('event.tenant_id', '=', 'webhook.tenant_id')
              .whereRef('event.seq', '>', 'webhook.done_seq'),
          ),
        ]),
        eb.exists(
          eb
            .selectFrom('dead_letter')
            .select('dead_letter.id')
            .whereRef('dead_letter.webhook_id', '=', 'webhook.id')
            .where('is_queued', '=', sql.lit(1)),
        ),
      ]),
    )
    .orderBy('next_ms')
    .limit(100)
    .execute();
  return rows.map(({ id }) => id);
}

/** Takes the lease of a webhook, unless somebody has it. */
export async function leaseWebhook(
  trx: Trx,
  id: number,
  lease: { readonly name: string; readonly nowMs: number; readonly untilMs: number; readonly farMs: number },
): Promise<WebhookTable | undefined> {
  return await trx
    .updateTable('webhook')
    .set({ lease: lease.name, lease_until_ms: lease.untilMs })
    .where('id', '=', id)
    .where('state', '=', 'active')
    .where((eb) =>
      eb.or([eb('lease_until_ms', '<=', lease.nowMs), eb('lease_until_ms', '>', lease.nowMs + lease.farMs)]),
    )
    .returningAll()
    .executeTakeFirst();
}

/** Changes a webhook whose lease one still has; undefined when it was lost, or the webhook is gone. */
export async function updateLeased(
  trx: Trx,
  held: { readonly id: number; readonly lease: string },
  change: Partial<WebhookTable>,
): Promise<WebhookTable | undefined> {
  return await trx
    .updateTable('webhook')
    .set(change)
    .where('id', '=', held.id)
    .where('lease', '=', held.lease)
    .returningAll()
    .executeTakeFirst();
}

const DEAD_LETTERS_MAX = 1000;

/** Keeps what was given up; beyond a bound the oldest are forgotten. */
export async function insertDeadLetter(trx: Trx, row: Omit<DeadLetterTable, 'id' | 'is_queued'>): Promise<void> {
  await trx
    .insertInto('dead_letter')
    .values({ ...row, is_queued: 0 })
    .execute();
  const kept = trx
    .selectFrom('dead_letter')
    .select('id')
    .where('webhook_id', '=', row.webhook_id)
    .orderBy('id', 'desc')
    .limit(DEAD_LETTERS_MAX);
  await trx.deleteFrom('dead_letter').where('webhook_id', '=', row.webhook_id).where('id', 'not in', kept).execute();
}

export async function listDeadLetters(
  db: Db,
  query: { readonly webhookId: number; readonly afterId: number; readonly limit: number },
): Promise<DeadLetterTable[]> {
  return await db
    .selectFrom('dead_letter')
    .selectAll()
    .where('webhook_id', '=', query.webhookId)
    .where('id', '>', query.afterId)
    .orderBy('id')
    .limit(query.limit)
    .execute();
}

/** Queues dead letters for one more delivery: those that are named, or all. How many they are. */
export async function queueDeadLetters(trx: Trx, webhookId: number, ids?: readonly number[]): Promise<number> {
  let update = trx.updateTable('dead_letter').set({ is_queued: 1 }).where('webhook_id', '=', webhookId);
  if (ids !== undefined) update = update.where('id', 'in', ids);
  return Number((await update.executeTakeFirst()).numUpdatedRows);
}

export async function nextQueuedLetter(db: Db, webhookId: number): Promise<DeadLetterTable | undefined> {
  return await db
    .selectFrom('dead_letter')
    .selectAll()
    .where('webhook_id', '=', webhookId)
    .where('is_queued', '=', sql.lit(1))
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
}

/** Ends a redelivery: it is gone when it went well, and dead again when not. */
export async function settleLetter(
  trx: Trx,
  row: DeadLetterTable,
  outcome: { readonly isDelivered: boolean; readonly text: string },
): Promise<void> {
  if (outcome.isDelivered) await trx.deleteFrom('dead_letter').where('id', '=', row.id).execute();
  else {
    const change = { is_queued: 0, attempts: row.attempts + 1, last_outcome: outcome.text };
    await trx.updateTable('dead_letter').set(change).where('id', '=', row.id).execute();
  }
}
