/**
 * Rotation of keys, after the cases of tuf-conformance: which sequences of keys, thresholds and signers of a role a client
 * follows. Keys are numbers here; a step says who is listed, how many must sign, and who did.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { PrivateKey } from '../crypto/index.ts';
import type { Metadata, Root, TopRole } from './metadata.ts';
import { newRoot, nextRoot } from './produce-root.ts';
import { signMetadata } from './sign-metadata.ts';
import { day, MemoryPersistence, publicKeys, RepositorySimulator } from './simulator.ts';

const KEYS = Array.from({ length: 10 }, () => PrivateKey.generate('Ed25519'));
const keysOf = (numbers: readonly number[]): PrivateKey[] => numbers.flatMap((number) => KEYS[number] ?? []);

type Step = { readonly keys: readonly number[]; readonly threshold: number; readonly signers: readonly number[] };
const step = (keys: readonly number[], threshold: number, signers: readonly number[]): Step => ({
  keys,
  threshold,
  signers,
});

const FIVE = [0, 1, 2, 3, 4];
/** 2 replaced by 5. */
const FIVE_NEXT = [0, 1, 3, 4, 5];

const FOLLOWED: readonly (readonly [string, readonly Step[]])[] = [
  ['one key handed over, then alone', [step([1], 1, [1]), step([2], 1, [2, 1]), step([2], 1, [2])]],
  ['signatures of strangers around it', [step([1], 1, [3, 1, 4]), step([2], 1, [3, 2, 1, 4]), step([2], 1, [3, 2, 4])]],
  ['any three of five', [step(FIVE, 3, [0, 2, 4]), step(FIVE, 3, [0, 4, 1]), step(FIVE, 3, [0, 1, 3])]],
  ['one of five replaced', [step(FIVE, 3, [0, 2, 4]), step(FIVE_NEXT, 3, [0, 4, 1])]],
  ['the leaving and the coming key both sign', [step(FIVE, 3, [0, 2, 4]), step(FIVE_NEXT, 3, [0, 2, 4, 5])]],
  ['all five replaced', [step(FIVE, 3, [0, 2, 4]), step([5, 6, 7, 8, 9], 3, [0, 2, 4, 5, 6, 7])]],
  ['a threshold that rises', [step([1, 2, 3], 1, [1]), step([1, 2, 3], 2, [1, 2])]],
  ['a threshold that falls', [step([1, 2, 3], 2, [1, 2]), step([1, 2, 3], 1, [1, 2]), step([1, 2, 3], 1, [1])]],
  ['a second key and a threshold of two', [step([1], 1, [1]), step([1, 2], 2, [1, 2])]],
];

const REFUSED: readonly (readonly [string, readonly [Step, Step]])[] = [
  ['the old key did not sign', [step([1], 1, [1]), step([2], 1, [2, 3, 4])]],
  ['the new key did not sign', [step([1], 1, [1]), step([2], 1, [1, 3, 4])]],
  ['two of the new three', [step(FIVE, 3, [0, 2, 4]), step(FIVE_NEXT, 3, [0, 2, 4])]],
  ['two of the old three', [step(FIVE, 3, [0, 2, 4]), step(FIVE_NEXT, 3, [0, 4, 5])]],
  ['the raised threshold is not met', [step([1, 2, 3], 1, [1]), step([1, 2, 3], 2, [2])]],
  ['the lowered threshold is met, the old one is not', [step([1, 2, 3], 2, [1, 2]), step([1, 2, 3], 1, [1])]],
];

/** Publishes the steps as roots 1, 2, …, and the rest under the last of them. */
async function publishRoots(steps: readonly Step[]): Promise<RepositorySimulator> {
  const simulator = new RepositorySimulator();
  let root: Metadata<Root> | undefined;
  for (const { keys, threshold, signers } of steps) {
    simulator.keys.root = keysOf(keys);
    const content = { keys: simulator.publicKeys(), thresholds: { root: threshold }, expiresAt: day(365) };
    root = root === undefined ? newRoot(content) : nextRoot(root, content);
    simulator.root = root;
    await simulator.publishRoot(keysOf(signers));
  }
  await simulator.publishTargets();
  await simulator.publishLine();
  await simulator.publishFreshness(0);
  return simulator;
}

