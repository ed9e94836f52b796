import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Database } from '../store/database.ts';
import { openSqlite } from '../store/sqlite-database.ts';
import { LastSeen } from './last-seen.ts';

const DEVICES = 1200;

test('what a failing database did not take is written the next time, and nothing goes back', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-last-seen-'));
  const database = openSqlite(folder);
  t.after(async () => {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  });
  let writes = 0;
  const failure = new Error('the disk is gone');
  const failing: Pick<Database, 'write'> = {
    write: (act) => {
      writes += 1;
      return writes === 2 ? Promise.reject(failure) : database.write(act);
    },
  };
  const lastSeen = new LastSeen(failing);
  for (let id = DEVICES; id > 0; id -= 1) lastSeen.note(id, 1000);
  await assert.rejects(lastSeen.flush(), failure);
  const seen = () => database.read.selectFrom('device_seen').selectAll().orderBy('device_id').execute();
  const first = await seen();
  assert.ok(first.length > 0 && first.length < DEVICES, `${first.length}`);
  lastSeen.note(DEVICES, 2000);
  await lastSeen.flush();
  const times = (await seen()).map((row) => [row.device_id, row.last_seen_ms]);
  const expected = Array.from({ length: DEVICES }, (_, index) => [index + 1, index + 1 === DEVICES ? 2000 : 1000]);
  assert.deepEqual(times, expected);
});
