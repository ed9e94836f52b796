import assert from 'node:assert/strict';
import test from 'node:test';
import { PrivateKey } from '../crypto/index.ts';
import { TRUST_LIMITS } from './limits.ts';
import { parseRoot } from './parse-metadata.ts';
import { withTarget } from './produce-targets.ts';
import { metadataFileName } from './refresh.ts';
import { day, edited, IMAGE_PATH, LINE, MemoryPersistence, RepositorySimulator } from './simulator.ts';

test('loads every role once, saves the bytes that came, and finds the target', async () => {
  const simulator = await RepositorySimulator.start();
  const persist = new MemoryPersistence();
  const trusted = await simulator.refresh(persist, 1);
  assert.deepEqual(simulator.requests, [
    '2.root.json',
    'timestamp.json',
    '1.snapshot.json',
    '1.targets.json',
    '1.hub.json',
  ]);
  const saved = ['timestamp.json', 'snapshot.json', 'targets.json', 'hub.json'];
  const published = ['timestamp.json', '1.snapshot.json', '1.targets.json', '1.hub.json'];
  assert.deepEqual([...persist.files.keys()], saved);
  assert.deepEqual(
    saved.map((name) => persist.files.get(name)),
    published.map((name) => simulator.file(name)),
  );
  const target = trusted.findTarget(IMAGE_PATH);
  assert.equal(target?.role, LINE);
  assert.equal(target?.sizeBytes, 3);
  assert.deepEqual(target?.sha256, new Uint8Array(32).fill(7));
  assert.equal(target?.custom?.['note'], 'kept as it is');
  assert.equal(trusted.findTarget('hub/9.9.9/envelope.suit'), undefined);
});

test('fetches only the next root and the timestamp when nothing changed', async () => {
  const simulator = await RepositorySimulator.start();
  const persist = new MemoryPersistence();
  await simulator.refresh(persist, 1);
  simulator.requests.length = 0;
  const trusted = await simulator.refresh(persist, 2);
  assert.deepEqual(simulator.requests, ['2.root.json', 'timestamp.json']);
  assert.equal(trusted.findTarget(IMAGE_PATH)?.role, LINE);
});

test('takes a release, fetching only what changed', async () => {
  const simulator = await RepositorySimulator.start();
  const persist = new MemoryPersistence();
  await simulator.refresh(persist, 1);
  simulator.line = withTarget(simulator.line, { path: 'hub/2.0.0/a.enc', sizeBytes: 1, sha256: new Uint8Array(32) });
  await simulator.release(2);
  simulator.requests.length = 0;
  const trusted = await simulator.refresh(persist, 2);
  assert.deepEqual(simulator.requests, ['2.root.json', 'timestamp.json', '2.snapshot.json', '2.hub.json']);
  assert.equal(trusted.findTarget('hub/2.0.0/a.enc')?.sizeBytes, 1);
});

test('names the files without a version when the root does not ask for consistent snapshots', async () => {
  const simulator = await RepositorySimulator.start();
  simulator.root = edited(simulator.root, { consistent_snapshot: false });
  await simulator.publishRoot(simulator.keys.root);
  for (const role of ['snapshot', 'targets', LINE]) {
    simulator.files.set(`${role}.json`, simulator.file(`1.${role}.json`));
  }
  await simulator.refresh(new MemoryPersistence(), 1);
  assert.deepEqual(simulator.requests.slice(1), ['timestamp.json', 'snapshot.json', 'targets.json', 'hub.json']);
});

test('bounds every download by the limit and by the listed length', async () => {
  const simulator = await RepositorySimulator.start();
  const bounds = new Map<string, number>();
  await simulator.refresh(new MemoryPersistence(), 1, {
    fetch: async (name, sizeBytesMax) => {
      bounds.set(name, sizeBytesMax);
      return await simulator.fetch(name);
    },
  });
  assert.deepEqual(Object.fromEntries(bounds), {
    '2.root.json': TRUST_LIMITS.rootSizeBytesMax,
    'timestamp.json': TRUST_LIMITS.timestampSizeBytesMax,
    '1.snapshot.json': simulator.file('1.snapshot.json').length,
    '1.targets.json': simulator.file('1.targets.json').length,
    '1.hub.json': simulator.file('1.hub.json').length,
  });
});

