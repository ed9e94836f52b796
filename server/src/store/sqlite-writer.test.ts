/** Acts that share a commit: each for itself as if it were alone, all of them on the disk or none acknowledged. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import { Kysely, type Transaction } from 'kysely';
import { sqliteWriter } from './sqlite-dialect.ts';

type Numbers = { readonly number: { readonly value: number; readonly text: string } };

let folder: string;
let path: string;
let writer: Kysely<Numbers>;
let commits: number;
let onCommit: () => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-writer-'));
  path = join(folder, 'numbers.db');
  const db = new DatabaseSync(path);
  db.exec('PRAGMA journal_mode=WAL; CREATE TABLE number (value INTEGER PRIMARY KEY, text TEXT NOT NULL)');
  commits = 0;
  onCommit = () => undefined;
  const beforeCommit = () => {
    onCommit();
    commits += 1;
  };
  writer = new Kysely<Numbers>({ dialect: sqliteWriter(db, beforeCommit) });
});
afterEach(async () => {
  await writer.destroy();
  await rm(folder, { recursive: true, force: true });
});

const insert = async (trx: Transaction<Numbers>, value: number, text = '') => {
  await trx.insertInto('number').values({ value, text }).execute();
};
const add = (value: number) => writer.transaction().execute((trx) => insert(trx, value));

/** What another process finds. */
function stored(): number[] {
  const db = new DatabaseSync(path, { readOnly: true });
  const rows = db.prepare('SELECT value FROM number ORDER BY value').all();
  db.close();
  return rows.map(({ value }) => Number(value));
}

const outcomes = async (acts: readonly Promise<unknown>[]) =>
  (await Promise.allSettled(acts)).map((act) => (act.status === 'fulfilled' ? 'kept' : String(act.reason)));

test('who comes at the same time shares a commit; each is told when it is on the disk', async () => {
  const seen = await Promise.all(
    Array.from({ length: 100 }, async (_, value) => {
      await add(value);
      return stored().includes(value);
    }),
  );
  assert.ok(seen.every(Boolean));
  assert.ok(commits <= 4, `${commits} commits`);
  await add(100);
  await add(101);
  assert.equal(stored().length, 102);
});

test('an act that throws undoes itself alone', async () => {
  const failing = () =>
    writer.transaction().execute(async (trx) => {
      await insert(trx, 2);
      throw new Error('no');
    });
  const twice = () =>
    writer.transaction().execute(async (trx) => {
      await insert(trx, 3);
      await insert(trx, 1);
    });
  const [, second, third] = await outcomes([add(1), failing(), twice(), add(4)]);
  assert.equal(second, 'Error: no');
  assert.match(third ?? '', /UNIQUE constraint failed/);
  assert.deepEqual(stored(), [1, 4]);
});

test('a commit that fails is told to everybody in it, and the next goes on', async () => {
  onCommit = () => {
    throw new Error('the disk is gone');
  };
  assert.deepEqual(await outcomes([add(1), add(2), add(3)]), Array(3).fill('Error: the disk is gone'));
  onCommit = () => undefined;
  assert.deepEqual(stored(), []);
  await add(4);
  assert.deepEqual(stored(), [4]);
});

test('when SQLite itself undoes everything, nobody before is told that it was kept', async () => {
  const full = () =>
    writer.transaction().execute(async (trx) => {
      await insert(trx, 2);
      // What SQLite does when it finds no space, and cannot undo the statement alone.
      await trx.insertInto('number').orRollback().values({ value: 2, text: '' }).execute();
    });
  const results = await outcomes([add(1), full(), add(3)]);
  for (const result of results.slice(0, 2)) assert.match(result, /UNIQUE constraint failed/);
  assert.equal(results[2], 'kept');
  assert.deepEqual(stored(), [3]);
});

test('closing puts on the disk what was acknowledged or is about to be', async () => {
  let isIn = false;
  const last = writer.transaction().execute(async (trx) => {
    isIn = true;
    await insert(trx, 1);
  });
  while (!isIn) await Promise.resolve();
  await Promise.all([last, writer.destroy()]);
  assert.deepEqual(stored(), [1]);
});

test('whatever comes in whatever order, what is kept is what was said to be kept', async () => {
  const act = fc.record({ value: fc.integer({ min: 0, max: 30 }), fails: fc.boolean(), pauses: fc.nat({ max: 3 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 90 }), async (acts) => {
      await writer.transaction().execute((trx) => trx.deleteFrom('number').execute());
      const results = await Promise.allSettled(
        acts.map(async ({ value, fails, pauses }) => {
          for (let pause = 0; pause < pauses; pause += 1) await new Promise((resolve) => setImmediate(resolve));
          await writer.transaction().execute(async (trx) => {
            await insert(trx, value);
            if (pauses === 2) await new Promise((resolve) => setImmediate(resolve));
            if (fails) throw new Error('no');
          });
          return value;
        }),
      );
      const kept = results.filter((result) => result.status === 'fulfilled').map(({ value }) => value);
      assert.deepEqual(
        stored(),
        kept.sort((a, b) => a - b),
      );
    }),
    { numRuns: 60 },
  );
});
