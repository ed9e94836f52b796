/**
 * What stays trusted when a refresh fails half-way, after the cases of tuf-conformance: every role that came before the one
 * that was refused has been taken and kept, nothing after it has, and a client that knew nothing asks nothing.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { fromUtf8, utf8 } from '../bytes/index.ts';
import type { TrustErrorCode } from './errors.ts';
import { parseSnapshot } from './parse-metadata.ts';
import { newSnapshot } from './produce-freshness.ts';
import { nextRoot } from './produce-root.ts';
import { nextTargets } from './produce-targets.ts';
import { signMetadata } from './sign-metadata.ts';
import { day, edited, LINE, MemoryPersistence, RepositorySimulator } from './simulator.ts';

/** The versions on the disk of a client, in the order of the client workflow. */
function versions({ files }: MemoryPersistence): Record<string, number> {
  const names = ['root', 'timestamp', 'snapshot', 'targets', LINE];
  return Object.fromEntries(
    names.flatMap((name) => {
      const bytes = files.get(`${name}.json`);
      return bytes === undefined ? [] : [[name, JSON.parse(fromUtf8(bytes)).signed.version as number]];
    }),
  );
}

/** Version 2 of every role, at day 1. */
async function publishAll(simulator: RepositorySimulator): Promise<void> {
  await simulator.rotate({});
  simulator.targets = nextTargets(simulator.targets, { expiresAt: day(180) });
  await simulator.publishTargets();
  await simulator.release(1);
}

const ORDER = ['root', 'timestamp', 'snapshot', 'targets', LINE] as const;
type Role = (typeof ORDER)[number];
const fileOf = (role: Role): string => (role === 'timestamp' ? 'timestamp.json' : `2.${role}.json`);

/** Everything before the role is at version 2, it and everything after it at 1. */
function halfWay(refused: Role): Record<string, number> {
  const at = ORDER.indexOf(refused);
  return Object.fromEntries(ORDER.map((role, index) => [role, index < at ? 2 : 1]));
}

const HURDLES: readonly (readonly [string, TrustErrorCode, (simulator: RepositorySimulator, name: string) => void])[] =
  [
    [
      'its signatures are gone',
      'TRUST_SIGNATURES_TOO_FEW',
      (simulator, name) => {
        const { signed } = JSON.parse(fromUtf8(simulator.file(name)));
        simulator.files.set(name, utf8(JSON.stringify({ signatures: [], signed })));
      },
    ],
    ['it is missing', 'TRUST_FILE_MISSING', (simulator, name) => void simulator.files.delete(name)],
  ];

for (const [why, code, change] of HURDLES) {
  for (const role of ORDER.filter((name) => !(name === 'root' && code === 'TRUST_FILE_MISSING'))) {
    test(`keeps what came before ${role} when ${why}`, async () => {
      const simulator = await RepositorySimulator.start();
      const persist = new MemoryPersistence();
      await simulator.refresh(persist, 1);
      // The root is published too, so that the client has taken all five before.
      persist.files.set('root.json', simulator.file('1.root.json'));
      await publishAll(simulator);
      // Digests would see the change first; without them, each role is judged by its own rules.
      await listWithoutDigests(simulator);
      change(simulator, fileOf(role));
      await assert.rejects(simulator.refresh(persist, 1), { code });
      assert.deepEqual(versions(persist), halfWay(role));
    });
  }
}

/** Publishes snapshot and timestamp anew, with versions only. */
async function listWithoutDigests(simulator: RepositorySimulator): Promise<void> {
  const content = { expiresAt: day(20), roles: simulator.currentRoles() };
  const meta = Object.fromEntries(['targets', LINE].map((role) => [`${role}.json`, { version: 2 }]));
  const snapshot = edited(newSnapshot(content), { version: 2, meta });
  simulator.files.set('2.snapshot.json', await signMetadata(snapshot, simulator.keys.snapshot));
  const timestamp = edited(simulator.timestamp!, { meta: { 'snapshot.json': { version: 2 } } });
  simulator.files.set('timestamp.json', await signMetadata(timestamp, simulator.keys.timestamp));
}

test('takes every role when nothing stands in the way', async () => {
  const simulator = await RepositorySimulator.start();
  const persist = new MemoryPersistence();
  await simulator.refresh(persist, 1);
  await publishAll(simulator);
  await listWithoutDigests(simulator);
  await simulator.refresh(persist, 1);
  assert.deepEqual(versions(persist), { root: 2, timestamp: 2, snapshot: 2, targets: 2, [LINE]: 2 });
});

