/** Rollouts whose devices change between making and starting, and acts that come at the same time. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { changeBeside } from './beside.ts';
import { LINE, LineRepository, publish } from './line-repository.ts';
import { lastAssignment, startTestServer, type TestServer } from './running-server.ts';

let server: TestServer;
let releaseId: number;

before(async () => {
  server = await startTestServer();
  const repository = await LineRepository.of(server.operator);
  await repository.handIn(server.operator);
  releaseId = await publish(server.operator, repository, { version: '1.0.0' });
});
after(() => server.close());

const codeIs = (code: string) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  return true;
};
const call: TestServer['operator']['call'] = (id, input) => server.operator.call(id, input);
const device = (controllerId: string) => ({ controllerId, model: 'hub', line: LINE });
const add = (...names: string[]) => call('addDevices', { body: { devices: names.map(device) } });
const create = async (filter: string) =>
  (await call('createRollout', { body: { name: filter, releaseId, filter } })).id;
const change = (id: number, verb: 'start' | 'pause' | 'resume' | 'stop') =>
  call('changeRollout', { params: { id, verb }, body: {} });
const decommission = (controllerId: string) => call('decommissionDevice', { params: { controllerId } });
const codesOf = (ends: readonly PromiseSettledResult<unknown>[]) =>
  ends.map((end): string => (end.status === 'fulfilled' ? 'ok' : (end.reason as { code: string }).code)).sort();

test('a rollout is of the devices that the filter named when it was made', async () => {
  await add('set-1', 'set-2');
  const id = await create('name:set-*');
  await add('set-3');
  await decommission('set-2');
  const { counts } = await change(id, 'start');
  assert.deepEqual(counts, { offered: 1 });
  assert.equal((await lastAssignment(server.operator, 'set-1')).state, 'offered');
  await assert.rejects(lastAssignment(server.operator, 'set-3'));
});

test('a rollout whose devices are all gone ends when it starts', async () => {
  await add('gone');
  const id = await create('name:gone');
  await decommission('gone');
  assert.equal((await change(id, 'start')).state, 'finished');
});

test('a device that is decommissioned ends its assignment, and the rollout with it', async () => {
  await add('leaves');
  const id = await create('name:leaves');
  await change(id, 'start');
  await decommission('leaves');
  const { state, code } = await call('listAssignments', { query: { rolloutId: id } }).then(
    ({ items }) => items[0] ?? assert.fail(),
  );
  assert.deepEqual([state, code], ['cancelled', 'DECOMMISSIONED']);
  assert.equal((await call('getRollout', { params: { id } })).state, 'finished');
  await assert.rejects(create('name:leaves'), codeIs('ROLLOUT_EMPTY'));
});

test('an assignment that has ended is not cancelled', async () => {
  await add('ended');
  await change(await create('name:ended'), 'start');
  await decommission('ended');
  const { id } = await lastAssignment(server.operator, 'ended');
  const cancel = () => call('cancelAssignment', { params: { id }, body: {} });
  await assert.rejects(cancel(), codeIs('ASSIGNMENT_FINAL'));
});

test('a release below the floor of one device is not rolled out to any, unless that is asked for', async () => {
  await add('floor-1', 'floor-2');
  // Past 2^53, and longer than the counter: floors are compared as numbers of any size.
  await changeBeside(server.folder, (db) =>
    db.exec("UPDATE device SET floor = '9007199254740993' WHERE controller_id = 'floor-2'"),
  );
  await assert.rejects(create('name:floor-*'), codeIs('ROLLOUT_BELOW_FLOOR'));
  await create('name:floor-1');
  const body = { name: 'x', releaseId, filter: 'name:floor-*', despiteFloor: true };
  assert.equal((await call('createRollout', { body })).devices, 2);
});

test('a rollout is started once, however many ask at the same time', async () => {
  await add('once');
  const id = await create('name:once');
  const ends = await Promise.allSettled(Array.from({ length: 6 }, () => change(id, 'start')));
  assert.deepEqual(codesOf(ends), [...Array<string>(5).fill('ROLLOUT_STATE_UNSUITABLE'), 'ok']);
  const { items } = await call('listAssignments', { query: { controllerId: 'once' } });
  assert.equal(items.length, 1);
});

test('the last of many rollouts to one device is the one that is offered', async () => {
  await add('many');
  const ids = [];
  for (let index = 0; index < 5; index += 1) ids.push(await create('name:many'));
  await Promise.all(ids.map((id) => change(id, 'start')));
  const { items } = await call('listAssignments', { query: { controllerId: 'many' } });
  assert.deepEqual(
    items.map(({ state }) => state),
    [...Array<string>(4).fill('cancelled'), 'offered'],
  );
});

test('a rollout that was made and never started can be stopped, and then not be started', async () => {
  await add('never');
  const id = await create('name:never');
  for (const verb of ['pause', 'resume'] as const)
    await assert.rejects(change(id, verb), codeIs('ROLLOUT_STATE_UNSUITABLE'));
  assert.deepEqual((await change(id, 'stop')).counts, {});
  for (const verb of ['start', 'pause', 'resume', 'stop'] as const)
    await assert.rejects(change(id, verb), codeIs('ROLLOUT_STATE_UNSUITABLE'));
});

test('one name twice in one hand-in adds nobody, and one name at the same time adds one', async () => {
  await assert.rejects(add('double', 'other', 'double'), codeIs('DEVICE_EXISTS'));
  for (const controllerId of ['double', 'other']) {
    await assert.rejects(call('getDevice', { params: { controllerId } }), codeIs('DEVICE_UNKNOWN'));
  }
  const ends = await Promise.allSettled(Array.from({ length: 5 }, () => add('racer')));
  assert.deepEqual(codesOf(ends), [...Array<string>(4).fill('DEVICE_EXISTS'), 'ok']);
});

test('the first claim makes one admin, however many ask at the same time', async () => {
  const fresh = await startTestServer({}, { folder: `${server.folder}/fresh`, token: '' });
  try {
    const anyone = new ManagementClient({ url: fresh.url });
    const login = () => anyone.call('login', { body: { claim: fresh.running.claim ?? '', label: 'me' } });
    const ends = await Promise.allSettled(Array.from({ length: 8 }, login));
    assert.deepEqual(codesOf(ends), [...Array<string>(7).fill('CLAIM_INVALID'), 'ok']);
  } finally {
    await fresh.close();
  }
});
