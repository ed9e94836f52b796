/** The stream of events over the API: what is told, in which order, to whom, and what is no longer kept. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import type { PawlEvent, Role } from '@pawl/contract/management';
import { forgetOldEvents } from '../src/jobs/events.ts';
import { openPostgres } from '../src/store/postgres-database.ts';
import { openSqlite } from '../src/store/sqlite-database.ts';
import { startDdiServer } from './ddi-server.ts';
import { databaseOf } from './postgres.ts';
import { lastAssignment, rollOut, startTestServer, type TestServer } from './running-server.ts';

let server: TestServer & { readonly releaseId?: number };
const now = new Date('2026-03-01T12:00:00.000Z');
before(async () => {
  server = await startDdiServer({ now: () => now });
});
after(() => server.close());

/** The events behind a place, once there are so many. */
async function eventsAfter(place: string, count: number): Promise<PawlEvent[]> {
  for (let turn = 0; turn < 1000; turn += 1) {
    const { items } = await server.operator.call('listEvents', { query: { after: place } });
    if (items.length >= count) return items;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${count} events did not come`);
}

async function clientOf(role: Role): Promise<ManagementClient> {
  const { token } = await server.operator.call('createToken', { body: { label: role, role } });
  return new ManagementClient({ url: server.url, token });
}

test('each act is told once, in order, with numbers that count up by one', async () => {
  const { operator } = server;
  const [first, login, published] = await eventsAfter('0', 3);
  assert.deepEqual([first?.id, first?.data], ['1', { act: 'person-created', about: 'person/1', by: 'claim' }]);
  assert.deepEqual([login?.id, login?.type], ['2', 'pawl.access.changed']);
  const release = { releaseId: 1, line: 'gateway', version: '1.2.0', kind: 'foreign' };
  assert.deepEqual([published?.id, published?.data], ['3', release]);
  await operator.call('addDevices', { body: { devices: [{ controllerId: 'a', model: 'box', line: 'gateway' }] } });
  await rollOut(operator, server.releaseId ?? 0, 'name:a');
  await operator.call('decommissionDevice', { params: { controllerId: 'a' } });
  const events = await eventsAfter('2', 10);
  const actOf = ({ data }: PawlEvent) => ('act' in data ? [data.act] : []);
  assert.deepEqual(
    events.map((event) => [event.id, event.type, event.subject, ...actOf(event)]),
    [
      ['3', 'pawl.release.published', 'release/gateway/1.2.0'],
      ['4', 'pawl.device.enrolled', 'device/a'],
      ['5', 'pawl.rollout.changed', 'rollout/1', 'create'],
      ['6', 'pawl.rollout.changed', 'rollout/1', 'start'],
      ['7', 'pawl.rollout.changed', 'rollout/1', 'begin'],
      ['8', 'pawl.rollout.changed', 'rollout/1', 'wave-start'],
      ['9', 'pawl.rollout.offered', 'rollout/1'],
      ['10', 'pawl.device.decommissioned', 'device/a'],
      ['11', 'pawl.assignment.changed', 'device/a'],
      ['12', 'pawl.rollout.changed', 'rollout/1', 'finish'],
    ],
  );
  const { id: assignmentId } = await lastAssignment(operator, 'a');
  const moved = { from: 'offered', to: 'cancelled', code: 'DECOMMISSIONED' };
  assert.deepEqual(
    events.filter(({ type }) => type === 'pawl.assignment.changed').map(({ data }) => data),
    [{ assignmentId, controllerId: 'a', line: 'gateway', version: '1.2.0', rolloutId: 1, ...moved }],
  );
});

test('an event has the members that CloudEvents 1.0 requires, and a source that names server and tenant', async () => {
  const [event] = await eventsAfter('1', 1);
  assert.equal(event?.specversion, '1.0');
  assert.equal(event.time, '2026-03-01T12:00:00.000Z');
  assert.match(event.source, /^urn:pawl-ledger:[0-9a-f]{16}:default$/);
  assert.ok(URL.canParse(event.source));
});

test('filters by type and line let through what they name, and say where to go on', async () => {
  const { items, last } = await server.operator.call('listEvents', { query: { type: 'pawl.release.published' } });
  assert.deepEqual(
    items.map(({ id }) => id),
    ['3'],
  );
  assert.equal(last, '12');
  const none = await server.operator.call('listEvents', { query: { after: '4', line: 'kettle' } });
  assert.deepEqual(none, { items: [], last: '12' });
  const first = await server.operator.call('listEvents', { query: { limit: 2 } });
  assert.deepEqual([first.items.length, first.last], [2, '2']);
});

test('who may do what is told to those who may read the audit, and to nobody else', async () => {
  const auditor = await clientOf('auditor');
  const viewer = await clientOf('viewer');
  await eventsAfter('12', 2);
  const query = { type: 'pawl.access.changed' } as const;
  assert.equal((await auditor.call('listEvents', { query })).items.length, 4);
  await assert.rejects(viewer.call('listEvents', { query }), { code: 'API_FORBIDDEN' });
  const seen = (await viewer.call('listEvents', { query: {} })).items.map(({ type }) => type);
  assert.ok(!seen.includes('pawl.access.changed'));
  assert.equal(seen.length, 10);
});

test('no event carries a token that was made', async () => {
  const { token } = await server.operator.call('createToken', { body: { label: 'x', role: 'viewer' } });
  const told = JSON.stringify(await eventsAfter('14', 1));
  for (const secret of [token, server.token, server.running.claim ?? assert.fail()]) assert.ok(!told.includes(secret));
});

test('events that were kept long enough are forgotten but for the newest, and asking behind them says so', async () => {
  await server.running.close();
  const { database: options } = await databaseOf(server.folder);
  const database = options === undefined ? openSqlite(join(server.folder, 'data')) : await openPostgres(options);
  const later = new Date(now.getTime() + 86_400_001);
  await forgetOldEvents({ database, now: () => later }, { keepDays: 1, keepMax: 1000 });
  await database.close();
  server = await startTestServer({ now: () => now }, server);
  const { items } = await server.operator.call('listEvents', { query: {} });
  assert.deepEqual(
    items.map(({ id }) => id),
    ['15'],
  );
  await assert.rejects(server.operator.call('listEvents', { query: { after: '3' } }), { code: 'EVENTS_GONE' });
  assert.deepEqual((await server.operator.call('listEvents', { query: { after: '15' } })).items, []);
});
