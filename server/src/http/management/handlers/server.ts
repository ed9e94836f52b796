/** Handlers of the server itself. */
import { ledgerSize } from '../../../store/ledger.ts';
import { type Handlers } from './handler.ts';

export const SERVER_HANDLERS: Pick<Handlers, 'health'> = {
  health: async (_request, { database }) => ({ status: 'ok', ledgerSize: await ledgerSize(database.read) }),
};
