import assert from 'node:assert/strict';
import test from 'node:test';
import { PrivateKey } from '../crypto/index.ts';
import { newRoot, nextRoot } from './produce-root.ts';
import { newTargets, nextTargets, withDelegation, withTarget } from './produce-targets.ts';
import { signMetadata } from './sign-metadata.ts';
import { day, edited, LINE, publicKeys, RepositorySimulator } from './simulator.ts';
import { checkSuccessor } from './successor.ts';

const now = day(1);

test('lets a root follow its predecessor, and refuses any other', async () => {
  const simulator = await RepositorySimulator.start();
  const first = simulator.file('1.root.json');
  assert.deepEqual(checkSuccessor(undefined, first, { role: 'root', now }), {
    role: 'root',
    version: 1,
    expiresAt: day(365),
  });
  const old = simulator.keys.root;
  await simulator.rotate({ root: [PrivateKey.generate('Ed25519')] });
  const second = simulator.file('2.root.json');
  assert.equal(checkSuccessor(first, second, { role: 'root', now }).version, 2);
  assert.throws(() => checkSuccessor(second, first, { role: 'root', now }), { code: 'TRUST_SIGNATURES_TOO_FEW' });
  assert.throws(() => checkSuccessor(second, second, { role: 'root', now }), { code: 'TRUST_VERSION_ROLLBACK' });
  assert.throws(() => checkSuccessor(first, second, { role: 'root', now: day(366) }), { code: 'TRUST_EXPIRED' });
  await simulator.publishRoot(old);
  assert.throws(() => checkSuccessor(first, simulator.file('2.root.json'), { role: 'root', now }), {
    code: 'TRUST_SIGNATURES_TOO_FEW',
  });
});

test('refuses a root with a threshold that can never be met', async () => {
  const simulator = await RepositorySimulator.start();
  const roles = structuredClone(simulator.root.json['roles']) as { timestamp: { threshold: number } };
  roles.timestamp.threshold = 2;
  const bytes = await signMetadata(edited(simulator.root, { roles }), simulator.keys.root);
  assert.throws(() => checkSuccessor(undefined, bytes, { role: 'root', now }), { code: 'TRUST_THRESHOLD_INVALID' });
  const keys = simulator.publicKeys();
  assert.throws(() => newRoot({ keys, thresholds: { root: 2 }, expiresAt: day(1) }), {
    code: 'TRUST_THRESHOLD_INVALID',
  });
  assert.throws(() => newRoot({ keys, thresholds: { root: 0 }, expiresAt: day(1) }), {
    code: 'TRUST_METADATA_MALFORMED',
  });
  assert.throws(() => nextRoot(simulator.root, { thresholds: { targets: 2 }, expiresAt: day(1) }), {
    code: 'TRUST_THRESHOLD_INVALID',
  });
});

test('keeps the keys and thresholds of the roles that a new root does not change', async () => {
  const simulator = await RepositorySimulator.start({ root: 2 });
  const next = nextRoot(simulator.root, {
    keys: { timestamp: publicKeys(simulator.keys.snapshot) },
    expiresAt: day(9),
  });
  const { roles, keys, version } = next.signed;
  assert.equal(version, 2);
  assert.deepEqual(roles.root, simulator.root.signed.roles.root);
  assert.deepEqual(roles.timestamp.keyIds, simulator.root.signed.roles.snapshot.keyIds);
  assert.equal(keys.size, 4);
});

