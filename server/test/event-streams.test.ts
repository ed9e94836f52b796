/**
 * Readers of the event stream: one that takes nothing is cut off and costs no memory, a line that breaks loses no event, and
 * whoever may not read any more is not read to for long.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ManagementClient } from '@pawl/contract/client';
import type { Role } from '@pawl/contract/management';
import { changeBeside } from './beside.ts';
import { Page } from './browser-page.ts';
import { startCuttingRelay } from './cutting-relay.ts';
import { exchange } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

const READER_MS = 10_000;
const WAIT_MS = 30_000;
const MIB = 2 ** 20;

let server: TestServer;
before(async () => {
  const limits = { headMs: 20_000, bodyMs: 20_000, idleMs: 60_000, connections: 1000, readerMs: READER_MS };
  server = await startTestServer({ limits });
});
after(() => server.close());

type Stream = {
  readonly answer: http.IncomingMessage;
  /** The end of what came. */
  readonly text: () => string;
  readonly size: () => number;
  readonly isOpen: () => boolean;
};

/** A stream, which is read or not. */
function openStream(headers: Readonly<Record<string, string>>, isRead = true): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const request = http.get(`${server.url}/api/v1/events/stream`, { headers, agent: false }, (answer) => {
      let [text, size, isOpen] = ['', 0, true];
      answer.on('error', () => undefined).on('close', () => (isOpen = false));
      if (isRead) {
        answer.setEncoding('utf8').on('data', (piece: string) => {
          size += piece.length;
          text = (text + piece).slice(-MIB);
        });
      }
      if (answer.statusCode !== 200) reject(new Error(`${answer.statusCode}`));
      resolve({ answer, text: () => text, size: () => size, isOpen: () => isOpen });
    });
    request.on('error', reject);
  });
}

async function until(isThere: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = performance.now() + WAIT_MS; performance.now() < end; ) {
    if (await isThere()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(what);
}

/** What is kept in memory when all that is not needed was let go. */
function keptBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
async function tokenOf(role: Role): Promise<{ id: string; token: string }> {
  return await server.operator.call('createToken', { body: { label: role, role } });
}
const addDevice = (controllerId: string) =>
  server.operator.call('addDevices', { body: { devices: [{ controllerId, model: 'box' }] } });
async function openStreams(): Promise<number> {
  const { text } = await exchange(`${server.url}/metrics`, { headers: bearer(server.token) });
  return Number(/^pawl_event_streams (\d+)$/m.exec(text)?.[1]);
}

test('a right to read that ends, ends the stream; who may still read, reads on', async () => {
  const call = server.operator.call.bind(server.operator);
  const [stays, revoked] = [await tokenOf('viewer'), await tokenOf('viewer')];
  const personOf = async (name: string, role: Role) => {
    const { person, claim } = await call('invitePerson', { body: { name, roles: [role] } });
    return { id: person.id, claim };
  };
  const enter = async (claim: string) =>
    (await new ManagementClient({ url: server.url }).call('login', { body: { claim, label: 'x' } })).token;
  const gone = await personOf('Gone', 'viewer');
  const demoted = await personOf('Demoted', 'admin');
  const page = new Page(server);
  await page.join((await personOf('Leaves', 'viewer')).claim);
  const streams = {
    revoked: await openStream(bearer(revoked.token)),
    disabled: await openStream(bearer(await enter(gone.claim))),
    demoted: await openStream(bearer(await enter(demoted.claim))),
    signedOut: await openStream({ cookie: page.cookie, 'sec-fetch-site': 'same-origin' }),
    stays: await openStream(bearer(stays.token)),
  };
  assert.equal(await openStreams(), 5);
  await call('revokeToken', { params: { tokenId: revoked.id } });
  await call('disablePerson', { params: { id: gone.id }, body: {} });
  await call('setRoles', { ifMatch: '*', params: { id: demoted.id }, body: { roles: ['viewer'] } });
  assert.equal((await page.post('/sign-out')).status, 200);
  const ended = [streams.revoked, streams.disabled, streams.demoted, streams.signedOut];
  await until(() => ended.every(({ isOpen }) => !isOpen()), 'a stream went on');
  await addDevice('later');
  await until(() => streams.stays.text().includes('device/later'), 'the other one heard nothing');
  for (const { text } of ended) assert.ok(!text().includes('device/later'));
  streams.stays.answer.destroy();
});

test('a line that breaks again and again loses no event and tells none twice', async (t) => {
  const { items, last: after } = await server.operator.call('listEvents', { query: { limit: 500 } });
  assert.ok(items.length > 0);
  const relay = await startCuttingRelay(server.url, '/events/stream', 700);
  t.after(() => relay.close());
  for (let cut = 0; cut < 5; cut += 1) relay.cutNext();
  const names = Array.from({ length: 12 }, (_, index) => `cut-${index}`);
  for (const name of names) await addDevice(name);
  const follower = new ManagementClient({ url: relay.url, token: server.token });
  const leave = new AbortController();
  const heard: string[] = [];
  for await (const { subject } of follower.follow({}, { after, signal: leave.signal, retryMs: 10 })) {
    if (subject.startsWith('device/cut-')) heard.push(subject);
    if (heard.length === names.length) break;
  }
  leave.abort();
  assert.deepEqual(
    heard,
    names.map((name) => `device/${name}`),
  );
  assert.ok(relay.asked.length > 3, `${relay.asked.length}`);
  const places = relay.asked.map(({ headers }) => Number(headers['last-event-id'] ?? Number.NaN));
  assert.deepEqual(
    places,
    places.toSorted((one, other) => one - other),
  );
});

const isSqlite = process.env['PAWL_TEST_POSTGRES'] === undefined;
test('readers that take nothing are cut off, are not kept for, and hold up nobody', { skip: !isSqlite }, async () => {
  // 27 MiB of events for each of four readers: far more than the system takes for a connection.
  const data = JSON.stringify({ controllerId: 'x'.repeat(3000), model: 'box', line: null });
  await changeBeside(server.folder, (db) => {
    const { seq, id } = db.prepare('SELECT max(seq) AS seq, max(id) AS id FROM event').get() as Record<string, number>;
    const insert = db.prepare(
      'INSERT INTO event (id, tenant_id, seq, type, subject, line, data, at_ms) VALUES (?, 1, ?, ?, ?, NULL, ?, ?)',
    );
    for (let at = 1; at <= 9000; at += 1) {
      insert.run((id ?? 0) + at, (seq ?? 0) + at, 'pawl.device.enrolled', 'device/x', data, Date.now());
    }
  });
  const { token } = await tokenOf('viewer');
  const before = keptBytes();
  const stalled = [];
  for (let count = 0; count < 4; count += 1) {
    const stream = await openStream({ ...bearer(token), 'last-event-id': '0' }, false);
    stream.answer.pause();
    stalled.push(stream);
  }
  const reads = await openStream({ ...bearer(server.token), 'last-event-id': '0' });
  await addDevice('while');
  await until(() => reads.text().includes('device/while'), 'who reads hears all');
  assert.ok(reads.size() > 20 * MIB);
  const most = keptBytes() - before;
  assert.equal(await openStreams(), 5, 'they are there still');
  // All that is for them would be 80 MiB more than the system took; a batch of events for each is little.
  assert.ok(most < 20 * MIB, `${most / MIB} MiB`);
  await until(async () => (await openStreams()) === 1, 'who takes nothing is cut off');
  assert.ok(reads.isOpen());
  reads.answer.destroy();
  for (const { answer } of stalled) answer.destroy();
});
