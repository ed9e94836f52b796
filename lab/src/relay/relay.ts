/**
 * A hostile relay between a device and its server: an HTTP proxy on loopback that passes everything on, with the Host
 * header that it was called with (so links in answers lead through the relay again), and meddles as it is told.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { HARMLESS, type RelaySetting } from './attack.ts';
import { flipByte, swapDeployment, throttle } from './transform.ts';

const LOOPBACK = '127.0.0.1';
const JSON_BYTES_MAX = 1024 * 1024;

export type Relay = {
  readonly url: string;
  set(setting: RelaySetting): void;
  close(): Promise<void>;
};

function pathOf(incoming: IncomingMessage): string {
  return new URL(incoming.url ?? '/', `http://${LOOPBACK}`).pathname;
}

async function fileOf(dir: string, name: string): Promise<Buffer | undefined> {
  try {
    return await readFile(join(dir, basename(name)));
  } catch {
    return undefined;
  }
}

/** Where in the file this body starts: 0, or what Content-Range says. */
function startOf(answer: IncomingMessage): number {
  const match = /^bytes (\d+)-/.exec(answer.headers['content-range'] ?? '');
  return match === null ? 0 : Number(match[1]);
}

function ask(upstream: URL, incoming: IncomingMessage): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: upstream.hostname,
        port: upstream.port,
        method: incoming.method,
        path: incoming.url,
        // Plain answers only, so that bodies can be changed.
        headers: { ...incoming.headers, 'accept-encoding': 'identity' },
      },
      resolve,
    );
    outgoing.on('error', reject);
    incoming.pipe(outgoing);
  });
}

/** The answer's body after meddling, with headers to change. */
async function meddle(
  setting: RelaySetting,
  path: string,
  answer: IncomingMessage,
): Promise<{ body: Readable; headers: Record<string, string> }> {
  const { attack } = setting;
  if (attack.kind === 'flip-byte' && path.endsWith(attack.fileSuffix)) {
    return { body: answer.pipe(flipByte(attack.offset, startOf(answer))), headers: {} };
  }
  const isJson = answer.headers['content-type']?.includes('json') === true;
  const isSmall = Number(answer.headers['content-length'] ?? 0) < JSON_BYTES_MAX;
  if (attack.kind === 'swap-release' && isJson && isSmall && path.includes('/deploymentBase/')) {
    const body = await swapDeployment((await buffer(answer)).toString(), attack.version, (name) =>
      fileOf(attack.dir, name),
    );
    const bytes = Buffer.from(body);
    const stream = new PassThrough();
    stream.end(bytes);
    return { body: stream, headers: { 'content-length': String(bytes.length) } };
  }
  return { body: answer, headers: {} };
}

async function serveOwnFile(setting: RelaySetting, path: string, response: ServerResponse): Promise<boolean> {
  const { attack } = setting;
  if (attack.kind !== 'swap-release' || !path.includes('/artifacts/')) return false;
  const bytes = await fileOf(attack.dir, decodeURIComponent(path));
  if (bytes === undefined) return false;
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length });
  response.end(bytes);
  return true;
}

async function handle(
  upstream: URL,
  current: () => RelaySetting,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = pathOf(incoming);
  if (await serveOwnFile(current(), path, response)) return;
  const answer = await ask(upstream, incoming);
  const { body, headers } = await meddle(current(), path, answer);
  response.writeHead(answer.statusCode ?? 502, { ...answer.headers, ...headers });
  await pipeline(body, (source: Readable) => throttle(source, () => current().bytesPerS), response);
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, resolve);
  });
}

/** Starts a relay in front of `upstream`, on a free port of the loopback interface. */
export async function startRelay(upstream: URL, port = 0): Promise<Relay> {
  let setting = HARMLESS;
  const server = createServer((incoming, response) => {
    handle(upstream, () => setting, incoming, response).catch(() => {
      // The device or the server went away: to the other side that is a broken connection, as on any bad line.
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end();
    });
  });
  await listen(server, port);
  return {
    url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    set: (next) => {
      setting = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
