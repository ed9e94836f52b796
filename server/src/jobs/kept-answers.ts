import type { ServerPorts } from '../acts/ports.ts';
import { pruneKeptAnswers } from '../store/kept-answers.ts';

const BATCH = 500;

/** Forgets answers that were kept for a day; batch by batch, so that other writes come in between. */
export async function forgetKeptAnswers({ database, now }: Pick<ServerPorts, 'database' | 'now'>): Promise<void> {
  const nowMs = now().getTime();
  while ((await database.write((trx) => pruneKeptAnswers(trx, nowMs, BATCH))) === BATCH);
}
