/**
 * Which role may answer for a path, after the cases of tuf-conformance: one tree and the paths that are looked for in it, a
 * role with two parents, a role that the snapshot does not list, and the bins of TAP 15 (values from python-tuf 7.0.0).
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { PrivateKey } from '../crypto/index.ts';
import type { JsonObject } from './json.ts';
import type { Metadata, Targets } from './metadata.ts';
import { newSnapshot } from './produce-freshness.ts';
import { newTargets, withDelegation, withTarget } from './produce-targets.ts';
import { loadTarget, metadataFileName } from './refresh.ts';
import { signMetadata } from './sign-metadata.ts';
import { day, edited, MemoryPersistence, publicKeys, RepositorySimulator } from './simulator.ts';
import { checkSuccessor } from './successor.ts';
import { binOfPath, isBin } from './succinct-roles.ts';

const KEY = PrivateKey.generate('Ed25519');
const LISTED = { sizeBytes: 1, sha256: new Uint8Array(32) };

const list = (...paths: readonly string[]): Metadata<Targets> =>
  paths.reduce((made, path) => withTarget(made, { path, ...LISTED }), newTargets({ expiresAt: day(100) }));

function delegate(to: Metadata<Targets>, role: string, paths: readonly string[], keys = [KEY]): Metadata<Targets> {
  return withDelegation(to, { role, paths, keys: publicKeys(keys), terminating: false });
}

/** A repository of these roles; delegated ones are signed with `KEY`. */
async function publish(roles: Readonly<Record<string, Metadata<Targets>>>): Promise<RepositorySimulator> {
  const simulator = await RepositorySimulator.start();
  const signed = new Map<string, Uint8Array>();
  for (const [role, made] of Object.entries(roles)) {
    const bytes = await signMetadata(made, role === 'targets' ? simulator.keys.targets : [KEY]);
    signed.set(role, bytes);
    simulator.files.set(metadataFileName(role, 1), bytes);
  }
  await simulator.publishSnapshot(newSnapshot({ expiresAt: day(14), roles: signed }));
  await simulator.publishTimestamp(0);
  return simulator;
}

type Found = { readonly role: string | undefined; readonly asked: readonly string[] };

async function search(simulator: RepositorySimulator, path: string): Promise<Found> {
  const persist = new MemoryPersistence();
  const state = await simulator.refresh(persist, 1, { roles: [] });
  simulator.requests.length = 0;
  const ports = { fetch: simulator.fetch, persist };
  const role = (await loadTarget(state, path, ports))?.role;
  return { role, asked: simulator.requests.map((name) => name.replace(/^1\.|\.json$/g, '')) };
}

const SEARCHES: readonly (readonly [path: string, role: string | undefined, asked: readonly string[]])[] = [
  ['top', 'targets', []],
  ['README.md', 'A', ['A']],
  ['README.MD', undefined, []],
  ['foo-1.tgz', 'A', ['A']],
  ['foo-alpha.tgz', undefined, []],
  // A lists it, but its patterns do not cross a slash, and those of B ask for two.
  ['releases/README.md', undefined, []],
  ['releases/x/x_v1', 'C', ['B', 'C']],
  ['releases/y/y_v1.zip', 'D', ['B', 'D']],
  // D lists it, but B lets D speak for y only.
  ['releases/z/z_v1.zip', undefined, ['B']],
];

for (const [path, role, asked] of SEARCHES) {
  test(`looks for ${path} in ${role ?? 'no role'}, and asks only who may speak for it`, async () => {
    const targets = delegate(list('top'), 'A', ['*.doc', '*.md', 'foo-?.tgz']);
    const simulator = await publish({
      targets: delegate(targets, 'B', ['releases/*/*']),
      A: list('README.md', 'releases/README.md', 'foo-1.tgz', 'foo-alpha.tgz'),
      B: delegate(delegate(list(), 'C', ['releases/x/*']), 'D', ['releases/y/*.zip']),
      C: list('releases/x/x_v1'),
      D: list('releases/y/y_v1.zip', 'releases/z/z_v1.zip'),
    });
    assert.deepEqual(await search(simulator, path), { role, asked });
  });
}

test('a role that one parent vouches for is not believed on the word of another', async () => {
  const stranger = PrivateKey.generate('Ed25519');
  const simulator = await publish({
    targets: delegate(delegate(list(), 'parent-a', ['team-a/*']), 'parent-b', ['team-b/*']),
    'parent-a': delegate(list(), 'release', ['team-a/*']),
    'parent-b': delegate(list(), 'release', ['team-b/*'], [stranger]),
    release: list('team-a/x', 'team-b/x'),
  });
  const persist = new MemoryPersistence();
  const state = await simulator.refresh(persist, 1, { roles: [] });
  const ports = { fetch: simulator.fetch, persist };
  assert.equal((await loadTarget(state, 'team-a/x', ports))?.role, 'release');
  const refusal = { code: 'TRUST_SIGNATURES_TOO_FEW' };
  await assert.rejects(loadTarget(state, 'team-b/x', ports), refusal);
  assert.throws(() => state.findTarget('team-b/x'), { code: 'TRUST_ROLE_NOT_LOADED' });
  // Nor when the copy on the disk is all there is.
  const next = await simulator.refresh(persist, 1, { roles: [] });
  await assert.rejects(loadTarget(next, 'team-b/x', ports), refusal);
});

