/**
 * Header fields that are there once or not at all (RFC 9110 §5.3, RFC 9112 §3.2). Node keeps the first of several and drops the
 * others; a proxy before us may have judged another one, so that such a request is refused by every API.
 */
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { ApiError } from './errors.ts';

/** A second Content-Length does not get through Node's own parser. */
const ONCE = ['host', 'authorization', 'content-type', 'idempotency-key', 'x-men-signature'];
const LENGTHS = new Set(ONCE.map(({ length }) => length));

/** The name of a field that is there more than once, and must not be. */
export function repeatedHeader({ rawHeaders }: IncomingMessage): string | undefined {
  let seen = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const given = rawHeaders[at] ?? '';
    if (!LENGTHS.has(given.length)) continue;
    const index = ONCE.indexOf(given.toLowerCase());
    if (index < 0) continue;
    if ((seen & (1 << index)) !== 0) return ONCE[index];
    seen |= 1 << index;
  }
  return undefined;
}

/** Before anything else of a request is looked at. */
export function refuseRepeatedHeaders(app: FastifyInstance): void {
  app.addHook('onRequest', async (request) => {
    const at = repeatedHeader(request.raw);
    if (at !== undefined) throw new ApiError('API_REQUEST_INVALID', { at, expected: 'once' });
  });
}
