import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ensureTenant } from './access.ts';
import type { Database } from './database.ts';
import { fillVersionKeys, findDevice, insertDevice, queryDevices, saveLastSeen, updateDevice } from './devices.ts';
import { openSqlite } from './sqlite-database.ts';

let folder: string;
let database: Database;
let tenantId: number;

const NAMES = ['a', 'A', 'ab', 'Ab', 'a.b', 'a_b', 'axb', 'a-b', 'ba', 'b.a'];
const MODELS = ['hub', 'Hub', 'hub2'];
const TAGS = [[], ['lab'], ['lab', 'lab2'], ['a_b'], ['axb']];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-devices-'));
  database = openSqlite(folder);
  tenantId = await database.write((trx) => ensureTenant(trx, 'default'));
  const other = await database.write((trx) => ensureTenant(trx, 'other'));
  await database.write(async (trx) => {
    for (const [index, controllerId] of NAMES.entries()) {
      const row = {
        controllerId,
        model: MODELS[index % MODELS.length] ?? '',
        line: index % 2 === 0 ? 'gateway' : undefined,
        tags: TAGS[index % TAGS.length] ?? [],
        kind: 'foreign' as const,
        tokenSha256: undefined,
        nowMs: 1,
      };
      await insertDevice(trx, { ...row, tenantId });
      await insertDevice(trx, { ...row, tenantId: other });
    }
  });
});
after(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const namesOf = async (filter: string, more: object = {}) =>
  (await queryDevices(database.read, { tenantId, filter, nowMs: 0, ...more })).map((row) => row.controller_id);

test('pages go on behind the last name', async () => {
  const all = await namesOf('');
  const pages: string[] = [];
  for (let after: string | undefined; ; after = pages.at(-1)) {
    const page = await namesOf('', { afterController: after, limit: 3 });
    if (page.length === 0) break;
    pages.push(...page);
  }
  assert.deepEqual(pages, all);
});

test('a decommissioned device is found by its name and by no filter', async () => {
  const device = await findDevice(database.read, tenantId, 'b.a');
  await database.write((trx) => updateDevice(trx, device?.id ?? 0, { decommissioned_ms: 5 }));
  assert.deepEqual(await namesOf('name:b.a'), []);
  assert.equal((await findDevice(database.read, tenantId, 'b.a'))?.decommissioned_ms, 5);
});

test('last-seen times are written together', async () => {
  const ids = (await queryDevices(database.read, { tenantId, filter: 'name:a*', nowMs: 0 })).map(({ id }) => id);
  await database.write((trx) =>
    saveLastSeen(
      trx,
      ids.map((id) => [id, id * 1000]),
    ),
  );
  for (const row of await queryDevices(database.read, { tenantId, filter: 'name:a*', nowMs: 0 })) {
    assert.equal(row.last_seen_ms, row.id * 1000);
  }
});

test('a version that was written without its order gets one, and only once', async () => {
  await database.write(async (trx) => {
    const device = await findDevice(trx, tenantId, 'ab');
    await updateDevice(trx, device?.id ?? 0, { installed_version: '1.10.0' });
    await trx
      .updateTable('device')
      .set({ version_key: null })
      .where('id', '=', device?.id ?? 0)
      .execute();
  });
  assert.deepEqual(await namesOf('version>1.9.0'), []);
  assert.equal(await database.write((trx) => fillVersionKeys(trx, 10)), 1);
  assert.equal(await database.write((trx) => fillVersionKeys(trx, 10)), 0);
  assert.deepEqual(await namesOf('version>1.9.0'), ['ab']);
});