for (const [name, steps] of FOLLOWED) {
  test(`follows the root: ${name}`, async () => {
    const simulator = await publishRoots(steps);
    const persist = new MemoryPersistence();
    const trusted = await simulator.refresh(persist, 1);
    assert.equal(trusted.root.version, steps.length);
    assert.deepEqual(persist.files.get('root.json'), simulator.file(`${steps.length}.root.json`));
  });
}

for (const [name, steps] of REFUSED) {
  test(`stays with the old root: ${name}`, async () => {
    const simulator = await publishRoots(steps);
    const persist = new MemoryPersistence();
    await assert.rejects(simulator.refresh(persist, 1), { code: 'TRUST_SIGNATURES_TOO_FEW' });
    assert.deepEqual(persist.files.size, 0);
    // Signed by all of them in the end, the same content is followed.
    await simulator.publishRoot(keysOf([...steps[0].keys, ...steps[1].keys]));
    assert.equal((await simulator.refresh(persist, 1)).root.version, 2);
  });
}

const ONLINE: readonly (readonly [string, Step, boolean])[] = [
  ['a new key', step([2], 1, [2]), true],
  ['its key among strangers', step([1], 1, [3, 1, 4]), true],
  ['three of five, from the start', step(FIVE, 3, [0, 1, 2]), true],
  ['three of five, from the end', step(FIVE, 3, [4, 3, 2]), true],
  ['strangers only', step([2], 1, [1, 3, 4]), false],
  ['two of three and a stranger', step(FIVE_NEXT, 3, [0, 2, 4]), false],
  ['two of three', step(FIVE_NEXT, 3, [0, 4]), false],
];

/** What stands on the disk of the client when this role was refused: those before it are newer already. */
const KEPT: Readonly<Record<Exclude<TopRole, 'root'>, readonly string[]>> = {
  timestamp: [],
  snapshot: ['timestamp.json'],
  targets: ['timestamp.json', 'snapshot.json'],
};

for (const role of ['timestamp', 'snapshot', 'targets'] as const) {
  for (const [name, { keys, threshold, signers }, isFollowed] of ONLINE) {
    test(`${isFollowed ? 'follows' : 'refuses'} ${role} after a rotation: ${name}`, async () => {
      const simulator = await RepositorySimulator.start();
      simulator.root = nextRoot(simulator.root, {
        keys: { [role]: publicKeys(keysOf(keys)) },
        thresholds: { [role]: threshold },
        expiresAt: day(365),
      });
      await simulator.publishRoot(simulator.keys.root);
      simulator.keys[role] = keysOf(signers);
      await simulator.publishTargets();
      await simulator.publishFreshness(1);
      const persist = new MemoryPersistence();
      const refreshed = simulator.refresh(persist, 1);
      if (isFollowed) {
        const trusted = await refreshed;
        assert.equal(trusted[role]?.version, role === 'targets' ? 1 : 2);
        return;
      }
      await assert.rejects(refreshed, { code: 'TRUST_SIGNATURES_TOO_FEW' });
      assert.deepEqual([...persist.files.keys()], ['root.json', ...KEPT[role]]);
    });
  }
}

test('signs with the key of a new root only after it was rotated in', async () => {
  const simulator = await RepositorySimulator.start();
  const persist = new MemoryPersistence();
  await simulator.refresh(persist, 1);
  const stolen = simulator.keys.timestamp;
  await simulator.rotate({ timestamp: [PrivateKey.generate('Ed25519')] });
  await simulator.publishFreshness(2);
  await simulator.refresh(persist, 2);
  simulator.files.set('timestamp.json', await signMetadata(simulator.timestamp!, stolen));
  await assert.rejects(simulator.refresh(persist, 2), { code: 'TRUST_SIGNATURES_TOO_FEW' });
});
