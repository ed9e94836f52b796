/**
 * The clock of a server jumps forwards and comes back: what was begun meanwhile does not wait for a time that is years away,
 * what is signed holds no longer than it should, and what ends by the clock ends by the clock that is right again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { verifyBundle } from '@pawl/core/evidence';
import { parseTimestamp } from '@pawl/core/trust';
import { LineRepository } from './line-repository.ts';
import { exchange } from './raw-http.ts';
import { Invariants } from './rollout-invariants.ts';
import { RolloutLab } from './rollout-lab.ts';
import { startTestServer } from './running-server.ts';

const DAY_S = 86_400;
const YEAR_S = 365 * DAY_S;

async function timestampOf(url: string, token: string) {
  const headers = { authorization: `TargetToken ${token}` };
  const { status, body, text } = await exchange(`${url}/default/pawl/v1/trust/timestamp.json`, { headers });
  assert.equal(status, 200, text);
  return parseTimestamp(new Uint8Array(body)).signed;
}

test('a soak that began ahead of the clock begins again and is served whole', async (t) => {
  const lab = await RolloutLab.open();
  t.after(() => lab.close());
  await lab.addDevices('d', 2);
  const { id } = await lab.start({ waves: [{ count: 1, soakS: 600 }, {}] });
  await lab.tick(DAY_S);
  const [holder = ''] = await lab.offeredOf(id);
  await lab.say(holder, 'ddi-success');
  assert.equal((await lab.show(id)).waves[0]?.state, 'soaking');
  await lab.tick(-DAY_S);
  assert.deepEqual(await lab.offeredOf(id), [], 'nothing of the soak is skipped');
  await lab.tick(599);
  assert.deepEqual(await lab.offeredOf(id), []);
  await lab.tick(2);
  assert.equal((await lab.offeredOf(id)).length, 1, 'and it does not last a day');
  await new Invariants(lab.ports.database).check('all');
});

test('the schedule of a rollout is that of the clock, and what was started stays started', async (t) => {
  const lab = await RolloutLab.open();
  t.after(() => lab.close());
  const [device = ''] = await lab.addDevices('d', 1);
  const made = await lab.start({ startAt: lab.at(3600), ratePerMinute: 1 });
  await lab.tick(-YEAR_S);
  assert.equal((await lab.show(made.id)).state, 'scheduled');
  await lab.tick(YEAR_S + 3601);
  assert.deepEqual([(await lab.show(made.id)).state, await lab.offeredOf(made.id)], ['running', [device]]);
  await lab.tick(-3600);
  assert.deepEqual([(await lab.show(made.id)).state, await lab.offeredOf(made.id)], ['running', [device]]);
  // An offer that went out ahead of the clock does not hold up the rate of those after it.
  await lab.addDevice('late');
  const next = await lab.start({ filter: 'name:late', ratePerMinute: 1 });
  assert.deepEqual(await lab.offeredOf(next.id), ['late']);
  await new Invariants(lab.ports.database).check('all');
});

test('tokens, metadata and ledger over a jump of two months and back, and a start after it', async (t) => {
  let aheadMs = 0;
  const now = () => new Date(Date.now() + aheadMs);
  const server = await startTestServer({ now });
  t.after(() => server.close());
  const { operator } = server;
  await (await LineRepository.of(operator)).handIn(operator);
  const week = { label: 'week', role: 'viewer' as const, validForS: 7 * DAY_S };
  const { token } = await operator.call('createToken', { body: week });
  const short = new ManagementClient({ url: server.url, token });
  const add = (client: ManagementClient, controllerId: string) =>
    client.call('addDevices', { body: { devices: [{ controllerId, model: 'm' }] } });
  const deviceToken = (await add(operator, 'device')).devices[0]?.token ?? '';
  aheadMs = 60 * DAY_S * 1000;
  await assert.rejects(short.call('listDevices', {}), { code: 'API_UNAUTHENTICATED' });
  await add(operator, 'ahead');
  await server.running.close();
  // The start signs the timestamp anew, ahead of the clock.
  const ahead = await startTestServer({ now }, server);
  t.after(() => ahead.running.close());
  const far = await timestampOf(ahead.url, deviceToken);
  assert.ok(far.expiresAt.getTime() > Date.now() + aheadMs);
  await ahead.running.close();
  aheadMs = 0;
  const back = await startTestServer({ now }, server);
  t.after(() => back.running.close());
  const fresh = await timestampOf(back.url, deviceToken);
  assert.ok(fresh.version > far.version, 'no device takes an older one');
  assert.ok(fresh.expiresAt.getTime() < Date.now() + 15 * DAY_S * 1000, 'and none vouches for this state for months');
  await new ManagementClient({ url: back.url, token }).call('listDevices', {});
  await add(back.operator, 'back');
  const { items } = await back.operator.call('listDevices', {});
  assert.deepEqual(items.map(({ controllerId }) => controllerId).sort(), ['ahead', 'back', 'device']);
  const { vkey } = await back.operator.call('getCheckpoint', {});
  assert.equal(verifyBundle(await back.operator.call('exportBundle', {}), { vkey }).isComplete, true);
});
