/**
 * What was acknowledged survives SIGKILL: a server in a process of its own is killed right after it answered, started
 * again on the same folder, and still has it – with a ledger that proves itself.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { verifyBundle } from '@pawl/core/evidence';
import { LINE, LineRepository, publish, sha256Hex } from './line-repository.ts';

const SCRIPT = `
  import { startServer } from ${JSON.stringify(join(import.meta.dirname, '../src/main.ts'))};
  const { url, claim } = await startServer({
    dataDir: process.argv[1], host: '127.0.0.1', port: 0, pollIntervalS: 300, now: () => new Date(), logLevel: 'silent',
  });
  console.log(JSON.stringify({ url, claim }));
`;

type Started = { readonly child: ChildProcess; readonly url: string; readonly claim?: string };
let folder: string;
let started: Started | undefined;
let token: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-kill-'));
});
afterEach(async () => {
  await kill();
  await rm(folder, { recursive: true, force: true });
});

async function kill(): Promise<void> {
  if (started === undefined) return;
  const { child } = started;
  started = undefined;
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function start(): Promise<ManagementClient> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT, join(folder, 'data')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  started = { child, ...(JSON.parse(line) as { url: string; claim?: string }) };
  const { url, claim } = started;
  if (claim !== undefined) {
    token = (await new ManagementClient({ url }).call('login', { body: { claim, label: 'test' } })).token;
  }
  return new ManagementClient({ url, token });
}

/** Kills the server and starts it again. */
async function cut(): Promise<ManagementClient> {
  await kill();
  return await start();
}

async function verifyLedger(operator: ManagementClient): Promise<number> {
  const { vkey, size } = await operator.call('getCheckpoint', {});
  if (size > 0) assert.equal(verifyBundle(await operator.call('exportBundle', {}), { vkey }).isComplete, true);
  return size;
}

test('each acknowledged step from login to a running rollout is there after a kill', async () => {
  let operator = await start();
  operator = await cut();
  const body = { devices: [{ controllerId: 'dev-1', model: 'hub', line: LINE }] };
  await operator.call('addDevices', { body });
  operator = await cut();
  assert.equal((await operator.call('getDevice', { params: { controllerId: 'dev-1' } })).model, 'hub');
  const repository = await LineRepository.of(operator);
  await repository.handIn(operator);
  operator = await cut();
  assert.equal((await operator.call('getTrust', {})).root, 1);
  const releaseId = await publish(operator, repository, { version: '1.0.0' });
  operator = await cut();
  const { items } = await operator.call('listReleases', {});
  assert.deepEqual([items[0]?.id, items[0]?.state], [releaseId, 'published']);
  const { id } = await operator.call('createRollout', { body: { name: 'r', releaseId, filter: '' } });
  await operator.call('changeRollout', { params: { id, verb: 'start' }, body: {} });
  operator = await cut();
  const rollout = await operator.call('getRollout', { params: { id } });
  assert.deepEqual([rollout.state, rollout.counts], ['running', { offered: 1 }]);
  assert.ok((await verifyLedger(operator)) >= 7);
});

test('a checkpoint that was given out is never taken back', async () => {
  let operator = await start();
  const repository = await LineRepository.of(operator);
  await repository.handIn(operator);
  await publish(operator, repository, { version: '1.0.0' });
  const before = await operator.call('getCheckpoint', {});
  operator = await cut();
  const after = await operator.call('getCheckpoint', {});
  assert.deepEqual([after.size, after.rootHash, after.vkey], [before.size, before.rootHash, before.vkey]);
});

test('a kill amid many writes loses nothing that was answered and keeps nothing half-done', async () => {
  let operator = await start();
  for (const round of [1, 2, 3]) {
    const answered: string[] = [];
    const worker = async (name: string): Promise<void> => {
      for (let index = 0; ; index += 1) {
        const names = [`${name}-${index}-a`, `${name}-${index}-b`];
        const devices = names.map((controllerId) => ({ controllerId, model: 'hub' }));
        await operator.call('addDevices', { body: { devices } });
        answered.push(...names);
        if (answered.length >= 40 && started !== undefined) started.child.kill('SIGKILL');
      }
    };
    const ends = await Promise.allSettled(['w', 'x', 'y'].map((name) => worker(`${round}${name}`)));
    assert.ok(ends.every(({ status }) => status === 'rejected'));
    operator = await cut();
    const known = new Set<string>();
    for (let cursor: string | undefined; ; ) {
      const page = await operator.call('listDevices', {
        query: { filter: `name:${round}*`, limit: 500, ...(cursor === undefined ? {} : { cursor }) },
      });
      for (const { controllerId } of page.items) known.add(controllerId);
      if (page.next === null) break;
      cursor = page.next;
    }
    for (const name of answered) assert.ok(known.has(name), `${name} was acknowledged`);
    for (const name of known) assert.ok(known.has(name.replace(/-a$/, '-b')), `${name} came alone`);
  }
});

test('an upload that a kill cut short is not there, and can be sent again', async () => {
  let operator = await start();
  const bytes = new Uint8Array(300_000).fill(7);
  const artifacts = [{ name: 'a.swu', sizeBytes: bytes.length, sha256: sha256Hex(bytes) }];
  const body = { line: 'boxes', version: '1.0.0', kind: 'foreign' as const, artifacts };
  const { id } = await operator.call('createRelease', { body });
  async function* halfThenKill(): AsyncIterable<Uint8Array> {
    yield bytes.subarray(0, 150_000);
    await kill();
    yield bytes.subarray(150_000);
  }
  const put = (client: ManagementClient, source: Uint8Array | AsyncIterable<Uint8Array>) =>
    client.call('putArtifact', { params: { id, name: 'a.swu' }, body: source, sizeBytes: bytes.length });
  await assert.rejects(put(operator, halfThenKill()), { code: 'CLIENT_UNREACHABLE' });
  operator = await cut();
  assert.equal((await operator.call('listReleases', {})).items[0]?.artifacts[0]?.isUploaded, false);
  await put(operator, bytes);
  operator = await cut();
  assert.equal((await operator.call('listReleases', {})).items[0]?.artifacts[0]?.isUploaded, true);
});
