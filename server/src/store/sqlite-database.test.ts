import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, test } from 'node:test';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import { ensureTenant } from './access.ts';
import type { Database } from './database.ts';
import { openSqlite } from './sqlite-database.ts';

let folder: string;
const open = new Set<Database>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-store-'));
});
afterEach(async () => {
  for (const database of open) await database.close();
  open.clear();
  await rm(folder, { recursive: true, force: true });
});

function openStore(at = folder): Database {
  const database = openSqlite(at);
  open.add(database);
  return database;
}

async function closeStore(database: Database): Promise<void> {
  open.delete(database);
  await database.close();
}

const codeOf = (code: string) => (error: Error & { code?: string }) => error.code === code;
const tenants = async (database: Database) =>
  (await database.read.selectFrom('tenant').select('name').orderBy('id').execute()).map(({ name }) => name);

test('a commit is on the disk with WAL, full synchronisation and foreign keys', async () => {
  const database = openStore();
  const pragma = async (name: string) =>
    database.write(
      async (trx) => Object.values((await sql.raw<object>(`PRAGMA ${name}`).execute(trx)).rows[0] ?? {})[0],
    );
  assert.equal(await pragma('journal_mode'), 'wal');
  assert.equal(await pragma('synchronous'), 2);
  assert.equal(await pragma('foreign_keys'), 1);
});

test('what was written is read, here and after opening again', async () => {
  const database = openStore();
  await database.write((trx) => ensureTenant(trx, 'a'));
  assert.deepEqual(await tenants(database), ['a']);
  await database.write((trx) => ensureTenant(trx, 'b'));
  assert.deepEqual(await tenants(database), ['a', 'b']);
  await closeStore(database);
  assert.deepEqual(await tenants(openStore()), ['a', 'b']);
});

test('whatever is thrown undoes all of a write, and the next one works', async () => {
  const database = openStore();
  const failure = new Error('later');
  await assert.rejects(
    database.write(async (trx) => {
      await ensureTenant(trx, 'a');
      throw failure;
    }),
    failure,
  );
  assert.deepEqual(await tenants(database), []);
  await database.write((trx) => ensureTenant(trx, 'b'));
  assert.deepEqual(await tenants(database), ['b']);
});

test('writes come one after the other; reads do not see half of one', async () => {
  const database = openStore();
  const steps: string[] = [];
  const write = (name: string) =>
    database.write(async (trx) => {
      steps.push(`${name} begins`);
      await ensureTenant(trx, name);
      assert.ok(!(await tenants(database)).includes(name));
      steps.push(`${name} ends`);
    });
  await Promise.all(['a', 'b', 'c'].map(write));
  assert.deepEqual(steps, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  assert.deepEqual(await tenants(database), ['a', 'b', 'c']);
});

test('a broken constraint is a fault of ours, not of the disk', async () => {
  const database = openStore();
  const insert = () => database.write((trx) => trx.insertInto('tenant').values({ name: 'a' }).execute());
  await insert();
  await assert.rejects(insert(), /UNIQUE constraint failed/);
});

test('a second server on the folder is refused, in this process and in another', async () => {
  const database = openStore();
  assert.throws(() => openStore(), codeOf('STORE_LOCKED'));
  const script = `import { openSqlite } from ${JSON.stringify(join(import.meta.dirname, 'sqlite-database.ts'))};
    try { openSqlite(process.argv[1]); console.log('opened'); } catch (error) { console.log(error.code); }`;
  const other = async () =>
    (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, folder])).stdout.trim();
  assert.equal(await other(), 'STORE_LOCKED');
  await closeStore(database);
  assert.equal(await other(), 'opened');
});

test('a database of a newer Pawl is left alone', async () => {
  await closeStore(openStore());
  const raw = new DatabaseSync(join(folder, 'pawl.db'));
  raw.exec('PRAGMA user_version = 999');
  raw.close();
  assert.throws(() => openStore(), codeOf('STORE_NEWER'));
  // The refusal gave the lock back.
  assert.throws(() => openStore(), codeOf('STORE_NEWER'));
});

test('a file that is no database is refused and left as it is', async () => {
  await writeFile(join(folder, 'pawl.db'), 'not a database, but long enough to have a header of one'.repeat(50));
  assert.throws(() => openStore(), codeOf('STORE_DAMAGED'));
});

test('a folder where nothing can be written is refused', async () => {
  assert.throws(() => openStore(join(folder, 'missing')), codeOf('STORE_NOT_WRITABLE'));
  await mkdir(join(folder, 'odd', 'pawl.db'), { recursive: true });
  assert.throws(() => openStore(join(folder, 'odd')), codeOf('STORE_NOT_WRITABLE'));
});

test('a full disk is told, nothing half-done is kept, and it goes on when there is space', async () => {
  const database = openStore();
  const limit = (pages: number) => database.write((trx) => sql.raw(`PRAGMA max_page_count = ${pages}`).execute(trx));
  await limit(1);
  await assert.rejects(
    database.write(async (trx) => {
      await ensureTenant(trx, 'a');
      for (let index = 0; index < 100; index += 1) await ensureTenant(trx, `${index} ${'x'.repeat(4000)}`);
    }),
    codeOf('STORE_FULL'),
  );
  assert.deepEqual(await tenants(database), []);
  await limit(1_000_000);
  await database.write((trx) => ensureTenant(trx, 'a'));
  assert.deepEqual(await tenants(database), ['a']);
});

test('the log does not grow while reads go on between the writes', async () => {
  const database = openStore();
  for (let index = 0; index < 1500; index += 1) {
    await database.write((trx) => ensureTenant(trx, `${index} ${'x'.repeat(4000)}`));
    await database.read.selectFrom('tenant').select('id').limit(1).execute();
  }
  // Without checkpoints the log would hold at least one page of each of the 1500 commits several times over.
  const { size } = await stat(join(folder, 'pawl.db-wal'));
  assert.ok(size < 6 * 2 ** 20, `${size} bytes`);
});
