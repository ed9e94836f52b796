/** Handlers of the evidence vault. */
import {
  addEvidence,
  evidenceView,
  mustFindEvidence,
  putEvidenceFile,
  withdrawEvidence,
} from '../../../acts/evidence/vault.ts';
import { queryEvidence } from '../../../store/evidence.ts';
import { readCursor } from '../cursor.ts';
import { DONE, type Handlers, PAGE, pageOf } from './handler.ts';

export const EVIDENCE_HANDLERS: Pick<
  Handlers,
  'putEvidenceFile' | 'addEvidence' | 'listEvidence' | 'getEvidence' | 'getEvidenceFile' | 'withdrawEvidence'
> = {
  putEvidenceFile: async ({ actor, params, query, body }, ports) => {
    await putEvidenceFile(ports, actor.tenantId, { ...params, ...query }, body);
    return DONE;
  },
  addEvidence: ({ actor, body }, ports) => addEvidence(ports, actor, body),
  listEvidence: async ({ actor, query }, { database }) => {
    const { product, state, cursor } = query;
    const limit = query.limit ?? PAGE;
    const at = { beforeId: readCursor(cursor), limit: limit + 1 };
    const rows = await queryEvidence(database.read, { tenantId: actor.tenantId, product, state, ...at });
    return pageOf(rows.map(evidenceView), limit, ({ id }) => String(id));
  },
  getEvidence: async ({ actor, params }, { database }) =>
    evidenceView(await mustFindEvidence(database.read, actor.tenantId, params.id)),
  getEvidenceFile: async ({ actor, params }, { database, blobs }) => {
    const { sha256 } = await mustFindEvidence(database.read, actor.tenantId, params.id);
    return await blobs.readVerified(sha256);
  },
  withdrawEvidence: ({ actor, params, body }, ports) => withdrawEvidence(ports, actor, params.id, body.reason),
};
