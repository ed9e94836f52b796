/** Handlers of Mender clients that want to be let in. */
import { acceptMenderRequest, preauthoriseMender, rejectMenderRequest } from '../../../acts/mender-admission.ts';
import { menderRequestView, queryMenderAuths } from '../../../store/mender.ts';
import { readCursor } from '../cursor.ts';
import { type Handlers, PAGE, pageOf } from './handler.ts';

export const MENDER_HANDLERS: Pick<
  Handlers,
  'listMenderRequests' | 'acceptMenderRequest' | 'rejectMenderRequest' | 'preauthoriseMender'
> = {
  listMenderRequests: async ({ actor, query }, { database }) => {
    const limit = query.limit ?? PAGE;
    const rows = await queryMenderAuths(database.read, {
      tenantId: actor.tenantId,
      state: query.state,
      afterId: readCursor(query.cursor),
      limit: limit + 1,
    });
    return pageOf(rows.map(menderRequestView), limit, ({ id }) => String(id));
  },
  acceptMenderRequest: ({ actor, params, body }, ports) => acceptMenderRequest(ports, actor, params.id, body),
  rejectMenderRequest: ({ actor, params }, ports) => rejectMenderRequest(ports, actor, params.id),
  preauthoriseMender: ({ actor, body }, ports) => preauthoriseMender(ports, actor, body),
};
