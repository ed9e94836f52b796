/** Answers without an end: sent at the reader's pace, ended with the reader. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

const READER_WAITS_MS = 30_000;
const LOOK_EVERY_MS = 5000;

/** Aborted when whoever asked is no longer there, or has the whole answer. */
export function goneOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}

/** Sends server-sent events; who takes nothing for half a minute is dropped. */
export function sendStream(reply: FastifyReply, pieces: AsyncGenerator<string>): FastifyReply {
  const stream = Readable.from(pieces, { objectMode: false, highWaterMark: 65_536 });
  const { socket } = reply.raw;
  let stuckMs = 0;
  const look = setInterval(() => {
    if (socket === null || socket.writableLength === 0) stuckMs = 0;
    else stuckMs += LOOK_EVERY_MS;
    if (stuckMs >= READER_WAITS_MS) socket?.destroy();
  }, LOOK_EVERY_MS);
  stream.on('close', () => clearInterval(look));
  reply.raw.on('close', () => stream.destroy());
  return reply.header('x-accel-buffering', 'no').type('text/event-stream').send(stream);
}
