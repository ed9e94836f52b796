import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { HARMLESS, parseSetting, type Relay, startRelay } from './index.ts';

const PAYLOAD = Buffer.alloc(100_000, 7);
const OFFER = {
  id: '11',
  deployment: { chunks: [{ version: '1.0.0', artifacts: [{ filename: 'envelope.suit', hashes: {}, size: 1 }] }] },
};

function startUpstream(): Promise<{ server: Server; url: URL }> {
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    if (path.endsWith('/host')) return void response.end(request.headers.host);
    if (path.includes('/deploymentBase/')) {
      return void response.setHeader('content-type', 'application/hal+json').end(JSON.stringify(OFFER));
    }
    const range = /bytes=(\d+)-/.exec(request.headers.range ?? '');
    if (range === null) return void response.end(PAYLOAD);
    const start = Number(range[1]);
    response.writeHead(206, { 'content-range': `bytes ${start}-${PAYLOAD.length - 1}/${PAYLOAD.length}` });
    response.end(PAYLOAD.subarray(start));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({ server, url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) });
    });
  });
}

describe('the hostile relay', () => {
  let upstream: Server;
  let relay: Relay;
  let url: URL;
  let dir: string;
  before(async () => {
    ({ server: upstream, url } = await startUpstream());
    relay = await startRelay(url);
    dir = mkdtempSync(join(tmpdir(), 'pawl-relay-'));
    writeFileSync(join(dir, 'envelope.suit'), 'forged');
  });
  after(async () => {
    await relay.close();
    upstream.close();
    rmSync(dir, { recursive: true });
  });

  const fetchBytes = async (path: string, headers: Record<string, string> = {}): Promise<Buffer> => {
    const [answer] = await once(get(relay.url + path, { headers }), 'response');
    return buffer(answer);
  };

  test('passes answers on unchanged, with the Host header it was called with', async () => {
    relay.set(HARMLESS);
    assert.deepEqual(await fetchBytes('/x/artifacts/payload.enc'), PAYLOAD);
    assert.equal((await fetchBytes('/host')).toString(), new URL(relay.url).host);
  });

  test('flips one bit of one byte, also in a range', async () => {
    relay.set(parseSetting('{"attack":{"kind":"flip-byte","fileSuffix":".enc","offset":70000}}'));
    const whole = await fetchBytes('/x/artifacts/payload.enc');
    assert.equal(whole[70_000], 6);
    assert.equal(
      whole.reduce((changes, byte, index) => changes + (byte === PAYLOAD[index] ? 0 : 1), 0),
      1,
    );
    assert.equal((await fetchBytes('/x/artifacts/payload.enc', { range: 'bytes=69999-' }))[1], 6);
    assert.deepEqual(await fetchBytes('/x/artifacts/other.bin'), PAYLOAD);
  });

  test('swaps the offered release for another, files included', async () => {
    relay.set(parseSetting(JSON.stringify({ attack: { kind: 'swap-release', version: '9.9.9', dir } })));
    const offer = JSON.parse((await fetchBytes('/default/controller/v1/d/deploymentBase/11')).toString());
    assert.equal(offer.deployment.chunks[0].version, '9.9.9');
    assert.equal(offer.deployment.chunks[0].artifacts[0].size, 6);
    assert.match(offer.deployment.chunks[0].artifacts[0].hashes.sha256, /^[0-9a-f]{64}$/);
    assert.equal((await fetchBytes('/x/artifacts/envelope.suit')).toString(), 'forged');
  });

  test('slows answers down until it is told not to', async () => {
    relay.set(parseSetting('{"bytesPerS":20000}'));
    const [answer] = await once(get(`${relay.url}/x/artifacts/payload.enc`), 'response');
    let received = 0;
    answer.on('data', (chunk: Buffer) => (received += chunk.length));
    await once(answer, 'data');
    assert.ok(received <= 20_000, `${received} bytes in the first slices`);
    relay.set(HARMLESS);
    await once(answer, 'end');
    assert.equal(received, PAYLOAD.length);
  });

  test('answers 502 when the server is away', async () => {
    const orphan = await startRelay(new URL('http://127.0.0.1:9'));
    const [answer] = await once(get(orphan.url), 'response');
    answer.resume();
    assert.equal(answer.statusCode, 502);
    await orphan.close();
  });

  test('refuses settings that it does not know', () => {
    for (const line of ['[]', '{"bytesPerS":0}', '{"attack":7}', '{"attack":{"kind":"flip-byte"}}']) {
      assert.throws(() => parseSetting(line), TypeError, line);
    }
  });

  test('runs as a process that is set through standard input and ends with it', async () => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), url.href]);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const nextLine = async (): Promise<{ event: string }> => JSON.parse((await lines.next()).value ?? '');
    assert.equal((await nextLine()).event, 'listening');
    child.stdin.write('{"bytesPerS":1000}\n');
    assert.equal((await nextLine()).event, 'set');
    child.stdin.write('nonsense\n');
    assert.equal((await nextLine()).event, 'error');
    child.stdin.end();
    const [status] = await once(child, 'exit');
    assert.equal(status, 0);
  });
});