test('a role that the snapshot does not list is not even asked for', async () => {
  const simulator = await publish({ targets: delegate(list(), 'A', ['a/*']) });
  simulator.files.set('1.A.json', await signMetadata(list('a/x'), [KEY]));
  const persist = new MemoryPersistence();
  const state = await simulator.refresh(persist, 1, { roles: [] });
  simulator.requests.length = 0;
  const found = loadTarget(state, 'a/x', { fetch: simulator.fetch, persist });
  await assert.rejects(found, { code: 'TRUST_ROLE_UNKNOWN', details: { role: 'A', at: 'snapshot' } });
  assert.deepEqual(simulator.requests, []);
});

test('finds the bin of a path as other clients do', () => {
  const cases: readonly (readonly [bitLength: number, path: string, bin: string])[] = [
    [1, 'hub/1.2.3/envelope.suit', 'bin-1'],
    [3, 'a', 'bin-6'],
    [8, 'README.md', 'bin-b3'],
    [10, 'hub/1.2.3/envelope.suit', 'bin-2c8'],
    [10, 'a', 'bin-32a'],
    [16, 'README.md', 'bin-b335'],
    [31, 'a', 'bin-654bc089'],
    [32, 'hub/1.2.3/envelope.suit', 'bin-b2120e62'],
  ];
  for (const [bitLength, path, bin] of cases) {
    const roles = { keyIds: [], threshold: 1, bitLength, namePrefix: 'bin' };
    assert.equal(binOfPath(roles, path), bin);
    assert.equal(isBin(roles, bin), true);
  }
  const roles = { keyIds: [], threshold: 1, bitLength: 10, namePrefix: 'bin' };
  for (const name of ['bin-000', 'bin-3ff']) assert.equal(isBin(roles, name), true, name);
  // python-tuf takes bin-3FF too; no path leads there, so here it is no bin.
  for (const name of ['bin-400', 'bin-00', 'bin-0000', 'bin-3FF', 'bun-000', 'bin-', 'bin-00g']) {
    assert.equal(isBin(roles, name), false, name);
  }
});

/** The targets role with 1024 bins of one key. */
function withBins(threshold: number): Metadata<Targets> {
  const { json } = delegate(list(), 'x', ['x/*']);
  const { keys } = json['delegations'] as { keys: JsonObject };
  const bins = { keyids: Object.keys(keys), threshold, bit_length: 10, name_prefix: 'bin' };
  return edited(list(), { delegations: { keys, succinct_roles: bins } });
}

test('asks the one bin that may speak for a path', async () => {
  const simulator = await publish({ targets: withBins(1), 'bin-32a': list('a', 'README.md'), 'bin-2cc': list() });
  assert.deepEqual(await search(simulator, 'a'), { role: 'bin-32a', asked: ['bin-32a'] });
  assert.deepEqual(await search(simulator, 'README.md'), { role: undefined, asked: ['bin-2cc'] });
  await assert.rejects(search(simulator, 'hub/1.2.3/envelope.suit'), { code: 'TRUST_ROLE_UNKNOWN' });
  const refused = await publish({ targets: withBins(2), 'bin-32a': list('a') });
  await assert.rejects(search(refused, 'a'), { code: 'TRUST_SIGNATURES_TOO_FEW' });
});

test('lets a bin be published with the targets that belong to it, and no others', async () => {
  const simulator = await publish({ targets: withBins(1) });
  const context = { targets: simulator.file('1.targets.json'), root: simulator.file('1.root.json'), now: day(1) };
  const publishBin = async (role: string, ...paths: readonly string[]): Promise<unknown> =>
    checkSuccessor(undefined, await signMetadata(list(...paths), [KEY]), { ...context, role });
  await publishBin('bin-32a', 'a');
  await assert.rejects(publishBin('bin-32a', 'README.md'), { code: 'TRUST_TARGET_OUTSIDE_DELEGATION' });
  await assert.rejects(publishBin('bin-3FF'), { code: 'TRUST_ROLE_UNKNOWN' });
  const unreachable = await signMetadata(withBins(2), simulator.keys.targets);
  const checked = (): unknown => checkSuccessor(undefined, unreachable, { ...context, role: 'targets' });
  assert.throws(checked, { code: 'TRUST_THRESHOLD_INVALID' });
});
