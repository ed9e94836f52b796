/** Handlers of the server itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ServerError } from '../../../acts/errors.ts';
import { ledgerSize } from '../../../store/ledger.ts';
import { type Handlers } from './handler.ts';

/** Whether it is there can be asked of a store that can be reached. */
const NO_OBJECT = '0'.repeat(64);
/** How long a database may take before it counts as away. */
const HEALTH_MS = 1000;

export const SERVER_HANDLERS: Pick<Handlers, 'health' | 'ready' | 'getMetrics'> = {
  health: async (_request, { database }) => {
    // Who restarts what is not well would only make it worse while the database is away.
    const late = sleep(HEALTH_MS, null, { ref: false });
    return { status: 'ok', ledgerSize: await Promise.race([ledgerSize(database.read).catch(() => null), late]) };
  },
  ready: async (_request, { database, blobs, life }) => {
    try {
      await ledgerSize(database.read);
      await blobs.has(NO_OBJECT);
    } catch (cause) {
      throw new ServerError('SERVER_NOT_READY', {}, cause);
    }
    if (life.isDraining) throw new ServerError('SERVER_NOT_READY');
    return { status: 'ready' };
  },
  getMetrics: (_request, { database, life }) => life.metrics(database),
};
