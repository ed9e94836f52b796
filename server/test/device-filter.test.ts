import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { expandGroups, type FilterFacts, matchesFilter, parseFilter, printFilter } from '@pawl/contract/filter';
import { anyFacts, anyFilter } from '@pawl/contract/test/any-filter';
import fc from 'fast-check';
import { SqliteAdapter, sql } from 'kysely';
import { ensureTenant } from '../src/store/access.ts';
import type { Database, Db, Trx } from '../src/store/database.ts';
import { deviceCondition } from '../src/store/device-filter.ts';
import { insertDevice, queryDevices, saveLastSeen, updateDevice } from '../src/store/devices.ts';
import { openPostgres } from '../src/store/postgres-database.ts';
import { openSqlite } from '../src/store/sqlite-database.ts';
import { databaseOf } from './postgres.ts';

const DEVICES = 200;
const NOW_MS = Date.UTC(2026, 0, 31) + 86_400_000;
const GROUPS = { pilot: 'tag:lab or group:old', old: 'version<1.2.0 or not has:version' };

let folder: string;
let database: Database;
let tenantId: number;
let other: number;
let facts: readonly FilterFacts[];

async function insertFacts(trx: Trx, tenant: number, one: FilterFacts, releaseId: number): Promise<void> {
  const id = await insertDevice(trx, {
    tenantId: tenant,
    controllerId: one.name,
    model: one.model,
    line: one.line ?? undefined,
    kind: one.kind as 'pawl',
    tags: one.tag,
    tokenSha256: undefined,
    nowMs: 1,
  });
  assert.ok(id !== undefined);
  await updateDevice(trx, id, {
    installed_version: one.version,
    floor: one.floor,
    enrolled_ms: one.enrolledMs,
    attributes: JSON.stringify(one.reported),
    operator_attributes: JSON.stringify(one.operator),
  });
  if (one.lastSeenMs !== null) await saveLastSeen(trx, [[id, one.lastSeenMs]]);
  if (one.state === null) return;
  const base = {
    tenant_id: tenant,
    device_id: id,
    release_id: releaseId,
    rollout_id: null,
    active: null,
    is_forced: 1,
  };
  const rest = {
    code: null,
    step: null,
    final_sha256: null,
    version_seen_ms: null,
    created_ms: 1,
    updated_ms: 1,
    due_ms: null,
  };
  // The newest counts, whatever came before it.
  for (const [no, state] of (['cancelled', one.state as 'offered'] as const).entries()) {
    await trx
      .insertInto('assignment')
      .values({ ...base, ...rest, id: id * 2 + no, state })
      .execute();
  }
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-filter-'));
  const { database: postgres } = await databaseOf(folder);
  database = postgres === undefined ? openSqlite(folder) : await openPostgres(postgres);
  facts = fc
    .sample(anyFacts, { numRuns: DEVICES, seed: 7 })
    .map((one, index) => ({ ...one, name: `${'abAB'[index % 4]}-${index}` }));
  await database.write(async (trx) => {
    tenantId = await ensureTenant(trx, 'default');
    other = await ensureTenant(trx, 'other');
    for (const tenant of [tenantId, other]) {
      const release = {
        tenant_id: tenant,
        line: 'l',
        version: '1.0.0',
        kind: 'foreign' as const,
        state: 'published' as const,
      };
      const rest = { sequence_number: null, security_counter: null, statement: null, created_ms: 1, published_ms: 1 };
      const { id } = await trx
        .insertInto('release')
        .values({ ...release, ...rest })
        .returning('id')
        .executeTakeFirstOrThrow();
      for (const one of facts.slice(0, tenant === other ? 3 : DEVICES)) await insertFacts(trx, tenant, one, id);
    }
    for (const [name, filter] of Object.entries(GROUPS)) {
      await trx
        .insertInto('device_group')
        .values({ tenant_id: tenantId, name, filter, created_ms: 1, updated_ms: 1 })
        .execute();
    }
  });
});
after(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

const namesOf = async (filter: string, nowMs = NOW_MS): Promise<string[]> =>
  (await queryDevices(database.read, { tenantId, filter, nowMs })).map((row) => row.controller_id);

const parsedGroups = new Map(Object.entries(GROUPS).map(([name, text]) => [name, parseFilter(text)]));

test('the database finds exactly the devices that the same filter matches in memory', async () => {
  const nows = fc.constantFrom(NOW_MS, 86_400_000, 1000);
  await fc.assert(
    fc.asyncProperty(anyFilter(Object.keys(GROUPS)), nows, async (filter, nowMs) => {
      const plain = expandGroups(filter, parsedGroups);
      const expected = facts.filter((one) => matchesFilter(plain, one, nowMs)).map(({ name }) => name);
      assert.deepEqual(await namesOf(printFilter(filter), nowMs), expected.sort());
    }),
    { numRuns: 250 },
  );
});

test('each condition of the language finds some devices and leaves some out', async () => {
  const filters = [
    'name:a-*',
    'name:*-1',
    'model:a',
    'model:"*"',
    'line:lab',
    'kind:pawl',
    'tag:a',
    'tag:a*',
    'version:1.*',
    'state:confirmed',

    'version<1.2.0',
    'version>=1.10',
    'version<=1.0.0-alpha.1',
    'floor<10',
    'floor>=10',
    'floor:7',
    'lastSeen<now-1d',

    'enrolled>=2026-01-31',
    'has:line',
    'has:tag',
    'has:attribute.site',
    'has:operator."\\""',
    'attribute."a b":lab',
    'operator.__proto__:a*',
    'group:pilot',
    'attribute.site:*b*',
  ];
  for (const filter of filters) {
    const [some, rest] = [await namesOf(filter), await namesOf(`not ${filter}`)];
    assert.ok(some.length > 0 && rest.length > 0, filter);
    assert.equal(some.length + rest.length, DEVICES, filter);
  }
});

test('what operators set stands before what the device reports', async () => {
  const [one] = facts.filter(
    ({ operator, reported }) => operator['site'] !== undefined && reported['site'] !== undefined,
  );
  assert.ok(one !== undefined);
  assert.equal((await namesOf(`name:${one.name} attribute.site:${JSON.stringify(one.operator['site'])}`)).length, 1);
});

test('a filter that names a group of another tenant names none', async () => {
  const query = { tenantId: other, filter: 'group:pilot', nowMs: 0 };
  await assert.rejects(queryDevices(database.read, query), { code: 'FILTER_GROUP_UNKNOWN' });
});

test('the condition serves other statements over the table device', async () => {
  const condition = await deviceCondition(database.read, { tenantId, filter: 'state:confirmed tag:lab', nowMs: 0 });
  const changed = await database.write((trx) =>
    trx
      .updateTable('device')
      .set({ wants_attributes: 1 })
      .where('tenant_id', '=', tenantId)
      .where(condition)
      .executeTakeFirst(),
  );
  assert.equal(Number(changed.numUpdatedRows), (await namesOf('state:confirmed tag:lab')).length);
});

test('a page of a model, a line or a version walks an index that is in order', async () => {
  const isSqlite = database.read.getExecutor().adapter instanceof SqliteAdapter;
  for (const filter of ['model:Hub', 'line:lab', 'version:1.0.0']) {
    const condition = await deviceCondition(database.read, { tenantId, filter, nowMs: 0 });
    const query = (db: Db) =>
      db
        .selectFrom('device')
        .select('id')
        .where('tenant_id', '=', tenantId)
        .where(condition)
        .orderBy('controller_id')
        .limit(100);
    if (isSqlite) {
      const plan = JSON.stringify(await query(database.read).explain(undefined, sql`query plan`));
      assert.match(plan, /SEARCH device USING.* INDEX device_by_(model|line|version) /, filter);
      assert.doesNotMatch(plan, /TEMP B-TREE/, filter);
      continue;
    }
    // Over a table of few rows PostgreSQL would read all of it; what is asked is whether the index can serve.
    const plan = await database.write(async (trx) => {
      for (const way of ['seqscan', 'bitmapscan', 'sort']) await sql.raw(`SET LOCAL enable_${way} = off`).execute(trx);
      return JSON.stringify(await query(trx).explain());
    });
    assert.match(plan, /Index (Only )?Scan using device_by_(model|line|version) /, `${filter}: ${plan}`);
    assert.doesNotMatch(plan, /Sort/, `${filter}: ${plan}`);
  }
});