test('refuses a file that is longer than the bound, whatever the fetcher let through', async () => {
  const cases: [name: string, sizeBytes: number][] = [
    ['2.root.json', TRUST_LIMITS.rootSizeBytesMax + 1],
    ['timestamp.json', TRUST_LIMITS.timestampSizeBytesMax + 1],
    ['1.snapshot.json', 5000],
    ['1.targets.json', 5000],
    ['1.hub.json', 5000],
  ];
  for (const [name, sizeBytes] of cases) {
    const simulator = await RepositorySimulator.start();
    simulator.files.set(name, new Uint8Array(sizeBytes).fill(0x20));
    await assert.rejects(simulator.refresh(new MemoryPersistence(), 1), { code: 'TRUST_LENGTH_EXCEEDED' }, name);
  }
});

test('says which file the repository lacks', async () => {
  for (const name of ['timestamp.json', '1.snapshot.json', '1.targets.json', '1.hub.json']) {
    const simulator = await RepositorySimulator.start();
    simulator.files.delete(name);
    await assert.rejects(
      simulator.refresh(new MemoryPersistence(), 1),
      (error: { code?: string; details?: object }) => {
        assert.equal(error.code, 'TRUST_FILE_MISSING');
        assert.deepEqual(error.details, { name });
        return true;
      },
    );
  }
});

test('hands on what the fetcher throws, and keeps the state of before', async () => {
  const simulator = await RepositorySimulator.start();
  const persist = new MemoryPersistence();
  await simulator.refresh(persist, 1);
  const before = new Map(persist.files);
  const fetch = async (): Promise<Uint8Array> => {
    throw new Error('the network is down');
  };
  await assert.rejects(simulator.refresh(persist, 2, { fetch }), /network is down/);
  assert.deepEqual(persist.files, before);
});

test('heals broken local copies by fetching them anew', async () => {
  const simulator = await RepositorySimulator.start();
  await simulator.rotate({});
  for (const name of ['root.json', 'timestamp.json', 'snapshot.json', 'targets.json', 'hub.json']) {
    for (const broken of [new Uint8Array(0), new Uint8Array(100).fill(0x7b)]) {
      const persist = new MemoryPersistence();
      await simulator.refresh(persist, 1);
      const good = persist.files.get(name);
      persist.files.set(name, broken);
      const trusted = await simulator.refresh(persist, 2);
      assert.equal(trusted.findTarget(IMAGE_PATH)?.role, LINE);
      if (name !== 'root.json') assert.deepEqual(persist.files.get(name), good);
    }
  }
});

test('goes on after a cut before or after any write', async () => {
  const simulator = await RepositorySimulator.start();
  const old = new MemoryPersistence();
  await simulator.refresh(old, 1);
  await simulator.rotate({ timestamp: [PrivateKey.generate('Ed25519')], snapshot: [PrivateKey.generate('Ed25519')] });
  await simulator.release(2);
  let cuts = 0;
  for (const isAfter of [false, true]) {
    for (let at = 0; ; at += 1) {
      const persist = new MemoryPersistence();
      for (const [name, bytes] of old.files) persist.files.set(name, bytes);
      let count = 0;
      const cut = async (act: () => Promise<void>): Promise<void> => {
        const isHere = count === at;
        count += 1;
        if (!isHere || isAfter) await act();
        if (isHere) throw new Error('power cut');
      };
      const failing = {
        load: (name: string) => persist.load(name),
        save: (name: string, bytes: Uint8Array) => cut(() => persist.save(name, bytes)),
        remove: (name: string) => cut(() => persist.remove(name)),
      };
      const isWhole = await simulator.refresh(failing, 2).then(
        () => true,
        (error: unknown) => {
          assert.match(String(error), /power cut/);
          return false;
        },
      );
      if (isWhole) break;
      cuts += 1;
      const trusted = await simulator.refresh(persist, 2);
      assert.equal(trusted.snapshot?.version, 2);
      assert.equal(parseRoot(persist.files.get('root.json')!).signed.version, 2);
    }
  }
  assert.equal(cuts, 12);
});

