/**
 * Bytes of one file from an offset to its listed end. A connection that breaks is resumed by Range where it broke; after
 * several breaks without a byte in between the download is given up for now. Chunks are handed on as they come and the
 * next is read only when the last was taken, so memory does not grow with the file.
 */
import type { IncomingMessage } from 'node:http';
import { BackOff } from './back-off.ts';
import type { Clock } from './clock.ts';
import { AgentError } from './errors.ts';
import type { HttpClient } from './http.ts';

export type Download = {
  readonly http: HttpClient;
  readonly url: URL;
  readonly offset: number;
  /** The listed length. */
  readonly sizeBytes: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
};

const BREAKS_MAX = 5;
const BACK_OFF = { firstMs: 200, maxMs: 10_000 } as const;

function mismatch({ sizeBytes }: Download, actual: number | string): AgentError {
  return new AgentError('AGENT_PAYLOAD_SIZE_MISMATCH', { expected: sizeBytes, actual });
}

/** How many bytes of the answer come before the position that was asked for. */
function surplusOf(answer: IncomingMessage, position: number, download: Download): number {
  const { statusCode = 0, headers } = answer;
  if (statusCode === 206) {
    // 16 digits hold every length that a number holds exactly; a longer one equals none that is listed.
    const range = /^bytes (\d{1,16})-\d{1,16}\/(\d{1,16})$/.exec(headers['content-range'] ?? '');
    if (range === null || Number(range[1]) !== position) {
      throw new AgentError('AGENT_ANSWER_MALFORMED', { at: 'content-range' });
    }
    if (Number(range[2]) !== download.sizeBytes) throw mismatch(download, Number(range[2]));
    return 0;
  }
  if (statusCode === 404 || statusCode === 410 || statusCode === 416) {
    throw new AgentError('AGENT_OFFER_INCOMPLETE', { status: statusCode });
  }
  if (statusCode !== 200) throw new AgentError('AGENT_SERVER_REFUSED', { status: statusCode, at: 'payload' });
  const length = headers['content-length'];
  // More or less than listed: refused before a byte of it is taken.
  if (length !== undefined && Number(length) !== download.sizeBytes) throw mismatch(download, Number(length));
  // A server may ignore Range (RFC 9110 §14.2) and begin at the start.
  return position;
}

async function openAt(download: Download, position: number): Promise<{ answer: IncomingMessage; surplus: number }> {
  const { http, url, signal } = download;
  const headers = { accept: '*/*', ...(position > 0 ? { range: `bytes=${position}-` } : {}) };
  const answer = await http.open({ method: 'GET', url, headers, signal });
  try {
    return { answer, surplus: surplusOf(answer, position, download) };
  } catch (error) {
    answer.destroy();
    throw error;
  }
}

async function* readAnswer(answer: IncomingMessage, surplus: number, url: URL): AsyncGenerator<Uint8Array, void> {
  let skip = surplus;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      const wanted = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - wanted.length;
      if (wanted.length > 0) yield wanted;
    }
  } catch (cause) {
    throw new AgentError('AGENT_SERVER_UNREACHABLE', { host: url.host }, cause);
  } finally {
    answer.destroy();
  }
}

/**
 * @throws AgentError AGENT_SERVER_UNREACHABLE, AGENT_SERVER_REFUSED, AGENT_ANSWER_MALFORMED, AGENT_OFFER_INCOMPLETE,
 *   AGENT_PAYLOAD_SIZE_MISMATCH
 */
export async function* downloadFrom(download: Download): AsyncGenerator<Uint8Array, void> {
  const { clock, signal, sizeBytes } = download;
  const backOff = new BackOff(BACK_OFF, clock.random);
  let position = download.offset;
  while (position < sizeBytes) {
    try {
      const { answer, surplus } = await openAt(download, position);
      for await (const chunk of readAnswer(answer, surplus, download.url)) {
        position += chunk.length;
        if (position > sizeBytes) throw mismatch(download, 'more bytes than listed');
        backOff.reset();
        yield chunk;
      }
      // An answer that ends early without an error is a break too.
      if (position < sizeBytes) throw new AgentError('AGENT_SERVER_UNREACHABLE', { host: download.url.host });
    } catch (error) {
      const isBreak = error instanceof AgentError && error.code === 'AGENT_SERVER_UNREACHABLE';
      if (!isBreak || signal.aborted || backOff.failures >= BREAKS_MAX) throw error;
      await clock.sleep(backOff.nextMs(), signal);
    }
  }
}
