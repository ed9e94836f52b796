/** Handlers of the server itself. */
import { ServerError } from '../../../acts/errors.ts';
import { ledgerSize } from '../../../store/ledger.ts';
import { type Handlers } from './handler.ts';

/** Whether it is there can be asked of a store that can be reached. */
const NO_OBJECT = '0'.repeat(64);

export const SERVER_HANDLERS: Pick<Handlers, 'health' | 'ready' | 'getMetrics'> = {
  health: async (_request, { database }) => ({ status: 'ok', ledgerSize: await ledgerSize(database.read) }),
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
