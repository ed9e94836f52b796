/** A small fleet against a real server process: what the fleet counts is what the server and its ledger know. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ManagementClient } from '@pawl/contract/client';
import type { Assignment } from '@pawl/contract/management';
import { Stage } from '../stage/stage.ts';
import { assignBehaviours, BEHAVIOURS, type Mix } from './behaviour.ts';
import { registerFleet } from './credentials.ts';
import { type FleetOptions, runFleet } from './fleet.ts';
import type { Roster } from './roster.ts';

const DEVICES = 120;
const SEED = 11;
const MIX: Mix = { success: 50, failure: 20, revert: 15, slow: 5, offline: 10 };
const IMAGE = new Uint8Array(5000).fill(7);

let stage: Stage;
let server: Awaited<ReturnType<Stage['serve']>>;
let client: ManagementClient;
let releaseId: number;

before(async () => {
  stage = Stage.make(process.env);
  server = await stage.serve('--poll', '1');
  client = await stage.init(server.claimLink ?? '');
  releaseId = await stage.publish(client, '1.0.0', IMAGE);
});
after(() => stage.end(server));

function optionsOf(roster: Roster): FleetOptions {
  return {
    url: new URL(server.url),
    tenant: 'default',
    roster,
    mix: MIX,
    seed: SEED,
    connections: 8,
    timeoutMs: 10_000,
    spreadMs: 100,
    pollMs: 200,
    installMs: 50,
    retryMs: 100,
    isDownloading: true,
    isUntilReported: true,
    forMs: 60_000,
  };
}

async function assignmentsOf(rolloutId: number): Promise<Assignment[]> {
  const { items } = await client.call('listAssignments', { query: { rolloutId, limit: 500 } });
  return items;
}

test('every device ends as its behaviour says, and the server counts what the fleet counts', async () => {
  const roster = await registerFleet(client, { devices: DEVICES, prefix: 'sim-', model: 'sim' });
  const rolloutId = await stage.rollOut(client, releaseId, 'name:sim-*');
  const summary = await runFleet(optionsOf(roster));
  const assignments = await assignmentsOf(rolloutId);
  const behaviours = assignBehaviours(DEVICES, MIX, SEED);
  const states = { success: 'reported', slow: 'reported', failure: 'failed', revert: 'failed', offline: 'offered' };
  for (const { controllerId, state } of assignments) {
    const behaviour = BEHAVIOURS[behaviours[Number(controllerId.slice('sim-'.length))] ?? 0] ?? 'success';
    assert.equal(state, states[behaviour], `${controllerId} is of ${behaviour}`);
  }
  const countOf = (state: string): number => assignments.filter((item) => item.state === state).length;
  assert.equal(countOf('reported'), summary.success);
  assert.equal(countOf('failed'), summary.failure + summary.reverted);
  assert.equal(countOf('offered'), summary.offline);
  assert.equal(summary.reported, DEVICES - summary.offline);
  // Each device read its offer once, and got all bytes of the release.
  assert.equal(summary.offers, summary.reported);
  assert.ok(summary.downloadedBytes >= summary.reported * IMAGE.length);
  assert.deepEqual([summary.unanswered, summary.refused], [0, {}]);
  const rollout = await client.call('getRollout', { params: { id: rolloutId } });
  assert.equal(rollout.succeeded, summary.success);
});

test('a server that goes away and comes back loses no report of the fleet', async () => {
  const roster = await registerFleet(client, { devices: 40, prefix: 'lost-', model: 'sim' });
  const rolloutId = await stage.rollOut(client, releaseId, 'name:lost-*');
  const port = new URL(server.url).port;
  let isKilled = false;
  const run = runFleet({
    ...optionsOf(roster),
    mix: { success: 1 },
    installMs: 1500,
    onProgress: () => {
      if (isKilled) return;
      isKilled = true;
      server.child.removeAllListeners('exit');
      server.child.once('exit', () => {
        void stage.serve('--port', port).then((again) => {
          server = again;
        });
      });
      server.child.kill('SIGKILL');
    },
  });
  const summary = await run;
  assert.ok(isKilled && summary.unanswered > 0, 'the fleet noticed');
  const assignments = await assignmentsOf(rolloutId);
  assert.equal(assignments.filter(({ state }) => state === 'reported').length, 40);
  assert.equal(summary.reported, 40);
});
