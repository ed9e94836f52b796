/** How a server runs: event streams, metrics, readiness, and stopping while requests are under way. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import type { ManagementClient } from '@pawl/contract/client';
import type { PawlEvent, Role } from '@pawl/contract/management';
import { exchange } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.close());

const addDevice = (controllerId: string) =>
  server.operator.call('addDevices', { body: { devices: [{ controllerId, model: 'box' }] } });
const bearer = (token = server.token) => ({ authorization: `Bearer ${token}` });
async function tokenOf(role: Role): Promise<{ id: string; token: string }> {
  return await server.operator.call('createToken', { body: { label: role, role } });
}

/** Takes events off a stream until there are so many, then leaves it. */
async function take(client: ManagementClient, count: number, options: { after?: string } = {}): Promise<PawlEvent[]> {
  const leave = new AbortController();
  const events: PawlEvent[] = [];
  for await (const event of client.follow({}, { ...options, signal: leave.signal, retryMs: 10 })) {
    events.push(event);
    if (events.length === count) break;
  }
  leave.abort();
  return events;
}

/** A raw stream: its head, and what has come of its body. */
function openStream(headers: Record<string, string>): Promise<{ answer: http.IncomingMessage; text: () => string }> {
  return new Promise((resolve, reject) => {
    const request = http.get(`${server.url}/api/v1/events/stream`, { headers, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      answer.on('error', () => undefined);
      resolve({ answer, text: () => text });
    });
    request.on('error', reject);
  });
}

async function until(isThere: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 1000; turn += 1) {
    if (await isThere()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail('it did not come to that');
}

test('a stream begins now, and with Last-Event-ID where the reader left', async () => {
  // The first person, and the token of the login.
  await until(async () => (await server.operator.call('listEvents', { query: {} })).items.length === 2);
  const { last } = await server.operator.call('listEvents', { query: {} });
  await addDevice('a');
  await addDevice('b');
  const subjects = (events: readonly PawlEvent[]) => events.map(({ subject }) => subject);
  assert.deepEqual(subjects((await take(server.operator, 2, { after: last })).slice(-2)), ['device/a', 'device/b']);
  const stream = await openStream(bearer());
  assert.equal(stream.answer.headers['content-type'], 'text/event-stream');
  await addDevice('c');
  await until(() => stream.text().includes('device/c'));
  assert.ok(!stream.text().includes('device/b'));
  stream.answer.destroy();
});

test('a stream shows a reader what the reader may see, and takes no place that is none', async () => {
  assert.equal((await exchange(`${server.url}/api/v1/events/stream`)).status, 401);
  const { token } = await tokenOf('viewer');
  const stream = await openStream({ ...bearer(token), 'last-event-id': '0' });
  await until(() => stream.text().includes('device/c'));
  assert.ok(!stream.text().includes('pawl.access.changed'));
  stream.answer.destroy();
  for (const place of ['x', '-1', '01', '1e3', '9'.repeat(20)]) {
    const headers = { ...bearer(), 'last-event-id': place };
    assert.equal((await exchange(`${server.url}/api/v1/events/stream`, { headers })).status, 400, place);
  }
  const head = await exchange(`${server.url}/api/v1/events/stream`, { method: 'HEAD', headers: bearer() });
  assert.deepEqual([head.status, head.body.length], [200, 0]);
});

test('one reader may have a bounded number of streams; closing one makes room', async () => {
  const { token } = await tokenOf('viewer');
  const streams = [];
  for (let count = 0; count < 8; count += 1) streams.push(await openStream(bearer(token)));
  const refused = await exchange(`${server.url}/api/v1/events/stream`, { headers: bearer(token) });
  assert.deepEqual([refused.status, refused.json()['code']], [429, 'EVENTS_STREAMS_LIMIT']);
  streams[0]?.answer.destroy();
  await until(async () => {
    const next = await openStream(bearer(token));
    next.answer.destroy();
    return next.answer.statusCode === 200;
  });
  for (const { answer } of streams) answer.destroy();
});

test('metrics are for those who may read them, and are in the form of Prometheus', async () => {
  const url = `${server.url}/metrics`;
  assert.equal((await exchange(url)).status, 401);
  assert.equal((await exchange(url, { headers: bearer((await tokenOf('operator')).token) })).status, 403);
  const { status, headers, text } = await exchange(url, { headers: bearer((await tokenOf('monitor')).token) });
  assert.deepEqual([status, headers['content-type']], [200, 'text/plain; version=0.0.4; charset=utf-8']);
  const name = '[a-zA-Z_:][a-zA-Z0-9_:]*';
  const sample = new RegExp(`^${name}(\\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\\})? -?[0-9.e+-]+$`);
  const comment = new RegExp(`^# (HELP|TYPE) ${name} .+$`);
  for (const line of text.trimEnd().split('\n')) assert.ok(sample.test(line) || comment.test(line), line);
  assert.match(text, /^pawl_requests_total\{api="management",status="4xx"\} [1-9]/m);
  assert.match(text, /^pawl_ledger_entries [1-9]/m);
  for (const what of ['deliveries', 'events', 'statements'])
    assert.match(text, new RegExp(`^pawl_${what}_waiting \\d+$`, 'm'));
  assert.ok(!text.includes(server.token));
});

test('a server that stops is alive but not ready, closes its streams, and finishes what is under way', async () => {
  const other = await startTestServer({ drainS: 0.3 });
  const get = (path: string) => exchange(`${other.url}${path}`, { headers: { connection: 'close' } });
  assert.deepEqual((await get('/api/v1/ready')).json(), { status: 'ready' });
  const leave = new AbortController();
  const stream = other.operator.follow({}, { signal: leave.signal, retryMs: 10 });
  const ended = (async () => {
    for await (const _ of stream);
    return true;
  })();
  await until(async () => {
    const { text } = await exchange(`${other.url}/metrics`, { headers: bearer(other.token) });
    return /^pawl_event_streams 1$/m.test(text);
  });
  const closing = other.running.close();
  const notReady = await get('/api/v1/ready');
  assert.deepEqual([notReady.status, notReady.json()['code']], [503, 'SERVER_NOT_READY']);
  assert.equal((await get('/api/v1/health')).status, 200);
  await closing;
  leave.abort();
  assert.equal(await ended, true);
  await other.close();
});
