/** What may be handed in as trust, beyond the first time: repeats, rotations, lines that come and go, names and keys. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { toBase64 } from '@pawl/core/bytes';
import { PrivateKey } from '@pawl/core/crypto';
import { encodeLineKeys, nextTargets } from '@pawl/core/trust';
import { LINE, LineRepository } from './line-repository.ts';
import { startTestServer, type TestServer } from './running-server.ts';

const DAY_MS = 86_400_000;
let server: TestServer;
let repository: LineRepository;
let clock = new Date('2026-03-01T12:00:00Z');
const now = () => clock;

before(async () => {
  server = await startTestServer({ now });
  repository = await LineRepository.of(server.operator, now);
});
after(() => server.close());

const putTrust = (body: object) => server.operator.call('putTrust', { body });
const codeIs = (code: string) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  return true;
};
const state = async () => {
  const { onlineKeys: _, ...versions } = await server.operator.call('getTrust', {});
  return { ...versions, ledger: (await server.operator.call('getCheckpoint', {})).size };
};

test('the whole repository with all of its roots may be handed in again after a rotation', async () => {
  const first = await repository.handIn(server.operator);
  repository.nextRoot();
  const roots = [...(first.roots ?? []), await repository.signed('root')];
  await putTrust({ ...first, roots });
  const once = await state();
  assert.equal(once.root, 2);
  await putTrust({ ...first, roots });
  assert.deepEqual(await state(), once);
});

test('an older root of other bytes is not taken for a repeat', async () => {
  const before = await state();
  const stranger = await LineRepository.of(server.operator, now);
  await assert.rejects(putTrust({ roots: [await stranger.signed('root')] }), codeIs('TRUST_SIGNATURES_TOO_FEW'));
  assert.deepEqual(await state(), before);
});

test('a published test key is no image key', async () => {
  const before = await state();
  const key = PrivateKey.fromRaw('ML-DSA-65', new Uint8Array(32)).publicKey;
  const bytes = encodeLineKeys({ line: LINE, keys: [key], requiredAlgorithms: ['ML-DSA-65'] });
  await assert.rejects(putTrust({ lineKeys: { [LINE]: toBase64(bytes) } }), codeIs('KEYS_TEST_KEY_BARRED'));
  assert.deepEqual(await state(), before);
});

test('a key list under the name of another line is refused', async () => {
  const before = await state();
  const lineKeys = { other: toBase64(repository.lineKeys) };
  await assert.rejects(putTrust({ lineKeys }), codeIs('TRUST_LINE_KEYS_INVALID'));
  assert.deepEqual(await state(), before);
});

test('a line does not stand for a top-level role', async () => {
  const before = await state();
  repository.nextRoot();
  const root = await repository.signed('root');
  for (const role of ['root', 'targets', 'snapshot', 'timestamp']) {
    await assert.rejects(putTrust({ lines: { [role]: root } }), codeIs('TRUST_ROLE_UNKNOWN'));
  }
  assert.deepEqual(await state(), before);
});

test('snapshot and timestamp rise with what they list; the timestamp alone is renewed by the clock', async () => {
  const before = await state();
  repository.line = nextTargets(repository.line, { expiresAt: repository.afterDays(90) });
  await repository.handInLine(server.operator);
  const after = await state();
  assert.deepEqual(after.lines, { [LINE]: 2 });
  assert.equal(after.snapshot, Number(before.snapshot) + 1);
  assert.equal(after.timestamp, Number(before.timestamp) + 1);
  const restartAfter = async (days: number) => {
    clock = new Date(clock.getTime() + days * DAY_MS);
    await server.running.close();
    server = await startTestServer({ now }, server);
    return (await state()).timestamp;
  };
  assert.equal(await restartAfter(6), after.timestamp);
  assert.equal(await restartAfter(1), Number(after.timestamp) + 1);
  assert.equal((await state()).ledger, after.ledger, 'freshness is no news');
});
