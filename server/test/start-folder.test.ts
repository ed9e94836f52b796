/** The data folder of a server: made with its parents, for the owner only, or refused – never waited for. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, test } from 'node:test';
import { startServer } from '../src/main.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-folder-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const start = (dataDir: string, port = 0) =>
  startServer({ dataDir, host: '127.0.0.1', port, pollIntervalS: 300, now: () => new Date(), logLevel: 'silent' });

test('a folder is made with those above it, and only its owner reads it', async () => {
  const dataDir = join(folder, 'a', 'b', 'data');
  await (await start(dataDir)).close();
  for (const path of [dataDir, join(folder, 'a')]) assert.equal((await stat(path)).mode & 0o777, 0o700, path);
});

test('what is no folder, or cannot become one, is refused at once', async () => {
  await writeFile(join(folder, 'file'), '', { mode: 0o700 });
  await symlink('nowhere', join(folder, 'loose'));
  for (const path of [join(folder, 'file'), join(folder, 'file', 'data'), join(folder, 'loose'), '/proc/pawl/data']) {
    await assert.rejects(start(path), { code: 'STORE_NOT_WRITABLE' }, path);
  }
});

test('a database of a newer Pawl is left alone, and the folder is free for the newer one', async () => {
  await (await start(folder)).close();
  const raw = new DatabaseSync(join(folder, 'pawl.db'));
  raw.exec('PRAGMA user_version = 999');
  await assert.rejects(start(folder), { code: 'STORE_NEWER' });
  raw.exec('PRAGMA user_version = 1000');
  await assert.rejects(start(folder), { code: 'STORE_NEWER' });
  raw.close();
});

test('a start that fails at its port gives the folder back', async () => {
  const other = await start(join(folder, 'other'));
  const port = Number(new URL(other.url).port);
  await assert.rejects(start(join(folder, 'data'), port), { code: 'SERVER_PORT_IN_USE' });
  await other.close();
  await (await start(join(folder, 'data'), port)).close();
});

test('a secret that does not open the keys is refused, and they are not made anew', async () => {
  const first = await start(folder);
  await first.close();
  const before = (await stat(join(folder, 'keys', 'ledger.json'))).mtimeMs;
  await writeFile(join(folder, 'keys', 'secret'), 'x'.repeat(43));
  await assert.rejects(start(folder), { code: 'KEYS_PASSPHRASE_WRONG' });
  assert.equal((await stat(join(folder, 'keys', 'ledger.json'))).mtimeMs, before);
});
