/** A database of an earlier version is opened by this one, and what was going on in it goes on. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { verifyBundle } from '@pawl/core/evidence';
import { tickRollouts } from '../src/jobs/rollouts.ts';
import { feedback, ScriptedDevice } from './ddi-device.ts';
import { type FaultServer, startFaultServer } from './fault-server.ts';
import { ASSIGNMENT, AT, DEVICE_TOKEN, makeOldDatabase, OLD_TOKEN, triedVersions } from './old-database.ts';
import { PostgresCluster, skipWithoutPostgres } from './postgres.ts';
import { Invariants } from './rollout-invariants.ts';

async function finish(url: string, controllerId: string, assignmentId: number): Promise<void> {
  const device = new ScriptedDevice(url, controllerId, `${DEVICE_TOKEN}-${controllerId}`);
  assert.match(await device.link('deploymentBase'), new RegExp(`/deploymentBase/${assignmentId}`));
  const answer = await device.post(`/deploymentBase/${assignmentId}/feedback`, feedback('closed', 'success'));
  assert.equal(answer.status, 200, answer.text);
  device.close();
}

/** Everything that was there is read, and what was going on goes on to its end. */
async function check({ url, ports, database }: FaultServer): Promise<void> {
  const operator = new ManagementClient({ url, token: OLD_TOKEN });
  const { items: devices } = await operator.call('listDevices', { query: { filter: 'tag:old' } });
  assert.deepEqual(
    devices.map((one) => [one.controllerId, one.installedVersion, one.attributes, one.lastSeenAt]),
    [
      ['busy', '0.9.0', { note: 'kept' }, new Date(AT).toISOString()],
      ['idle', '0.9.0', { note: 'kept' }, null],
    ],
  );
  const [release] = (await operator.call('listReleases', {})).items;
  assert.deepEqual([release?.version, release?.state, release?.artifacts[0]?.isUploaded], ['1.0.0', 'published', true]);
  const rollout = async (id: number) => {
    const { name, state, devices: count, counts } = await operator.call('getRollout', { params: { id } });
    return [name, state, count, counts];
  };
  assert.deepEqual(await rollout(1), ['under way', 'running', 1, { downloading: 1 }]);
  assert.deepEqual(await rollout(2), ['not started', 'ready', 1, {}]);
  const invariants = new Invariants(database);
  await invariants.check('all');
  await tickRollouts(ports);
  await finish(url, 'busy', ASSIGNMENT);
  assert.deepEqual(await rollout(1), ['under way', 'finished', 1, { reported: 1 }]);
  await operator.call('changeRollout', { params: { id: 2, verb: 'start' }, body: {} });
  const { items } = await operator.call('listAssignments', { query: { controllerId: 'idle' } });
  assert.ok((items[0]?.id ?? 0) > ASSIGNMENT);
  await finish(url, 'idle', items[0]?.id ?? 0);
  assert.deepEqual(await rollout(2), ['not started', 'finished', 1, { reported: 1 }]);
  await invariants.check('all');
  const { vkey } = await operator.call('getCheckpoint', {});
  assert.equal(verifyBundle(await operator.call('exportBundle', {}), { vkey }).isComplete, true);
}

const isExhaustive = process.env['PAWL_EXHAUSTIVE'] === '1';

/** `npm run test:exhaustive` tries every version. */
const STORES = [
  {
    name: 'SQLite',
    start: () => Promise.resolve(undefined),
    skip: false as const,
    step: isExhaustive ? 1 : 6,
    every: 1,
  },
  {
    name: 'PostgreSQL',
    start: () => PostgresCluster.start(),
    skip: skipWithoutPostgres(),
    step: isExhaustive ? 1 : 12,
    // The steps are the same text; of those that are tried, every third.
    every: isExhaustive ? 1 : 3,
  },
];

for (const { name, start, skip, step, every } of STORES) {
  describe(name, { skip }, () => {
    test('a database of each earlier version comes to this one, and what was going on in it goes on', async (t) => {
      const cluster = await start();
      if (cluster !== undefined) t.after(() => cluster.close());
      for (const version of triedVersions(step).filter((_, at) => at % every === 0)) {
        await t.test(`version ${version}`, async (inner) => {
          const server = await startFaultServer(cluster?.url('postgres'), (place) => makeOldDatabase(version, place));
          inner.after(() => server.close());
          await check(server);
        });
      }
    });
  });
}
