import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { toHex } from '../bytes/index.ts';
import { TRUST_ERRORS } from './errors.ts';
import { newTargets } from './produce-targets.ts';
import { signMetadata } from './sign-metadata.ts';
import { day, edited, IMAGE_PATH, LINE, RepositorySimulator } from './simulator.ts';
import { TrustedMetadata } from './trusted-metadata.ts';

const simulator = await RepositorySimulator.start();
const file = (name: string): Uint8Array => simulator.file(name);
const start = (): TrustedMetadata => TrustedMetadata.fromRoot(file('1.root.json'), day(1));

test('takes the roles in their order, and in no other', async () => {
  const trusted = start();
  const early: (() => void)[] = [
    () => trusted.updateSnapshot(file('1.snapshot.json')),
    () => trusted.updateTargets(file('1.targets.json')),
    () => trusted.updateDelegated(file('1.hub.json'), LINE, 'targets'),
    () => trusted.verifyTimestampFresh(),
    () => trusted.listedRole('targets'),
  ];
  for (const act of early) assert.throws(act, { code: 'TRUST_ORDER_INVALID' });
  assert.equal(trusted.updateTimestamp(file('timestamp.json')), true);
  assert.equal(trusted.updateTimestamp(file('timestamp.json')), false);
  assert.throws(() => trusted.updateRoot(file('1.root.json')), { code: 'TRUST_ORDER_INVALID' });
  assert.throws(() => trusted.recallTimestamp(file('timestamp.json')), { code: 'TRUST_ORDER_INVALID' });
  trusted.updateSnapshot(file('1.snapshot.json'));
  assert.throws(() => trusted.updateTimestamp(file('timestamp.json')), { code: 'TRUST_ORDER_INVALID' });
  assert.throws(() => trusted.recallSnapshot(file('1.snapshot.json')), { code: 'TRUST_ORDER_INVALID' });
  assert.throws(() => trusted.updateDelegated(file('1.hub.json'), LINE, 'targets'), { code: 'TRUST_ROLE_UNKNOWN' });
  trusted.updateTargets(file('1.targets.json'));
  assert.throws(() => trusted.updateSnapshot(file('1.snapshot.json')), { code: 'TRUST_ORDER_INVALID' });
  assert.throws(() => trusted.findTarget(IMAGE_PATH), { code: 'TRUST_ROLE_NOT_LOADED' });
  trusted.updateDelegated(file('1.hub.json'), LINE, 'targets');
  assert.equal(trusted.findTarget(IMAGE_PATH)?.role, LINE);
  assert.equal(trusted.requireTarget(IMAGE_PATH).role, LINE);
  assert.throws(() => trusted.requireTarget('hub/0/none'), { code: 'TRUST_TARGET_NOT_LISTED' });
});

test('takes one file only for a role, though two would pass', async () => {
  const snapshot = edited(simulator.snapshot!, {
    meta: { 'targets.json': { version: 1 }, 'hub.json': { version: 1 } },
  });
  const own = await RepositorySimulator.start();
  own.keys.snapshot = simulator.keys.snapshot;
  const trusted = start();
  const bytes = await signMetadata(snapshot, simulator.keys.snapshot);
  const meta = { 'snapshot.json': { version: 1 } };
  const timestamp = await signMetadata(edited(simulator.timestamp!, { meta }), simulator.keys.timestamp);
  trusted.updateTimestamp(timestamp);
  trusted.updateSnapshot(bytes);
  trusted.updateTargets(file('1.targets.json'));
  trusted.updateDelegated(file('1.hub.json'), LINE, 'targets');
  const other = await signMetadata(newTargets({ expiresAt: day(30) }), simulator.lineKeys);
  assert.throws(() => trusted.updateDelegated(other, LINE, 'targets'), { code: 'TRUST_DIGEST_MISMATCH' });
});

test('finds only targets that have a SHA-256', async () => {
  const own = await RepositorySimulator.start();
  const targets = { 'hub/1/a': { length: 1, hashes: { sha512: '0'.repeat(128) } } };
  own.line = { ...edited(own.line, { targets, version: 2 }), signed: { ...own.line.signed, version: 2 } };
  await own.publishLine();
  await own.publishFreshness(1);
  const trusted = TrustedMetadata.fromRoot(own.file('1.root.json'), day(1));
  trusted.updateTimestamp(own.file('timestamp.json'));
  trusted.updateSnapshot(own.file('2.snapshot.json'));
  trusted.updateTargets(own.file('1.targets.json'));
  trusted.updateDelegated(own.file('2.hub.json'), LINE, 'targets');
  assert.throws(() => trusted.findTarget('hub/1/a'), { code: 'TRUST_DIGEST_UNSUPPORTED' });
});

test('a refused update leaves the state as it was', () => {
  const trusted = start();
  trusted.updateTimestamp(file('timestamp.json'));
  const { timestamp, root } = trusted;
  assert.throws(() => trusted.updateSnapshot(file('1.targets.json')));
  assert.throws(() => trusted.updateTimestamp(file('1.snapshot.json')));
  assert.equal(trusted.timestamp, timestamp);
  assert.equal(trusted.root, root);
  assert.equal(trusted.snapshot, undefined);
});

test('names no key, signature or content in its messages', () => {
  const stranger = toHex(file('1.root.json')).slice(0, 64);
  assert.throws(
    () => start().updateTimestamp(file('1.snapshot.json')),
    (error: Error) => !error.message.includes(stranger) && error.message.length < 300,
  );
});

test('every error code of this part is expected by a test', () => {
  const texts = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
    .join('\n');
  const missing = Object.keys(TRUST_ERRORS).filter((code) => !texts.includes(`'${code}'`));
  assert.deepEqual(missing, []);
});
