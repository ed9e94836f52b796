/** Gives events their place in the stream, and forgets those that were kept long enough. */
import type { ServerPorts } from '../acts/ports.ts';
import { tenantIds } from '../store/access.ts';
import { hasUnplacedEvents, placeEvents, pruneEvents } from '../store/events.ts';

const BATCH = 1000;

/** Places what waits; batch by batch, so that other writes come in between. */
export async function placeNewEvents({ database }: ServerPorts): Promise<void> {
  while (await hasUnplacedEvents(database.read)) {
    await database.writeInTurn('events', (trx) => placeEvents(trx, BATCH));
  }
}

export type EventRetention = {
  /** Events older than this are forgotten. */
  readonly keepDays: number;
  /** How many a tenant keeps at most. */
  readonly keepMax: number;
};

/** Forgets events that are beyond what is kept. */
export async function forgetOldEvents(
  ports: Pick<ServerPorts, 'database' | 'now'>,
  { keepDays, keepMax }: EventRetention,
): Promise<void> {
  const beforeMs = ports.now().getTime() - keepDays * 86_400_000;
  for (const tenantId of await tenantIds(ports.database.read)) {
    const bounds = { tenantId, beforeMs, keepMax, limit: BATCH };
    while ((await ports.database.write((trx) => pruneEvents(trx, bounds))) === BATCH);
  }
}
