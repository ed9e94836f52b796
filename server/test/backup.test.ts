/** A backup of a running server proves the same ledger when it is restored; a damaged one is refused. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { verifyBundle } from '@pawl/core/evidence';
import { type BackupSummary, backupFolder, restoreFolder } from '../src/backup.ts';
import { startServer } from '../src/main.ts';
import { LineRepository, publish } from './line-repository.ts';
import { startTestServer, type TestServer } from './running-server.ts';

const codeOf = (code: string) => (error: Error & { code?: string }) => error.code === code;

let server: TestServer;
let folder: string;
let good: string;
let summary: BackupSummary;
const names: string[] = [];

before(async () => {
  server = await startTestServer();
  folder = await mkdtemp(join(tmpdir(), 'pawl-backup-'));
  good = join(folder, 'good');
  const repository = await LineRepository.of(server.operator);
  await repository.handIn(server.operator);
  await publish(server.operator, repository, { version: '1.0.0' });
  // It is taken while devices come in.
  let isDone = false;
  const writing = (async () => {
    while (!isDone && names.length < 100) {
      const controllerId = `d-${names.length}`;
      await server.operator.call('addDevices', { body: { devices: [{ controllerId, model: 'hub' }] } });
      names.push(controllerId);
    }
  })();
  summary = await backupFolder(join(server.folder, 'data'), good, new Date('2026-03-01T12:00:00Z'));
  isDone = true;
  await writing;
});
after(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

test('the restored server has the devices in order, the release with its bytes, and the same ledger under the same key', async () => {
  const dataDir = join(folder, 'restored');
  assert.deepEqual(await restoreFolder(good, dataDir, summary.manifestSha256), { files: summary.files });
  const restored = await startServer({
    dataDir,
    host: '127.0.0.1',
    port: 0,
    pollIntervalS: 300,
    now: () => new Date(),
    logLevel: 'silent',
  });
  try {
    const operator = new ManagementClient({ url: restored.url, token: server.token });
    const original = await server.operator.call('getCheckpoint', {});
    const { vkey, size } = await operator.call('getCheckpoint', {});
    assert.equal(vkey, original.vkey);
    assert.equal(verifyBundle(await operator.call('exportBundle', {}), { vkey }).isComplete, true);
    const entries = async (client: ManagementClient) =>
      (await client.call('listEntries', { query: { limit: 200 } })).items;
    assert.deepEqual(await entries(operator), (await entries(server.operator)).slice(0, size));
    const { items } = await operator.call('listReleases', {});
    assert.deepEqual(items, (await server.operator.call('listReleases', {})).items);
    const devices = new Set(
      (await operator.call('listDevices', { query: { limit: 500 } })).items.map((one) => one.controllerId),
    );
    assert.ok(devices.size <= names.length);
    for (const name of names.slice(0, devices.size)) assert.ok(devices.has(name), name);
  } finally {
    await restored.close();
  }
});

test('a file that is cut, changed, missing or too many is refused, and no data folder is made', async () => {
  const [blob = ''] = (await readdir(good, { recursive: true })).filter((path) => /[0-9a-f]{64}$/.test(path));
  const damages: Record<string, (dir: string) => Promise<unknown>> = {
    'cut database': (dir) => truncate(join(dir, 'pawl.db'), 4096),
    'other byte in an object': async (dir) => {
      const bytes = await readFile(join(dir, blob));
      await writeFile(join(dir, blob), bytes.with(0, 255 - (bytes[0] ?? 0)));
    },
    'object missing': (dir) => rm(join(dir, blob)),
    'file too many': (dir) => writeFile(join(dir, 'keys', 'more'), ''),
    'no manifest': (dir) => rm(join(dir, 'manifest.json')),
    'cut manifest': (dir) => truncate(join(dir, 'manifest.json'), 100),
    'path out of the folder': async (dir) => {
      const text = await readFile(join(dir, 'manifest.json'), 'utf8');
      await writeFile(join(dir, 'manifest.json'), text.replace('"pawl.db"', '"../pawl.db"'));
    },
  };
  for (const [name, damage] of Object.entries(damages)) {
    const bad = join(folder, 'bad');
    await cp(good, bad, { recursive: true });
    await damage(bad);
    await assert.rejects(restoreFolder(bad, join(folder, 'never')), codeOf('BACKUP_DAMAGED'), name);
    await rm(bad, { recursive: true });
  }
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.startsWith('never')),
    [],
  );
});

test('a manifest that was replaced whole is found out by its digest', async () => {
  const bad = join(folder, 'replaced');
  await cp(good, bad, { recursive: true });
  const manifest = JSON.parse(await readFile(join(bad, 'manifest.json'), 'utf8')) as { files: Record<string, object> };
  await writeFile(join(bad, 'keys', 'secret'), 'other');
  manifest.files['keys/secret'] = { sizeBytes: 5, sha256: createHash('sha256').update('other').digest('hex') };
  await writeFile(join(bad, 'manifest.json'), JSON.stringify(manifest));
  await assert.rejects(restoreFolder(bad, join(folder, 'not'), summary.manifestSha256), codeOf('BACKUP_DAMAGED'));
});

test('nothing is overwritten, and a folder without a database is no source', async () => {
  await assert.rejects(restoreFolder(good, good), codeOf('BACKUP_TARGET_NOT_EMPTY'));
  await assert.rejects(backupFolder(join(server.folder, 'data'), good, new Date()), codeOf('BACKUP_TARGET_NOT_EMPTY'));
  await assert.rejects(backupFolder(folder, join(folder, 'x'), new Date()), codeOf('BACKUP_SOURCE_MISSING'));
});
