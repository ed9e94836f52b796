/** Windows, consent and opt-out as devices see them: raw requests of DDI, and signed reports; the clock is the test's. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { NewRollout } from '@pawl/contract/management';
import { addDevice, type ScriptedDevice } from './ddi-device.ts';
import { type DdiServer, startDdiServer } from './ddi-server.ts';
import { enrolDevice, signReport } from './pawl-device.ts';
import { exchange } from './raw-http.ts';
import { publishForeign } from './running-server.ts';

let nowMs = Date.parse('2026-06-01T12:00:00Z');
let server: DdiServer;
let featureId = 0;

const publish = async (version: string, marks: object): Promise<number> => {
  const bytes = server.swu;
  const fileName = `gateway-${version}.swu`;
  const { id } = await server.operator.call('createRelease', {
    body: {
      line: 'gateway',
      version,
      kind: 'foreign',
      artifacts: [{ name: fileName, sizeBytes: bytes.length, sha256: await sha256Of(bytes) }],
      ...marks,
    },
  });
  await server.operator.call('putArtifact', { params: { id, name: fileName }, body: bytes, sizeBytes: bytes.length });
  await server.operator.call('publishRelease', { params: { id }, body: {} });
  return id;
};
const sha256Of = async (bytes: Uint8Array): Promise<string> =>
  Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))).toString('hex');

before(async () => {
  server = await startDdiServer({ now: () => new Date(nowMs) });
  featureId = server.releaseId;
});
after(() => server.close());

async function roll(name: string, more: Partial<NewRollout> = {}): Promise<number> {
  const body = { name, releaseId: featureId, filter: `name:${name}`, ...more };
  const { id } = await server.operator.call('createRollout', { body });
  await server.operator.call('changeRollout', { params: { id, verb: 'start' }, body: {} });
  return id;
}
const offers = async (device: ScriptedDevice): Promise<string[]> =>
  (await device.linkNames()).filter((link) => link.endsWith('Base') || link === 'cancelAction');
const NIGHT = { windows: [{ start: '02:00', durationMinutes: 60 }] };

async function windowOf(device: ScriptedDevice): Promise<unknown> {
  const { deployment } = (await device.send(await device.link('deploymentBase'))).json<{
    deployment: { update: string; download: string; maintenanceWindow?: string };
  }>();
  return [deployment.download, deployment.update, deployment.maintenanceWindow];
}

test('outside its window, in its own time, a foreign client hears nothing; inside, the offer', async () => {
  nowMs = Date.parse('2026-06-01T12:00:00Z');
  const device = await addDevice(server, 'w-1');
  await device.post('/configData', { mode: 'merge', data: { timeZone: 'America/New_York' } }, 'PUT');
  const id = await roll('w-1', { maintenance: NIGHT });
  assert.deepEqual(await offers(device), []);
  const { items } = await server.operator.call('listAssignments', { query: { rolloutId: id } });
  const direct = await device.send(`/deploymentBase/${items[0]?.id}`);
  assert.equal(direct.status, 404);
  nowMs = Date.parse('2026-06-02T05:59:59Z');
  assert.equal((await device.poll()).config.polling.sleep, '00:00:30');
  nowMs = Date.parse('2026-06-02T06:00:00Z');
  assert.deepEqual(await offers(device), ['deploymentBase']);
  assert.deepEqual(await windowOf(device), ['forced', 'forced', 'available']);
  nowMs = Date.parse('2026-06-02T07:00:00Z');
  assert.deepEqual(await offers(device), []);
  device.close();
});

test("the operator's zone goes before the device's, and an unknown zone is none", async () => {
  nowMs = Date.parse('2026-06-02T06:30:00Z');
  const device = await addDevice(server, 'w-2');
  await device.post('/configData', { mode: 'merge', data: { timeZone: 'Mars/Base' } }, 'PUT');
  await roll('w-2', { maintenance: { ...NIGHT, timeZone: 'America/New_York' } });
  assert.deepEqual(await offers(device), ['deploymentBase']);
  const params = { controllerId: 'w-2' };
  const set = (timeZone: string | null) =>
    server.operator.call('setDevicePolicy', { ifMatch: '*', params, body: { timeZone } });
  assert.deepEqual(await set('Europe/Berlin'), {
    ...params,
    timeZone: 'Europe/Berlin',
    ownTimeZone: null,
    optOut: 'none',
  });
  assert.deepEqual(await offers(device), []);
  await set(null);
  assert.deepEqual(await offers(device), ['deploymentBase']);
  await assert.rejects(set('Mars/Base'), { code: 'TIME_ZONE_UNKNOWN' });
  device.close();
});

test('with `tell` the link says that the window is closed, and is another one when it opens', async () => {
  nowMs = Date.parse('2026-06-03T01:00:00Z');
  const device = await addDevice(server, 'w-3');
  await roll('w-3', { maintenance: { ...NIGHT, outside: 'tell' } });
  assert.deepEqual(await windowOf(device), ['forced', 'skip', 'unavailable']);
  const closed = await device.link('deploymentBase');
  nowMs = Date.parse('2026-06-03T02:00:00Z');
  assert.deepEqual(await windowOf(device), ['forced', 'forced', 'available']);
  assert.notEqual(await device.link('deploymentBase'), closed);
  device.close();
});

test("the tenant's default holds for rollouts that say nothing; null says at any time", async () => {
  nowMs = Date.parse('2026-06-03T12:00:00Z');
  await assert.rejects(server.operator.call('setPolicy', { ifMatch: '*', body: { timeZone: 'Nowhere' } }), {
    code: 'TIME_ZONE_UNKNOWN',
  });
  const set = await server.operator.call('setPolicy', {
    ifMatch: '*',
    body: { timeZone: 'Asia/Kathmandu', maintenance: NIGHT },
  });
  assert.deepEqual(await server.operator.call('getPolicy', {}), set);
  const [waits, now] = [await addDevice(server, 'w-4'), await addDevice(server, 'w-5')];
  const id = await roll('w-4');
  await roll('w-5', { maintenance: null });
  await server.operator.call('setPolicy', { ifMatch: '*', body: { timeZone: 'UTC', maintenance: null } });
  const { maintenance } = await server.operator.call('getRollout', { params: { id } });
  assert.deepEqual(maintenance, { ...NIGHT, timeZone: 'Asia/Kathmandu', outside: 'withhold' });
  assert.deepEqual([await offers(waits), await offers(now)], [[], ['deploymentBase']]);
  nowMs = Date.parse('2026-06-03T20:15:00Z');
  assert.deepEqual(await offers(waits), ['deploymentBase'], '02:00 at +05:45');
  waits.close();
  now.close();
});

test('a user puts an update off as often and as long as the rollout says; then it is yes or no', async () => {
  const device = await addDevice(server, 'c-1');
  await roll('c-1', { needsConsent: true, consent: { postponements: 1, postponeHours: 24 } });
  const href = (await device.link('confirmationBase')).split('?')[0] ?? '';
  const answer = (confirmation: string, ...details: string[]) =>
    device.post(`${href}/feedback`, { confirmation, code: 1, details });
  const until = (hours: number) => `postponed until ${new Date(nowMs + hours * 3_600_000).toISOString()}`;
  const long = await answer('denied', until(25));
  assert.deepEqual([long.status, long.json<{ code: string }>().code], [409, 'DEVICE_POSTPONEMENT_REFUSED']);
  assert.equal((await answer('denied', until(-1))).status, 409);
  assert.equal((await answer('denied', until(24))).status, 200);
  assert.deepEqual(await offers(device), []);
  nowMs += 24 * 3_600_000 - 1;
  assert.deepEqual(await offers(device), []);
  nowMs += 1;
  assert.deepEqual(await offers(device), ['confirmationBase']);
  assert.equal((await answer('denied', until(1))).status, 409, 'once only');
  // Consent can be given while the question rests, too.
  assert.equal((await answer('confirmed')).status, 200);
  assert.deepEqual(await offers(device), ['deploymentBase']);
  device.close();
});

test('after a no nobody is asked again, until the days are over or people retry the rollout', async () => {
  const [days, never] = [await addDevice(server, 'c-2'), await addDevice(server, 'c-3')];
  await roll('c-2', { needsConsent: true, consent: { askAgainDays: 2 } });
  const id = await roll('c-3', { needsConsent: true });
  for (const device of [days, never]) {
    const href = (await device.link('confirmationBase')).split('?')[0] ?? '';
    await device.post(`${href}/feedback`, { confirmation: 'denied' });
    assert.deepEqual(await offers(device), []);
  }
  nowMs += 2 * 86_400_000;
  assert.deepEqual([await offers(days), await offers(never)], [['confirmationBase'], []]);
  await server.operator.call('changeRollout', { params: { id, verb: 'retry' }, body: {} });
  assert.deepEqual(await offers(never), ['confirmationBase']);
  const again = server.operator.call('changeRollout', { params: { id, verb: 'retry' }, body: {} });
  await assert.rejects(again, { code: 'ROLLOUT_NOTHING_TO_RETRY' });
  days.close();
  never.close();
});

test('who opted out is told and asked, never just updated; who wants fixes only gets fixes only', async () => {
  const security = await publish('1.2.1', {
    urgency: 'security',
    justification: 'only the fix of the parser',
    notice: 'Fixes a hole in the radio.',
    references: ['CVE-2026-12345'],
  });
  const feature = await publish('1.3.0', { urgency: 'feature' });
  const device = await addDevice(server, 'o-1');
  const wish = (optOut: string) => device.post('/configData', { data: { optOut } }, 'PUT');
  await wish('features');
  const first = await roll('o-1', { releaseId: feature });
  assert.deepEqual(await offers(device), []);
  assert.deepEqual((await server.operator.call('getRollout', { params: { id: first } })).outcomes, { cancelled: 1 });
  await roll('o-1', { releaseId: security, isSecurityOnly: true });
  assert.deepEqual(await offers(device), ['deploymentBase']);
  await wish('all');
  assert.deepEqual(await offers(device), ['confirmationBase']);
  await wish('no such word');
  assert.deepEqual(await offers(device), ['confirmationBase']);
  await wish('none');
  assert.deepEqual(await offers(device), ['deploymentBase']);
  const late = server.operator.call('createRollout', {
    body: { name: 'x', releaseId: feature, filter: '', isSecurityOnly: true },
  });
  await assert.rejects(late, { code: 'ROLLOUT_NOT_SECURITY' });
  await assert.rejects(publish('1.2.2', { urgency: 'security' }), { code: 'API_REQUEST_INVALID' });
  device.close();
});

test('the operator opts a device out for its owner; what was withdrawn is not offered', async () => {
  const feature = await publish('1.4.0', { urgency: 'feature' });
  const device = await addDevice(server, 'o-2');
  await roll('o-2', { releaseId: feature });
  assert.deepEqual(await offers(device), ['deploymentBase']);
  const params = { controllerId: 'o-2' };
  await server.operator.call('setDevicePolicy', { ifMatch: '*', params, body: { optOut: 'features' } });
  assert.deepEqual(await offers(device), []);
  assert.equal((await server.operator.call('getDevicePolicy', { params })).optOut, 'features');
  const nobody = { controllerId: 'nobody' };
  await assert.rejects(server.operator.call('getDevicePolicy', { params: nobody }), { code: 'DEVICE_UNKNOWN' });
  await assert.rejects(server.operator.call('setDevicePolicy', { ifMatch: '*', params: nobody, body: {} }), {
    code: 'DEVICE_UNKNOWN',
  });
  device.close();
});

test('a device with a key postpones by its signed report, sees the window as closed, and reads the notice', async () => {
  nowMs = Date.parse('2026-07-01T12:00:00Z');
  const bytes = server.swu;
  const releaseId = await publishForeign(server.operator, {
    line: 'gateway',
    version: '1.5.0',
    fileName: 'a.swu',
    bytes,
  });
  const { script, key, token } = await enrolDevice(server, 'p-1');
  await roll('p-1', { releaseId, needsConsent: true, maintenance: NIGHT, consent: { postponements: 1 } });
  const action = await script.link('confirmationBase');
  const assignmentId = Number(/confirmationBase\/(\d+)/.exec(action)?.[1]);
  const { confirmation } = (await script.send(action)).json<{
    confirmation: { chunks: { metadata: { key: string; value: string }[] }[] };
  }>();
  assert.deepEqual(confirmation.chunks[0]?.metadata, [{ key: 'urgency', value: 'mixed' }]);
  const report = async (counter: number, postponedUntil: string) =>
    exchange(`${server.url}/default/pawl/v1/p-1/report`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.dsse+json', authorization: `TargetToken ${token}` },
      body: Buffer.from(await signReport(key, { assignmentId, counter, state: 'awaiting-consent', postponedUntil })),
    });
  assert.equal((await report(1, '2026-07-02T12:00:00.000Z')).status, 200);
  assert.deepEqual(await offers(script), []);
  assert.equal((await report(2, '2026-07-02T13:00:00.000Z')).status, 409);
  nowMs = Date.parse('2026-07-02T12:00:00Z');
  await script.post(`${(await script.link('confirmationBase')).split('?')[0]}/feedback`, { confirmation: 'confirmed' });
  assert.deepEqual(await windowOf(script), ['forced', 'skip', 'unavailable']);
  script.close();
});