test('asks nothing of a repository when the root that it was given is worth nothing', async () => {
  const simulator = await RepositorySimulator.start();
  const { signed, signatures } = JSON.parse(fromUtf8(simulator.file('1.root.json')));
  const worthless = [
    { signed: { ...signed, version: undefined }, signatures },
    { signed: { ...signed, _type: 'targets' }, signatures },
    { signed, signatures: [] },
    { signed, signatures: [{ ...signatures[0], sig: '00'.repeat(64) }] },
    { signed },
  ];
  for (const document of worthless) {
    const trusted = utf8(JSON.stringify(document));
    await assert.rejects(simulator.refresh(new MemoryPersistence(), 1, { trusted }), { name: 'TrustError' });
  }
  assert.deepEqual(simulator.requests, []);
});

test('takes and keeps a root that has expired, and nothing under it', async () => {
  const simulator = await RepositorySimulator.start();
  const persist = new MemoryPersistence();
  await simulator.refresh(persist, 1);
  simulator.root = nextRoot(simulator.root, { expiresAt: day(1) });
  await simulator.publishRoot(simulator.keys.root);
  await simulator.release(2);
  await assert.rejects(simulator.refresh(persist, 2), {
    code: 'TRUST_EXPIRED',
    details: { role: 'root', version: 2, expiresAt: '2026-01-02T00:00:00Z' },
  });
  assert.deepEqual(versions(persist), { root: 2, timestamp: 1, snapshot: 1, targets: 1, [LINE]: 1 });
});

test('goes on from a root and a timestamp that expired on its disk', async () => {
  const simulator = await RepositorySimulator.start();
  simulator.root = nextRoot(simulator.root, { expiresAt: day(7) });
  await simulator.publishRoot(simulator.keys.root);
  const persist = new MemoryPersistence();
  await simulator.refresh(persist, 1);
  await simulator.rotate({}, 21);
  await simulator.release(18);
  await simulator.refresh(persist, 18);
  assert.deepEqual(versions(persist), { root: 3, timestamp: 2, snapshot: 2, targets: 1, [LINE]: 2 });
});

for (const hasDigests of [false, true]) {
  test(`sees a snapshot or a role go back, ${hasDigests ? 'with' : 'without'} digests in the lists`, async () => {
    const simulator = await RepositorySimulator.start();
    const persist = new MemoryPersistence();
    const old = simulator.file('1.snapshot.json');
    await publishAll(simulator);
    if (!hasDigests) await listWithoutDigests(simulator);
    await simulator.refresh(persist, 1);
    const before = versions(persist);

    // A fresh timestamp names the snapshot of before.
    const honest = simulator.snapshot!;
    simulator.snapshot = parseSnapshot(old);
    await simulator.publishTimestamp(2);
    await assert.rejects(simulator.refresh(persist, 2), { code: 'TRUST_VERSION_ROLLBACK' });
    assert.deepEqual(versions(persist), before);

    // A fresh snapshot names the targets of before.
    const meta = { 'targets.json': { version: 1 }, [`${LINE}.json`]: { version: 2 } };
    await simulator.publishSnapshot({
      ...edited(honest, { version: 3, meta }),
      signed: { ...honest.signed, version: 3 },
    });
    await simulator.publishTimestamp(2);
    await assert.rejects(simulator.refresh(persist, 2), { code: 'TRUST_VERSION_ROLLBACK' });
    assert.deepEqual(versions(persist), { ...before, timestamp: 4 });
  });
}

test('a device that was off for a year follows every root from the first to the last', async () => {
  const simulator = await RepositorySimulator.start();
  const persist = new MemoryPersistence();
  await simulator.refresh(persist, 1);
  // Twelve monthly ceremonies, each with other keys for everything; no root but the last is still valid.
  for (let month = 1; month <= 12; month += 1) {
    const { keys } = new RepositorySimulator();
    const old = simulator.keys.root;
    Object.assign(simulator.keys, keys);
    simulator.root = nextRoot(simulator.root, { keys: simulator.publicKeys(), expiresAt: day(month * 30 + 40) });
    await simulator.publishRoot([...old, ...keys.root]);
  }
  simulator.targets = nextTargets(simulator.targets, { expiresAt: day(500) });
  await simulator.publishTargets();
  await simulator.release(366);
  simulator.requests.length = 0;
  const trusted = await simulator.refresh(persist, 366);
  assert.deepEqual(versions(persist), { root: 13, timestamp: 2, snapshot: 2, targets: 2, [LINE]: 2 });
  assert.equal(trusted.root.version, 13);
  const walked = simulator.requests.slice(0, 13);
  assert.deepEqual(
    walked,
    Array.from({ length: 13 }, (_, index) => `${index + 2}.root.json`),
  );
});
