/** Handlers of shares. */
import { makeShare, revokeShare, shareView } from '../../../acts/supply/share.ts';
import { queryShares } from '../../../store/shares.ts';
import { readCursor } from '../cursor.ts';
import { type Handlers, PAGE, pageOf } from './handler.ts';

export const SHARE_HANDLERS: Pick<Handlers, 'makeShare' | 'listShares' | 'revokeShare'> = {
  makeShare: ({ actor, body }, ports) => makeShare(ports, actor, body),
  listShares: async ({ actor, query }, { database, now }) => {
    const { product, cursor } = query;
    const limit = query.limit ?? PAGE;
    const at = { beforeId: readCursor(cursor), limit: limit + 1 };
    const rows = await queryShares(database.read, { tenantId: actor.tenantId, product, ...at });
    return pageOf(
      rows.map((row) => shareView(row, now())),
      limit,
      ({ id }) => String(id),
    );
  },
  revokeShare: ({ actor, params, body }, ports) => revokeShare(ports, actor, params.id, body.reason),
};
