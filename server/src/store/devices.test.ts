import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isMatch, parseFilter } from '@pawl/contract/filter';
import fc from 'fast-check';
import { ensureTenant } from './access.ts';
import type { Database } from './database.ts';
import { findDevice, insertDevice, queryDevices, saveLastSeen, updateDevice } from './devices.ts';
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
  (await queryDevices(database.read, { tenantId, filter, ...more })).map((row) => row.controller_id);

test('the database finds exactly the devices whose values match the terms', async () => {
  const all = await queryDevices(database.read, { tenantId, filter: '' });
  assert.equal(all.length, NAMES.length);
  const star = fc.constantFrom('', '*');
  const value = fc
    .tuple(star, fc.stringMatching(/^[abAB._x-]{1,3}$|^hub2?$|^lab2?$/), star)
    .map((parts) => parts.join(''));
  const term = fc
    .tuple(fc.constantFrom('name', 'model', 'line', 'tag', 'version'), value)
    .map((parts) => parts.join(':'));
  await fc.assert(
    fc.asyncProperty(
      fc.array(term, { maxLength: 3 }).map((terms) => terms.join(' ')),
      async (filter) => {
        const expected = all.filter((row) =>
          parseFilter(filter).every((one) => {
            const values: Record<string, readonly (string | null)[]> = {
              name: [row.controller_id],
              model: [row.model],
              line: [row.line],
              tag: JSON.parse(row.tags) as string[],
              version: [row.installed_version],
            };
            return (values[one.field] ?? []).some((text) => text !== null && isMatch(one, text));
          }),
        );
        assert.deepEqual(
          await namesOf(filter),
          expected.map((row) => row.controller_id),
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('a state is that of the last assignment; a device without one has none', async () => {
  assert.deepEqual(await namesOf('state:*'), []);
});

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
  const ids = (await queryDevices(database.read, { tenantId, filter: 'name:a*' })).map(({ id }) => id);
  await database.write((trx) => saveLastSeen(trx, new Map(ids.map((id) => [id, id * 1000]))));
  for (const row of await queryDevices(database.read, { tenantId, filter: 'name:a*' })) {
    assert.equal(row.last_seen_ms, row.id * 1000);
  }
});
