/** Handlers of the ledger. */
import { toBase64 } from '@pawl/core/bytes';
import { checkpointOf, exportLedger, proofOf, readableBy } from '../../../acts/ledger.ts';
import { exportPart } from '../../../acts/ledger-part.ts';
import { witnessViews } from '../../../acts/ledger-witnesses.ts';
import { listLedger, settleLedger } from '../../../store/ledger.ts';
import { readCursor } from '../cursor.ts';
import { type Handlers, PAGE, pageOf } from './handler.ts';

export const LEDGER_HANDLERS: Pick<
  Handlers,
  'getCheckpoint' | 'listEntries' | 'getProof' | 'listWitnesses' | 'exportBundle'
> = {
  getCheckpoint: async (_request, ports) => {
    await settleLedger(ports.database);
    return await checkpointOf(ports.database.read, ports);
  },
  listEntries: async ({ actor, query }, { database }) => {
    await settleLedger(database);
    const readable = await readableBy(database.read, actor.tenantId);
    const limit = query.limit ?? PAGE;
    const from = readCursor(query.cursor) ?? query.from ?? 0;
    const rows = await listLedger(database.read, from, limit + 1, readable);
    const entries = rows.map(({ envelope, tenantId: _whose, ...row }) => ({ ...row, envelope: toBase64(envelope) }));
    return pageOf(entries, limit, (entry) => String(entry.index + 1));
  },
  getProof: async ({ actor, params }, ports) => {
    await settleLedger(ports.database);
    return await proofOf(ports.database.read, ports, { index: params.index, tenantId: actor.tenantId });
  },
  listWitnesses: async (_request, ports) => ({ items: await witnessViews(ports) }),
  exportBundle: async ({ actor, query }, ports) => {
    await settleLedger(ports.database);
    const isPart = Object.values(query).some((value) => value !== undefined);
    const isAll = !isPart && (await readableBy(ports.database.read, actor.tenantId)) === undefined;
    if (isAll) return await exportLedger(ports.database.read, ports, actor.tenantId);
    return await exportPart(ports, actor.tenantId, query);
  },
};
