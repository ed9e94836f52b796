/**
 * Answers the plain poll – by far the most frequent request of a fleet – past the framework, whose routing, hooks and reply
 * cost more than the rest of a poll together. Only what it can answer with 200 or 304 is answered here, by the same
 * authentication, the same operation and the same document; all else (any refusal, any failure, a body, a rarer Accept)
 * is left to the framework's route, which begins from the start. So nothing is decided here that is not decided there.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import { repeatedHeader } from '../repeated-headers.ts';
import type { Answer } from './answer.ts';
import { authenticateDevice } from './authentication.ts';
import { credentialsOf, isSecureRequest } from './connection.ts';
import { linksOf, originOf } from './links.ts';
import { parseControllerId } from './parameters.ts';
import { poll } from './poll.ts';
import type { DevicePorts } from './ports.ts';
import { documentParts } from './reply.ts';
import { negotiate } from './representation.ts';

/** Names that need no decoding. */
const POLL_PATH = /^\/([A-Za-z0-9][A-Za-z0-9_-]{0,62})\/controller\/v1\/([A-Za-z0-9._~-]{1,256})$/;

function isPlain(request: IncomingMessage): boolean {
  const { method, headers } = request;
  if (method !== 'GET' || repeatedHeader(request) !== undefined) return false;
  return headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
}

type Named = { readonly tenant: string; readonly controllerId: string };

async function answerOf(request: IncomingMessage, named: Named, ports: DevicePorts): Promise<Answer> {
  const { publicUrl } = ports;
  const tenant = named.tenant.toLowerCase();
  const controllerId = parseControllerId(named.controllerId);
  const device = await authenticateDevice({ tenant, controllerId }, credentialsOf(request, ports), ports.directory);
  const origin = originOf({ publicUrl, isSecure: isSecureRequest(request), host: request.headers.host });
  const links = linksOf(origin, named.tenant, device.controllerId);
  const { headers } = request;
  return poll(
    { tenant, device, method: 'GET', params: named, query: {}, headers, source: '', body: undefined, links },
    ports,
  );
}

/** Sends the answer as the framework would; false, with nothing sent, when this is not the place to. */
async function tryAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  named: Named,
  ports: DevicePorts,
): Promise<boolean> {
  try {
    const answer = await answerOf(request, named, ports);
    if (answer.kind !== 'document') return false;
    const { contentType, body, etag } = documentParts(answer.document, negotiate(request.headers.accept));
    const head = ['etag', etag, 'cache-control', 'no-cache'];
    if (request.headers['if-none-match'] === etag) response.writeHead(304, head).end();
    else {
      // Text goes out in one write with the head; bytes would cost the system a second one.
      head.push('content-type', contentType, 'content-length', String(Buffer.byteLength(body)));
      response.writeHead(200, head).end(body);
    }
    return true;
  } catch {
    return response.headersSent;
  }
}

/** Puts itself before the listeners of a server; `isClosing` leaves everything to them. */
export function answerPolls(server: Server, ports: DevicePorts, isClosing: () => boolean): void {
  const others = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const pass = (): void => {
      for (const listener of others) listener.call(server, request, response);
    };
    const [, tenant, controllerId] = POLL_PATH.exec(request.url ?? '') ?? [];
    if (tenant === undefined || controllerId === undefined || !isPlain(request) || isClosing()) return pass();
    void tryAnswer(request, response, { tenant, controllerId }, ports).then((isAnswered) => {
      if (!isAnswered) pass();
    });
  });
}
