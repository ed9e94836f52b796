/**
 * Events as they happen, as text/event-stream (HTML Standard §9.2). The reader sets the pace: the next events are read when
 * the last were taken, so nothing is kept for a slow reader, and one that takes nothing for half a minute is dropped. The
 * place in the stream goes out as the id; with `Last-Event-ID` a reader goes on there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventType } from '@pawl/contract/management';
import { lastEventSeq, queryEvents } from '../store/events.ts';
import { eventSource, eventView } from './event.ts';
import type { ServerPorts } from './ports.ts';

const LOOK_EVERY_MS = 300;
const HEARTBEAT_MS = 15_000;
const RIGHTS_EVERY_MS = 3000;
const BATCH = 100;

export type Wanted = {
  readonly tenantId: number;
  readonly after: number | undefined;
  readonly types: readonly EventType[] | undefined;
  readonly line: string | undefined;
  /** Aborted when the reader is no longer there. */
  readonly gone: AbortSignal;
  /** Asked every few seconds: a right that was taken away ends the stream. */
  readonly isAllowed: () => Promise<boolean>;
};

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}

/** The text of a stream, piece by piece, until the server closes or the right to it ends. */
export async function* eventStream(ports: ServerPorts, wanted: Wanted): AsyncGenerator<string> {
  const db = ports.database.read;
  const { tenantId, types, line, isAllowed } = wanted;
  const end = AbortSignal.any([ports.life.closing, wanted.gone]);
  const source = await eventSource(db, ports, tenantId);
  let after = wanted.after ?? (await lastEventSeq(db, tenantId));
  yield `retry: 2000\nid: ${after}\n\n`;
  let [quietMs, trustedMs] = [0, 0];
  while (!end.aborted) {
    const { rows, last } = await queryEvents(db, { tenantId, after, limit: BATCH, types, line });
    const told = rows.map(
      (row) => `id: ${row.seq}\nevent: ${row.type}\ndata: ${JSON.stringify(eventView(row, source))}\n\n`,
    );
    // A batch counts as a pause: a stream that never rests is asked too.
    trustedMs += LOOK_EVERY_MS;
    if (trustedMs >= RIGHTS_EVERY_MS) {
      if (!(await isAllowed())) return;
      trustedMs = 0;
    }
    if (told.length > 0) yield told.join('');
    if (last > after) {
      after = last;
      continue;
    }
    await pause(LOOK_EVERY_MS, end);
    quietMs += LOOK_EVERY_MS;
    if (quietMs < HEARTBEAT_MS) continue;
    // The place moves on though nothing was wanted: a reader that comes back does not start over.
    yield `: still here\nid: ${after}\n\n`;
    quietMs = 0;
  }
}
