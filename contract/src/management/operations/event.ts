/** What happened, in order. */
import { z } from 'zod';
import { event, eventId, eventType } from '../resources/event.ts';
import { lineName } from '../resources/names.ts';
import { limit, type OperationTable } from './operation.ts';

export const EVENT_OPERATIONS = {
  listEvents: {
    method: 'GET',
    path: '/api/v1/events',
    summary:
      'Events after a place in the stream, oldest first. `last` is the place to go on from, also when nothing fits',
    allow: 'event:read',
    line: 'query.line',
    query: z.strictObject({
      after: eventId.optional(),
      type: eventType.optional(),
      line: lineName.optional(),
      limit,
    }),
    response: z.strictObject({ items: z.array(event), last: eventId }),
    errors: ['EVENTS_GONE'],
  },
  streamEvents: {
    method: 'GET',
    path: '/api/v1/events/stream',
    summary: 'Events as they happen (server-sent events); with Last-Event-ID from there on, else from now on',
    allow: 'event:read',
    line: 'query.line',
    query: z.strictObject({ type: eventType.optional(), line: lineName.optional() }),
    response: 'events',
    errors: ['EVENTS_GONE', 'EVENTS_STREAMS_LIMIT'],
  },
} as const satisfies OperationTable;
