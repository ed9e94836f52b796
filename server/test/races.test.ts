/**
 * Two operators who do what excludes each other at the same time: each pair ends as one order of the two would have, and
 * who comes too late is told by a code. Over SQLite here, and over PostgreSQL by storage-suites.test.ts.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { type DdiServer, FILE_NAME, startDdiServer } from './ddi-server.ts';

const ROUNDS = 6;
let server: DdiServer;
/** The same person on another machine. */
let second: ManagementClient;

before(async () => {
  server = await startDdiServer();
  const { token } = await server.operator.call('createToken', { body: { label: 'second', role: 'admin' } });
  second = new ManagementClient({ url: server.url, token });
});
after(() => server.close());

/** What became of each: `done`, or the code of the refusal. */
async function race(...acts: readonly (() => Promise<unknown>)[]): Promise<string[]> {
  const results = await Promise.allSettled(acts.map((act) => act()));
  return results.map((result) => {
    if (result.status === 'fulfilled') return 'done';
    const { code, status } = result.reason as { code?: string; status?: number };
    assert.ok(code !== undefined && status !== undefined && status < 500, String(result.reason));
    return code;
  });
}

async function eachRound(act: (name: string) => Promise<void>): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) await act(`r${round}`);
}

const device = (controllerId: string) => ({ body: { devices: [{ controllerId, model: 'hub', line: 'gateway' }] } });
const verb = (client: ManagementClient, id: number, word: 'start' | 'stop' | 'pause' | 'resume') => () =>
  client.call('changeRollout', { params: { id, verb: word }, body: {} });
const rolloutOf = (filter: string) =>
  server.operator.call('createRollout', { body: { name: filter, releaseId: server.releaseId, filter } });

test('one starts a rollout, another stops it: what was stopped stays stopped', () =>
  eachRound(async (name) => {
    await server.operator.call('addDevices', device(`start-${name}`));
    const { id } = await rolloutOf(`name:start-${name}`);
    const [started, stopped] = await race(verb(server.operator, id, 'start'), verb(second, id, 'stop'));
    assert.equal(stopped, 'done');
    assert.ok(started === 'done' || started === 'ROLLOUT_STATE_UNSUITABLE', started);
    const { state } = await second.call('getRollout', { params: { id } });
    assert.ok(state === 'stopped' || state === 'stopping', state);
  }));

test('two start a rollout: it is started once', () =>
  eachRound(async (name) => {
    await server.operator.call('addDevices', device(`twice-${name}`));
    const { id } = await rolloutOf(`name:twice-${name}`);
    const ends = await race(verb(server.operator, id, 'start'), verb(second, id, 'start'));
    assert.deepEqual(ends.sort(), ['ROLLOUT_STATE_UNSUITABLE', 'done']);
    const { items } = await second.call('listAssignments', { query: { controllerId: `twice-${name}` } });
    assert.equal(items.length, 1);
  }));

test('two rollouts are started for one device: it has one active assignment', () =>
  eachRound(async (name) => {
    await server.operator.call('addDevices', device(`both-${name}`));
    const [one, other] = [await rolloutOf(`name:both-${name}`), await rolloutOf(`name:both-${name}`)];
    await race(verb(server.operator, one.id, 'start'), verb(second, other.id, 'start'));
    const { items } = await second.call('listAssignments', { query: { controllerId: `both-${name}` } });
    const active = items.filter(({ state }) => !['superseded', 'cancelled', 'skipped'].includes(state));
    assert.ok(active.length <= 1, JSON.stringify(items));
  }));

test('two add the same device: it is there once, and who came later is told', () =>
  eachRound(async (name) => {
    const add = (client: ManagementClient) => () => client.call('addDevices', device(`same-${name}`));
    assert.deepEqual((await race(add(server.operator), add(second))).sort(), ['DEVICE_EXISTS', 'done']);
    const { items } = await second.call('listDevices', { query: { filter: `name:same-${name}` } });
    assert.equal(items.length, 1);
  }));

test('one publishes a release twice, from two machines: the ledger says it once', () =>
  eachRound(async (name) => {
    const { operator, swu } = server;
    const sha256 = createHash('sha256').update(swu).digest('hex');
    const artifacts = [{ name: FILE_NAME, sizeBytes: swu.length, sha256 }];
    const version = `2.0.${name.slice(1)}`;
    const body = { line: 'gateway', version, kind: 'foreign' as const, artifacts };
    const { id } = await operator.call('createRelease', { body });
    await operator.call('putArtifact', { params: { id, name: FILE_NAME }, body: swu, sizeBytes: swu.length });
    const publish = (client: ManagementClient) => () => client.call('publishRelease', { params: { id }, body: {} });
    const before = (await operator.call('getCheckpoint', {})).size;
    const ends = await race(publish(operator), publish(second));
    assert.ok(ends.includes('done'), ends.join());
    assert.equal((await operator.call('getCheckpoint', {})).size - before, 1);
  }));

test('one takes a device out of service while another updates it: it is given nothing', () =>
  eachRound(async (name) => {
    const controllerId = `gone-${name}`;
    await server.operator.call('addDevices', device(controllerId));
    const { id } = await rolloutOf(`name:${controllerId}`);
    await race(verb(second, id, 'start'), () =>
      server.operator.call('decommissionDevice', { params: { controllerId } }),
    );
    const { items } = await second.call('listAssignments', { query: { controllerId } });
    assert.ok(
      items.every(({ state }) => ['cancelled', 'superseded', 'skipped'].includes(state)),
      JSON.stringify(items),
    );
  }));

test('a token that another takes away while it is used is good for nothing afterwards', () =>
  eachRound(async (name) => {
    const body = { label: name, role: 'operator' as const };
    const { token, id } = await server.operator.call('createToken', { body });
    const robot = new ManagementClient({ url: server.url, token });
    const [, used] = await race(
      () => second.call('revokeToken', { params: { tokenId: id } }),
      () => robot.call('addDevices', device(`robot-${name}`)),
    );
    assert.ok(used === 'done' || used === 'API_UNAUTHENTICATED', used);
    await assert.rejects(robot.call('listDevices', {}), { code: 'API_UNAUTHENTICATED' });
  }));

test('two admins who shut each other out: one of them is left', () =>
  eachRound(async (name) => {
    const enter = async () => {
      const { person, claim } = await server.operator.call('invitePerson', { body: { name, roles: ['admin'] } });
      const { token } = await new ManagementClient({ url: server.url }).call('login', { body: { claim, label: name } });
      return { id: person.id, client: new ManagementClient({ url: server.url, token }) };
    };
    const [ada, bob] = [await enter(), await enter()];
    const ends = await race(
      () => ada.client.call('disablePerson', { params: { id: bob.id }, body: {} }),
      () => bob.client.call('disablePerson', { params: { id: ada.id }, body: {} }),
    );
    assert.equal(ends.filter((end) => end === 'done').length, 1, ends.join());
  }));
