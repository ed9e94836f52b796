/**
 * Claims of work that several server processes may find at the same time. What is claimed belongs to the transaction; who
 * comes second leaves it and looks again later. On SQLite there is one process and one writer: everything is free.
 */
import { PostgresAdapter } from 'kysely';
import type { Trx } from './database.ts';
import type { RolloutTable } from './schema/index.ts';

/** The rollout as it is in this transaction; undefined when another process works on it, or when it is gone. */
export async function tryLockRollout(trx: Trx, id: number): Promise<RolloutTable | undefined> {
  const select = trx.selectFrom('rollout').selectAll().where('id', '=', id);
  const isShared = trx.getExecutor().adapter instanceof PostgresAdapter;
  return await (isShared ? select.forUpdate().skipLocked() : select).executeTakeFirst();
}
