/** Clients that hold connections: they are cut in time, and devices are served meanwhile and afterwards. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { exchange } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer({ limits: { headMs: 300, bodyMs: 300, idleMs: 2000, connections: 60 } });
});
after(() => server.close());

/** Opens a connection, sends a beginning and then a byte now and then, until the server ends it; how long that took. */
function hold(beginning: string, drip: string): Promise<number> {
  const startMs = performance.now();
  const socket = net.connect(Number(new URL(server.url).port), '127.0.0.1', () => socket.write(beginning));
  const dripping = setInterval(() => socket.write(drip), 50);
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.resume().on('close', () => {
      clearInterval(dripping);
      resolve(performance.now() - startMs);
    });
  });
}

const head = (lines: readonly string[]) => [...lines, '', ''].join('\r\n');
const post = (length: string) =>
  head(['POST /api/v1/login HTTP/1.1', 'host: x', 'content-type: application/json', length]);
const SLOW: readonly (readonly [string, string, string])[] = [
  ['a head that never ends', 'GET /api/v1/health HTTP/1.1\r\nhost: x\r\n', 'x-a: b\r\n'],
  ['a request line that never ends', 'GET /', 'a'],
  ['a body that drips', `${post('content-length: 100000')}{`, ' '],
  ['chunks that drip', `${post('transfer-encoding: chunked')}1\r\n{\r\n`, '1\r\n \r\n'],
  ['nothing at all', '', ''],
];

test('slow heads, slow bodies and silence are cut in time, while others are served', async () => {
  const slow = SLOW.flatMap(([what, beginning, drip]) =>
    Array.from({ length: 8 }, async () => [what, await hold(beginning, drip)] as const),
  );
  for (let count = 0; count < 20; count += 1) {
    assert.equal((await exchange(`${server.url}/api/v1/health`)).status, 200);
  }
  for (const [what, ms] of await Promise.all(slow)) assert.ok(ms < 10_000, `${what}: ${ms}`);
  assert.equal((await exchange(`${server.url}/api/v1/health`)).status, 200);
});

test('connections beyond the bound are refused; those there are go on, and room comes back', async () => {
  const sockets = Array.from({ length: 100 }, () => {
    const socket = net.connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    return socket.resume();
  });
  const isOpen = () => sockets.filter((socket) => socket.readyState === 'open').length;
  for (let turn = 0; turn < 500 && (isOpen() > 60 || sockets.some(({ connecting }) => connecting)); turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.ok(isOpen() <= 60, String(isOpen()));
  for (const socket of sockets) socket.destroy();
  for (let turn = 0; ; turn += 1) {
    const answer = await exchange(`${server.url}/api/v1/health`).catch(() => undefined);
    if (answer?.status === 200) break;
    assert.ok(turn < 200);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});