test('comes back after a year: every role has expired, and newer ones heal it', async () => {
  const simulator = await RepositorySimulator.start();
  const persist = new MemoryPersistence();
  await simulator.refresh(persist, 1);
  for (const years of [1, 2, 3]) await simulator.rotate({}, years * 360);
  await assert.rejects(simulator.refresh(persist, 1000), { code: 'TRUST_EXPIRED' });
  simulator.targets = edited(simulator.targets, { version: 2, expires: '2030-01-01T00:00:00Z' });
  simulator.targets = { ...simulator.targets, signed: { ...simulator.targets.signed, version: 2 } };
  await simulator.publishTargets();
  await simulator.release(1000);
  const trusted = await simulator.refresh(persist, 1000);
  assert.equal(trusted.root.version, 4);
  assert.equal(trusted.findTarget(IMAGE_PATH)?.role, LINE);
});

test('takes a provisioned root that is newer than the accepted one', async () => {
  const simulator = await RepositorySimulator.start();
  const persist = new MemoryPersistence();
  await simulator.rotate({});
  await simulator.refresh(persist, 1);
  await simulator.rotate({});
  const provisioned = simulator.file('3.root.json');
  // The walk from the accepted root is broken; the device was given a newer one with its firmware.
  simulator.files.delete('3.root.json');
  const trusted = await simulator.refresh(persist, 2, { trusted: provisioned });
  assert.equal(trusted.root.version, 3);
});

test('forgets what old online keys said when the provisioned root is newer and has others', async () => {
  const simulator = await RepositorySimulator.start();
  const persist = new MemoryPersistence();
  await simulator.rotate({});
  await simulator.refresh(persist, 1);
  // The snapshot key was stolen: the timestamp that the device has accepted names a version that is far ahead.
  const stolen = { ...simulator.snapshot!, signed: { ...simulator.snapshot!.signed, version: 1_000_000 } };
  await simulator.publishSnapshot({ ...stolen, ...edited(stolen, { version: 1_000_000 }), signed: stolen.signed });
  await simulator.publishTimestamp(1);
  await simulator.refresh(persist, 1);
  await simulator.rotate({ snapshot: [PrivateKey.generate('Ed25519')] });
  const trusted = simulator.file('3.root.json');
  simulator.files.delete('3.root.json');
  simulator.snapshot = undefined;
  await simulator.publishFreshness(2);
  const state = await simulator.refresh(persist, 2, { trusted });
  assert.equal(state.snapshot?.version, 1);
});

test('refuses an untrustworthy provisioned root', async () => {
  const simulator = await RepositorySimulator.start();
  const stranger = await RepositorySimulator.start();
  await simulator.publishRoot([]);
  await assert.rejects(simulator.refresh(new MemoryPersistence(), 1), { code: 'TRUST_SIGNATURES_TOO_FEW' });
  await simulator.publishRoot(stranger.keys.root);
  await assert.rejects(simulator.refresh(new MemoryPersistence(), 1), { code: 'TRUST_SIGNATURES_TOO_FEW' });
});

test('walks at most as many roots as the limit in one refresh, and goes on in the next', async () => {
  const simulator = await RepositorySimulator.start();
  for (let version = 2; version <= TRUST_LIMITS.rootRoundsMax + 3; version += 1) await simulator.rotate({});
  const persist = new MemoryPersistence();
  const first = await simulator.refresh(persist, 1);
  assert.equal(first.root.version, TRUST_LIMITS.rootRoundsMax + 1);
  const second = await simulator.refresh(persist, 1);
  assert.equal(second.root.version, TRUST_LIMITS.rootRoundsMax + 3);
});

test('encodes any role name as one harmless file name', () => {
  const names = ['?', '#', '/delegatedrole', '../delegatedrole', 'a b', '%2e', '.', 'é'];
  const files = names.map((name) => metadataFileName(name, 1));
  for (const file of files) assert.match(file, /^1\.[A-Za-z0-9._%-]+\.json$/);
  assert.equal(new Set(files).size, names.length);
});

test('judges expiry by the time at which the refresh started', async () => {
  const simulator = await RepositorySimulator.start();
  const startedAt = day(1);
  await simulator.refresh(new MemoryPersistence(), 1, {
    startedAt,
    fetch: async (name) => {
      startedAt.setUTCFullYear(2050);
      return await simulator.fetch(name);
    },
  });
});
