/**
 * Bounds on clients that hold connections without using them (slow headers, slow bodies, idle connections). The head of a
 * request and a body of JSON have to arrive in time; an upload may last, as long as bytes keep coming. Beyond the number of
 * connections new ones are refused, so that those there are stay served.
 */
import type { IncomingMessage, Server } from 'node:http';

export type ConnectionLimits = {
  readonly headMs: number;
  readonly bodyMs: number;
  readonly idleMs: number;
  readonly connections: number;
  /** How long the reader of a stream may take nothing: half a minute unless it says otherwise. */
  readonly readerMs?: number;
};

export const CONNECTION_LIMITS: ConnectionLimits = {
  headMs: 20_000,
  bodyMs: 30_000,
  idleMs: 120_000,
  connections: 20_000,
};

/** Uploads are as long as their artifact. */
function isUpload({ headers }: IncomingMessage): boolean {
  return headers['content-type']?.startsWith('application/octet-stream') === true;
}

export function limitClients(server: Server, limits: ConnectionLimits): void {
  server.headersTimeout = limits.headMs;
  server.maxConnections = limits.connections;
  server.setTimeout(limits.idleMs, (socket) => socket.destroy());
  server.prependListener('request', (request) => {
    if (request.complete || isUpload(request)) return;
    const cut = setTimeout(() => {
      if (!request.complete) request.destroy();
    }, limits.bodyMs);
    // A request whose connection broke before its body was read may never say that it closed.
    cut.unref();
    request.once('close', () => clearTimeout(cut));
  });
}
