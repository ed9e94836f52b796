/** Several servers on one PostgreSQL: one set of keys, one ledger, nothing lost and nothing twice. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { verifyBundle } from '@pawl/core/evidence';
import { type RunningServer, startServer } from '../src/main.ts';
import { LINE, LineRepository, publish } from './line-repository.ts';
import { PostgresCluster, skipWithoutPostgres } from './postgres.ts';
import { rollOut } from './running-server.ts';

const codeOf = (code: string) => (error: Error & { code?: string }) => error.code === code;

test('a data folder whose ledger key is gone or another does not start, and no key is made in its place', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-keys-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const start = (name: string) =>
    startServer({
      dataDir: join(folder, name),
      host: '127.0.0.1',
      port: 0,
      pollIntervalS: 300,
      now: () => new Date(),
      logLevel: 'silent',
    });
  for (const name of ['a', 'b']) await (await start(name)).close();
  await rm(join(folder, 'a', 'keys'), { recursive: true });
  await assert.rejects(start('a'), codeOf('SERVER_KEYS_DIFFER'));
  await assert.rejects(start('a'), codeOf('SERVER_KEYS_DIFFER'));
  await cp(join(folder, 'b', 'keys'), join(folder, 'a', 'keys'), { recursive: true });
  await assert.rejects(start('a'), codeOf('SERVER_KEYS_DIFFER'));
});

describe('three servers', { skip: skipWithoutPostgres() }, () => {
  let cluster: PostgresCluster;
  let folder: string;
  let url: string;
  const running: RunningServer[] = [];
  const start = (dataDir: string) =>
    startServer({
      dataDir: join(folder, dataDir),
      host: '127.0.0.1',
      port: 0,
      pollIntervalS: 300,
      now: () => new Date(),
      logLevel: 'silent',
      database: { url, connections: 4 },
    });
  before(async () => {
    cluster = await PostgresCluster.start();
    folder = await mkdtemp(join(tmpdir(), 'pawl-three-'));
    url = await cluster.create('three');
    running.push(...(await Promise.all(['shared', 'shared', 'shared'].map(start))));
  });
  after(async () => {
    for (const server of running) await server.close();
    await cluster.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('that start at once make one set of keys; one that brings its own is refused', async () => {
    assert.equal(new Set(running.map(({ ledgerOrigin }) => ledgerOrigin)).size, 1);
    await assert.rejects(start('other'), codeOf('SERVER_KEYS_DIFFER'));
  });

  test('write one ledger without gaps, and each proves what any of them acknowledged', async () => {
    const clients = running.map((server) => new ManagementClient({ url: server.url }));
    // Each start replaces a claim that nobody used: the last one stands.
    const logins = await Promise.allSettled(
      clients.map((client, index) =>
        client.call('login', { body: { claim: running[index]?.claim ?? '', label: 'me' } }),
      ),
    );
    const [login] = logins.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    assert.ok(login);
    const operators = running.map((server) => new ManagementClient({ url: server.url, token: login.token }));
    const [first, second, third] = operators;
    assert.ok(first && second && third);
    const operatorAt = (index: number) => operators[index % 3] ?? first;
    const names = Array.from({ length: 24 }, (_, index) => `d-${index}`);
    await Promise.all(
      names.map((controllerId, index) =>
        operatorAt(index).call('addDevices', {
          body: { devices: [{ controllerId, model: 'hub', line: LINE }] },
        }),
      ),
    );
    const repository = await LineRepository.of(first);
    await repository.handIn(second);
    const releaseId = await publish(third, repository, { version: '1.0.0' });
    const rolloutId = await rollOut(third, releaseId, '');
    assert.equal((await first.call('getRollout', { params: { id: rolloutId } })).devices, names.length);
    const assigned = await first.call('listAssignments', { query: { limit: 100 } });
    const before = (await first.call('getCheckpoint', {})).size;
    await Promise.all(
      assigned.items.map(({ id }, index) => operatorAt(index).call('cancelAssignment', { params: { id }, body: {} })),
    );
    for (const operator of operators) {
      const { vkey, size } = await operator.call('getCheckpoint', {});
      assert.ok(size >= before + names.length, `${size} entries`);
      const bundle = verifyBundle(await operator.call('exportBundle', {}), { vkey });
      assert.equal(bundle.isComplete, true);
    }
  });
});
