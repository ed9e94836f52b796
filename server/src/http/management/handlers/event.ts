/** Handlers of events. */
import type { EventType } from '@pawl/contract/management';
import { ServerError } from '../../../acts/errors.ts';
import { eventSource, eventView, visibleTypes } from '../../../acts/event.ts';
import { eventStream } from '../../../acts/event-stream.ts';
import type { ServerLife } from '../../../acts/life.ts';
import type { Db } from '../../../store/database.ts';
import { firstEventSeq, queryEvents } from '../../../store/events.ts';
import { ApiError } from '../../errors.ts';
import { type Handlers, PAGE, type Request } from './handler.ts';

/** @throws ApiError API_FORBIDDEN */
function typesOf({
  actor,
  query,
}: Pick<Request<'listEvents' | 'streamEvents'>, 'actor' | 'query'>): readonly EventType[] | undefined {
  const visible = visibleTypes(actor);
  if (query.type === undefined) return visible;
  if (visible?.includes(query.type) === false) throw new ApiError('API_FORBIDDEN', { expected: 'audit:read' });
  return [query.type];
}

async function beforeFirst(db: Db, tenantId: number): Promise<number> {
  return ((await firstEventSeq(db, tenantId)) ?? 1) - 1;
}

/** @throws ApiError API_REQUEST_INVALID */
function readPlace(header: string | string[] | undefined): number | undefined {
  if (header === undefined || header === '') return undefined;
  if (typeof header === 'string' && /^(0|[1-9][0-9]{0,14})$/.test(header)) return Number(header);
  throw new ApiError('API_REQUEST_INVALID', { at: 'header.last-event-id' });
}

const STREAMS_MAX = 256;
const STREAMS_EACH_MAX = 8;

/** @throws ServerError EVENTS_STREAMS_LIMIT */
function refuseMoreStreams({ streams }: ServerLife, reader: string): void {
  const all = [...streams.values()].reduce((sum, count) => sum + count, 0);
  if (all >= STREAMS_MAX || (streams.get(reader) ?? 0) >= STREAMS_EACH_MAX)
    throw new ServerError('EVENTS_STREAMS_LIMIT', { open: all });
}

async function* counted(
  { streams }: ServerLife,
  reader: string,
  pieces: AsyncGenerator<string>,
): AsyncGenerator<string> {
  streams.set(reader, (streams.get(reader) ?? 0) + 1);
  try {
    yield* pieces;
  } finally {
    const left = (streams.get(reader) ?? 1) - 1;
    if (left === 0) streams.delete(reader);
    else streams.set(reader, left);
  }
}

export const EVENT_HANDLERS: Pick<Handlers, 'listEvents' | 'streamEvents'> = {
  listEvents: async (request, ports) => {
    const { actor, query } = request;
    const db = ports.database.read;
    const types = typesOf(request);
    const before = await beforeFirst(db, actor.tenantId);
    const after = query.after === undefined ? before : Number(query.after);
    if (after < before) throw new ServerError('EVENTS_GONE', { after, expected: before });
    const limit = query.limit ?? PAGE;
    const { rows, last } = await queryEvents(db, { tenantId: actor.tenantId, after, limit, types, line: query.line });
    const source = await eventSource(db, ports, actor.tenantId);
    return { items: rows.map((row) => eventView(row, source)), last: String(last) };
  },
  streamEvents: async (request, ports) => {
    const { actor, query, lastEventId, stillAllowed, gone } = request;
    const reader = `${actor.tenantId} ${actor.credential}`;
    const types = typesOf(request);
    refuseMoreStreams(ports.life, reader);
    const after = readPlace(lastEventId);
    const before = await beforeFirst(ports.database.read, actor.tenantId);
    if (after !== undefined && after < before) throw new ServerError('EVENTS_GONE', { after, expected: before });
    // Who may see less than when the stream began, or more, begins another one.
    const isAllowed = async (): Promise<boolean> => {
      const current = await stillAllowed();
      return current !== undefined && visibleTypes(current)?.join() === visibleTypes(actor)?.join();
    };
    const wanted = { tenantId: actor.tenantId, after, types, line: query.line, isAllowed, gone };
    return counted(ports.life, reader, eventStream(ports, wanted));
  },
};
