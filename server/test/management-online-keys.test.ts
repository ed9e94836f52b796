/** The server's own keys are made anew: nothing is signed that devices would refuse, until a root names the new ones. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { toBase64 } from '@pawl/core/bytes';
import { PublicKey } from '@pawl/core/crypto';
import { nextRoot, nextTargets, signMetadata } from '@pawl/core/trust';
import { LineRepository } from './line-repository.ts';
import { startTestServer } from './running-server.ts';

const DAY_MS = 86_400_000;

test('new online keys sign nothing before a root names them, and everything after', async (t) => {
  let clock = new Date('2026-03-01T12:00:00Z');
  const now = (): Date => clock;
  let server = await startTestServer({ now });
  t.after(() => server.close());
  const repository = await LineRepository.of(server.operator, now);
  await repository.handIn(server.operator);
  const before = await server.operator.call('getTrust', {});

  // The operator moves the two key files away; the timestamp nears its end.
  await server.running.close();
  for (const role of ['snapshot', 'timestamp']) await rm(join(server.folder, 'data', 'keys', `${role}.json`));
  clock = new Date(clock.getTime() + 8 * DAY_MS);
  server = await startTestServer({ now }, server);
  const { onlineKeys, ...versions } = await server.operator.call('getTrust', {});
  const { onlineKeys: oldKeys, ...oldVersions } = before;
  assert.notEqual(onlineKeys.timestamp, oldKeys.timestamp);
  assert.deepEqual(versions, oldVersions);

  // Nor is anything else taken that they would have to vouch for.
  repository.line = nextTargets(repository.line, { expiresAt: repository.afterDays(90) });
  const refused = repository.handInLine(server.operator);
  await assert.rejects(refused, (error: Error & { code?: string }) => error.code === 'TRUST_SIGNATURES_TOO_FEW');

  const root = nextRoot(repository.root, {
    keys: {
      snapshot: [PublicKey.fromSpki(onlineKeys.snapshot)],
      timestamp: [PublicKey.fromSpki(onlineKeys.timestamp)],
    },
    expiresAt: repository.afterDays(365),
  });
  const bytes = toBase64(await signMetadata(root, [repository.keys.root]));
  const after = await server.operator.call('putTrust', { body: { roots: [bytes] } });
  assert.equal(after.root, 2);
  assert.equal(after.timestamp, Number(oldVersions.timestamp) + 1);
  await repository.handInLine(server.operator);
});
