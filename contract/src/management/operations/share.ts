/** Views of one product's evidence for economic operators, buyers and authorities. What they see is a page of its own. */
import { z } from 'zod';
import { productName } from '../resources/names.ts';
import { newShare, sentShare, share, shareEnd } from '../resources/share.ts';
import { byId, cursor, limit, type OperationTable, page } from './operation.ts';

export const SHARE_OPERATIONS = {
  makeShare: {
    method: 'POST',
    path: '/api/v1/shares',
    summary: "Let somebody look at one product's evidence by a link; the answer has its secrets, once",
    allow: 'evidence:write',
    body: newShare,
    response: sentShare,
    errors: ['PRODUCT_UNKNOWN', 'EVIDENCE_UNKNOWN'],
  },
  listShares: {
    method: 'GET',
    path: '/api/v1/shares',
    summary: 'Who may look by a link, newest first',
    allow: 'evidence:read',
    query: z.strictObject({ product: productName.optional(), cursor, limit }),
    response: page(share),
    errors: [],
  },
  revokeShare: {
    method: 'POST',
    path: '/api/v1/shares/{id}/revoke',
    summary: 'End a share at once',
    allow: 'evidence:write',
    params: byId,
    body: shareEnd,
    response: share,
    errors: ['SHARE_UNKNOWN', 'SHARE_ENDED'],
  },
} as const satisfies OperationTable;
