/**
 * Requests that came with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07): who asked, under which key, for
 * what, and the answer. The row comes with the transaction that does what was asked, so that it is done once, whatever stops
 * in between; the answer follows. It is sealed by whoever asked (http/management/kept-answer.ts): answers show secrets once.
 */
import type { Selectable } from 'kysely';
import type { Db, Trx } from './database.ts';
import type { Schema } from './schema/index.ts';

export type KeptAnswerTable = Selectable<Schema['kept_answer']>;
export type KeptAnswerName = Pick<KeptAnswerTable, 'credential' | 'key_sha256'>;

/** How long an answer is given again. */
const KEPT_MS = 86_400_000;

export async function findKeptAnswer(
  db: Db,
  { credential, key_sha256 }: KeptAnswerName,
  nowMs: number,
): Promise<KeptAnswerTable | undefined> {
  return await db
    .selectFrom('kept_answer')
    .selectAll()
    .where('credential', '=', credential)
    .where('key_sha256', '=', key_sha256)
    .where('created_ms', '>', nowMs - KEPT_MS)
    .executeTakeFirst();
}

/** Whether the key is this request's now; false: it came before. */
export async function takeIdempotencyKey(trx: Trx, row: Omit<KeptAnswerTable, 'answer'>): Promise<boolean> {
  const { credential, key_sha256, created_ms } = row;
  await trx
    .deleteFrom('kept_answer')
    .where('credential', '=', credential)
    .where('key_sha256', '=', key_sha256)
    .where('created_ms', '<=', created_ms - KEPT_MS)
    .execute();
  const made = await trx
    .insertInto('kept_answer')
    .values({ ...row, answer: null })
    .onConflict((conflict) => conflict.doNothing())
    .returning('created_ms')
    .executeTakeFirst();
  return made !== undefined;
}

export async function keepAnswer(
  trx: Trx,
  { credential, key_sha256 }: KeptAnswerName,
  answer: Uint8Array,
): Promise<void> {
  await trx
    .updateTable('kept_answer')
    .set({ answer })
    .where('credential', '=', credential)
    .where('key_sha256', '=', key_sha256)
    .execute();
}

/** Forgets what was kept long enough, at most `limit`; returns how many went. */
export async function pruneKeptAnswers(trx: Trx, nowMs: number, limit: number): Promise<number> {
  const old = await trx
    .selectFrom('kept_answer')
    .select(['credential', 'key_sha256'])
    .where('created_ms', '<=', nowMs - KEPT_MS)
    .orderBy('created_ms')
    .limit(limit)
    .execute();
  for (const { credential, key_sha256 } of old) {
    await trx
      .deleteFrom('kept_answer')
      .where('credential', '=', credential)
      .where('key_sha256', '=', key_sha256)
      .execute();
  }
  return old.length;
}
