/** The database or the object store goes away and comes back under a running server: it answers plainly, and loses nothing. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { sha256Hex } from './line-repository.ts';
import { PostgresCluster, skipWithoutPostgres } from './postgres.ts';
import { exchange } from './raw-http.ts';
import type { TestServer } from './running-server.ts';
import { startTestServer } from './running-server.ts';
import { startS3 } from './s3-server.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (let end = ends.pop(); end !== undefined; end = ends.pop()) await end();
});

async function addDevice(server: TestServer, controllerId: string): Promise<string> {
  const { devices } = await server.operator.call('addDevices', { body: { devices: [{ controllerId, model: 'hub' }] } });
  return devices[0]?.token ?? '';
}

test('without its database the server answers 503 and when to come back, and goes on when it is there again', {
  skip: skipWithoutPostgres(),
}, async () => {
  const cluster = await PostgresCluster.start();
  ends.push(() => cluster.close());
  const server = await startTestServer({ database: { url: await cluster.create('away'), connections: 3 } });
  ends.push(() => server.close());
  const token = await addDevice(server, 'before');
  const poll = () =>
    exchange(`${server.url}/default/controller/v1/before`, { headers: { authorization: `TargetToken ${token}` } });
  assert.equal((await poll()).status, 200);
  const metrics = await exchange(`${server.url}/metrics`, { headers: { authorization: `Bearer ${server.token}` } });
  for (const pool of ['read', 'write'])
    for (const state of ['busy', 'idle', 'waiting'])
      assert.match(
        metrics.text,
        new RegExp(`^pawl_database_connections\\{pool="${pool}",state="${state}"\\} [0-3]$`, 'm'),
      );
  assert.match(metrics.text, /^pawl_writes_repeated_total \d+$/m);
  assert.match(metrics.text, /^pawl_writes_alone_total \d+$/m);
  await cluster.halt();
  await assert.rejects(addDevice(server, 'away'), { code: 'STORE_UNREACHABLE', status: 503 });
  const refused = await exchange(`${server.url}/api/v1/devices`, {
    headers: { authorization: `Bearer ${server.token}` },
  });
  assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '10']);
  const health = await exchange(`${server.url}/api/v1/health`);
  assert.deepEqual([health.status, health.json()], [200, { status: 'ok', ledgerSize: null }]);
  assert.equal((await exchange(`${server.url}/api/v1/ready`)).status, 503);
  const polled = await poll();
  assert.deepEqual([polled.status, polled.headers['retry-after']], [503, '10']);
  assert.equal((JSON.parse(polled.text) as { code: string }).code, 'STORE_UNREACHABLE');
  await cluster.resume();
  assert.equal((await poll()).status, 200);
  await addDevice(server, 'away');
  const { items } = await server.operator.call('listDevices', {});
  assert.deepEqual(
    items.map(({ controllerId }) => controllerId),
    ['away', 'before'],
  );
});

test('without its object store uploads are told so, the rest goes on, and the same upload works afterwards', async () => {
  let store = await startS3();
  ends.push(() => store.close());
  const server = await startTestServer({ objects: store.options });
  ends.push(() => server.close());
  const bytes = Buffer.alloc(5000, 'image');
  const artifacts = [{ name: 'a.swu', sizeBytes: bytes.length, sha256: sha256Hex(bytes) }];
  const { id } = await server.operator.call('createRelease', {
    body: { line: 'hub', version: '1.0.0', kind: 'foreign', artifacts },
  });
  const put = () =>
    server.operator.call('putArtifact', { params: { id, name: 'a.swu' }, body: bytes, sizeBytes: bytes.length });
  const port = Number(new URL(store.options.endpoint).port);
  await store.close();
  await assert.rejects(put(), { code: 'BLOB_STORE_UNREACHABLE', status: 503 });
  await addDevice(server, 'meanwhile');
  store = await startS3(port);
  await put();
  const { items } = await server.operator.call('listReleases', {});
  assert.equal(items[0]?.artifacts[0]?.isUploaded, true);
});
