/** Handlers of events. */
import type { EventType } from '@pawl/contract/management';
import { ServerError } from '../../../acts/errors.ts';
import { eventSource, eventView, visibleTypes } from '../../../acts/event.ts';
import { firstEventSeq, queryEvents } from '../../../store/events.ts';
import { ApiError } from '../../problem.ts';
import { type Handlers, PAGE, type Request } from './handler.ts';

/** @throws ApiError API_FORBIDDEN */
function typesOf({ actor, query }: Request<'listEvents'>): readonly EventType[] | undefined {
  const visible = visibleTypes(actor);
  if (query.type === undefined) return visible;
  if (visible?.includes(query.type) === false) throw new ApiError('API_FORBIDDEN', { expected: 'audit:read' });
  return [query.type];
}

export const EVENT_HANDLERS: Pick<Handlers, 'listEvents'> = {
  listEvents: async (request, ports) => {
    const { actor, query } = request;
    const db = ports.database.read;
    const types = typesOf(request);
    const before = ((await firstEventSeq(db, actor.tenantId)) ?? 1) - 1;
    const after = query.after === undefined ? before : Number(query.after);
    if (after < before) throw new ServerError('EVENTS_GONE', { after, expected: before });
    const limit = query.limit ?? PAGE;
    const { rows, last } = await queryEvents(db, { tenantId: actor.tenantId, after, limit, types, line: query.line });
    const source = await eventSource(db, ports, actor.tenantId);
    return { items: rows.map((row) => eventView(row, source)), last: String(last) };
  },
};
