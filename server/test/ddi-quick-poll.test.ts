/** A plain poll is answered past the framework. Whoever asks must not be able to tell: byte by byte, but for the date. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { startTestServer, type TestServer } from './running-server.ts';

let server: TestServer;
let token: string;

before(async () => {
  server = await startTestServer();
  const body = { devices: [{ controllerId: 'unit-7', model: 'm' }] };
  token = (await server.operator.call('addDevices', { body })).devices[0]?.token ?? '';
});
after(() => server.close());

/** The whole answer as it comes over the wire, the date blanked. */
async function raw(path: string, lines: readonly string[] = []): Promise<string> {
  const { port, host } = new URL(server.url);
  const socket = connect(Number(port), '127.0.0.1');
  const head = [`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...lines];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks)
    .toString()
    .replace(/^date: .*$/im, 'date: -');
}

// The framework decodes the second name; the quick way leaves it alone.
const QUICK = '/default/controller/v1/unit-7';
const SLOW = '/default/controller/v1/unit%2D7';

const authorized = (...more: readonly string[]): string[] => [`Authorization: TargetToken ${token}`, ...more];

test('both ways give the same bytes, whatever is accepted', async () => {
  for (const accept of [undefined, 'application/hal+json', 'application/json', 'application/cbor', '*/*;q=0.5']) {
    const lines = authorized(...(accept === undefined ? [] : [`Accept: ${accept}`]));
    const quick = await raw(QUICK, lines);
    assert.match(quick, /^HTTP\/1.1 200 OK\r\n/);
    assert.equal(quick, await raw(SLOW, lines), accept);
  }
});

test('both ways know the entity tag again', async () => {
  const tag = /^etag: (.*)\r$/im.exec(await raw(QUICK, authorized()))?.[1] ?? '';
  const quick = await raw(QUICK, authorized(`If-None-Match: ${tag}`));
  assert.match(quick, /^HTTP\/1.1 304 Not Modified\r\n/);
  assert.equal(quick, await raw(SLOW, authorized(`If-None-Match: ${tag}`)));
});

test('both ways refuse in the same words', async () => {
  const refused: readonly (readonly [number, readonly string[]])[] = [
    [401, []],
    [401, ['Authorization: TargetToken wrong']],
    [406, authorized('Accept: text/html')],
  ];
  for (const [status, lines] of refused) {
    const quick = await raw(QUICK, lines);
    assert.match(quick, new RegExp(`^HTTP/1.1 ${status} `));
    assert.equal(quick, await raw(SLOW, lines));
  }
});