test('lets targets follow with a higher version only, signed by the keys of the root', async () => {
  const simulator = await RepositorySimulator.start();
  const root = simulator.file('1.root.json');
  const first = simulator.file('1.targets.json');
  const context = { role: 'targets', root, now };
  assert.equal(checkSuccessor(undefined, first, context).version, 1);
  assert.throws(() => checkSuccessor(first, first, context), { code: 'TRUST_VERSION_ROLLBACK' });
  const next = nextTargets(simulator.targets, { expiresAt: day(30) });
  const second = await signMetadata(next, simulator.keys.targets);
  assert.equal(checkSuccessor(first, second, context).version, 2);
  const forged = await signMetadata(next, simulator.lineKeys);
  assert.throws(() => checkSuccessor(first, forged, context), { code: 'TRUST_SIGNATURES_TOO_FEW' });
  assert.throws(() => checkSuccessor(first, second, { ...context, now: day(30) }), { code: 'TRUST_EXPIRED' });
  assert.throws(() => checkSuccessor(first, second, { role: 'targets', now }), { code: 'TRUST_ORDER_INVALID' });
  const delegations = structuredClone(simulator.targets.json['delegations']) as { roles: { threshold: number }[] };
  delegations.roles[0]!.threshold = 9;
  const stuck = await signMetadata(edited(next, { delegations }), simulator.keys.targets);
  assert.throws(() => checkSuccessor(first, stuck, context), { code: 'TRUST_THRESHOLD_INVALID' });
});

test('lets the list of a line follow when its keys signed it and it stays within its paths', async () => {
  const simulator = await RepositorySimulator.start();
  const targets = simulator.file('1.targets.json');
  const first = simulator.file('1.hub.json');
  const context = { role: LINE, targets, now };
  assert.equal(checkSuccessor(undefined, first, context).version, 1);
  const next = nextTargets(simulator.line, { expiresAt: day(30) });
  const second = await signMetadata(next, simulator.lineKeys);
  assert.equal(checkSuccessor(first, second, context).version, 2);
  assert.throws(() => checkSuccessor(second, first, context), { code: 'TRUST_VERSION_ROLLBACK' });
  const forged = await signMetadata(next, simulator.keys.targets);
  assert.throws(() => checkSuccessor(first, forged, context), { code: 'TRUST_SIGNATURES_TOO_FEW' });
  assert.throws(() => checkSuccessor(first, second, { ...context, role: 'door' }), { code: 'TRUST_ROLE_UNKNOWN' });
  assert.throws(() => checkSuccessor(first, second, { role: LINE, now }), { code: 'TRUST_ORDER_INVALID' });
  const bare = await signMetadata(newTargets({ expiresAt: day(30) }), simulator.keys.targets);
  assert.throws(() => checkSuccessor(first, second, { ...context, targets: bare }), { code: 'TRUST_ROLE_UNKNOWN' });
  const outside = withTarget(next, { path: 'door/1/a', sizeBytes: 1, sha256: new Uint8Array(32) });
  const bytes = await signMetadata(outside, simulator.lineKeys);
  assert.throws(() => checkSuccessor(first, bytes, context), { code: 'TRUST_TARGET_OUTSIDE_DELEGATION' });
});

test('collects the signatures of several holders, one after the other', async () => {
  const [a, b] = [PrivateKey.generate('ESP256'), PrivateKey.generate('ML-DSA-65')];
  const simulator = await RepositorySimulator.start();
  const keys = { ...simulator.publicKeys(), targets: publicKeys([a, b]) };
  const root = nextRoot(simulator.root, { keys, thresholds: { targets: 2 }, expiresAt: day(365) });
  const rootBytes = await signMetadata(root, simulator.keys.root);
  const context = { role: 'targets', root: rootBytes, now };
  const made = withDelegation(newTargets({ expiresAt: day(30) }), {
    role: LINE,
    keys: [a.publicKey],
    paths: ['hub/*/*'],
  });
  const once = await signMetadata(made, [a]);
  assert.throws(() => checkSuccessor(undefined, once, context), { code: 'TRUST_SIGNATURES_TOO_FEW' });
  const again = await signMetadata(once, [a]);
  assert.throws(() => checkSuccessor(undefined, again, context), { code: 'TRUST_SIGNATURES_TOO_FEW' });
  assert.equal(checkSuccessor(undefined, await signMetadata(again, [b]), context).version, 1);
});
