/** Answers without an end: sent at the reader's pace, ended with the reader. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

const LOOKS = 6;

/** Aborted when whoever asked is no longer there, or has the whole answer. */
export function goneOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}

/** Sends server-sent events; who takes nothing for so long is dropped. */
export function sendStream(reply: FastifyReply, pieces: AsyncGenerator<string>, readerMs: number): FastifyReply {
  const stream = Readable.from(pieces, { objectMode: false, highWaterMark: 65_536 });
  const { socket } = reply.raw;
  let [stuck, taken] = [0, 0];
  const look = setInterval(() => {
    // Written are bytes that the system took from us; who is slow, but takes some, is not stuck.
    const bytes = (socket?.bytesWritten ?? 0) - (socket?.writableLength ?? 0);
    stuck = socket === null || socket.writableLength === 0 || bytes > taken ? 0 : stuck + 1;
    taken = bytes;
    if (stuck >= LOOKS) socket?.destroy();
  }, readerMs / LOOKS);
  stream.on('close', () => clearInterval(look));
  reply.raw.on('close', () => stream.destroy());
  return reply.header('x-accel-buffering', 'no').type('text/event-stream').send(stream);
}
