/** Handlers of the ledger. */
import { toBase64 } from '@pawl/core/bytes';
import { checkpointOf, exportLedger, proofOf } from '../../../acts/ledger.ts';
import { exportPart } from '../../../acts/ledger-part.ts';
import { listLedger, settleLedger } from '../../../store/ledger.ts';
import { readCursor } from '../cursor.ts';
import { type Handlers, PAGE, pageOf } from './handler.ts';

export const LEDGER_HANDLERS: Pick<Handlers, 'getCheckpoint' | 'listEntries' | 'getProof' | 'exportBundle'> = {
  getCheckpoint: async (_request, ports) => {
    await settleLedger(ports.database);
    return await checkpointOf(ports.database.read, ports);
  },
  listEntries: async ({ query }, { database }) => {
    await settleLedger(database);
    const limit = query.limit ?? PAGE;
    const rows = await listLedger(database.read, readCursor(query.cursor) ?? query.from ?? 0, limit + 1);
    const entries = rows.map(({ envelope, ...row }) => ({ ...row, envelope: toBase64(envelope) }));
    return pageOf(entries, limit, (entry) => String(entry.index + 1));
  },
  getProof: async ({ params }, ports) => {
    await settleLedger(ports.database);
    return await proofOf(ports.database.read, ports, params.index);
  },
  exportBundle: async ({ actor, query }, ports) => {
    await settleLedger(ports.database);
    if (Object.values(query).some((value) => value !== undefined))
      return await exportPart(ports, actor.tenantId, query);
    return await exportLedger(ports.database.read, ports, actor.tenantId);
  },
};
