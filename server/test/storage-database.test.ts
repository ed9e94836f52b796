/**
 * What the server asks of its database, over both implementations: the same cases on SQLite in a folder and on a real
 * PostgreSQL.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { ensureTenant } from '../src/store/access.ts';
import { findActive, insertAssignments } from '../src/store/assignments.ts';
import type { Database, Trx } from '../src/store/database.ts';
import { insertDevice, queryDevices, saveLastSeen, updateDevice } from '../src/store/devices.ts';
import { openPostgres } from '../src/store/postgres-database.ts';
import { insertRelease } from '../src/store/releases.ts';
import { openSqlite } from '../src/store/sqlite-database.ts';
import { PostgresCluster, skipWithoutPostgres } from './postgres.ts';

type Store = { open(): Promise<Database>; close(): Promise<void> };

async function sqliteStore(): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-store-'));
  return {
    open: () => Promise.resolve(openSqlite(folder)),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

async function postgresStore(): Promise<Store> {
  const cluster = await PostgresCluster.start();
  const url = await cluster.create('pawl');
  return { open: () => openPostgres({ url }), close: () => cluster.close() };
}

const STORES = [
  { name: 'SQLite', start: sqliteStore, skip: false as const },
  { name: 'PostgreSQL', start: postgresStore, skip: skipWithoutPostgres() },
];

const NOW = Date.UTC(2026, 2, 1);

/** A tenant of its own for each case, so that all of them share one database. */
async function tenantOf(trx: Trx, name: string): Promise<number> {
  return await ensureTenant(trx, name);
}

async function addDevice(trx: Trx, tenantId: number, controllerId: string, tags: string[] = []): Promise<number> {
  const row = { tenantId, controllerId, model: 'hub', line: undefined, kind: 'foreign' as const, tags };
  const id = await insertDevice(trx, { ...row, tokenSha256: undefined, nowMs: NOW });
  assert.ok(id !== undefined);
  return id;
}

for (const { name, start, skip } of STORES) {
  describe(name, { skip }, () => {
    let store: Store;
    let database: Database;
    const ends: (() => Promise<void>)[] = [];
    before(async () => {
      store = await start();
      ends.push(() => store.close());
      database = await store.open();
      ends.push(() => database.close());
    });
    after(async () => {
      for (const end of ends.reverse()) await end();
    });

    const tenants = async (like: string) =>
      (await database.read.selectFrom('tenant').select('name').where('name', 'like', like).orderBy('id').execute()).map(
        (row) => row.name,
      );

    test('what was written is read at once, and undone when something is thrown', async () => {
      await database.write((trx) => ensureTenant(trx, 'kept'));
      const failure = new Error('later');
      const failing = database.write(async (trx) => {
        await ensureTenant(trx, 'kept-not');
        throw failure;
      });
      await assert.rejects(failing, failure);
      assert.deepEqual(await tenants('kept%'), ['kept']);
    });

    test('numbers to 2^53, bytes, absence and any text come back as they went in', async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
      const largest = Number.MAX_SAFE_INTEGER;
      const text = `ä€😀 '"\\%_* ${'x'.repeat(5000)}`;
      const id = await database.write(async (trx) => {
        const device = await addDevice(trx, await tenantOf(trx, 'values'), 'v');
        const change = { token_sha256: bytes, report_counter: largest, model: text, enrolled_ms: -1 };
        await updateDevice(trx, device, change);
        return device;
      });
      const row = await database.read
        .selectFrom('device')
        .select(['token_sha256', 'report_counter', 'model', 'enrolled_ms', 'floor'])
        .where('id', '=', id)
        .executeTakeFirstOrThrow();
      const expected = { token_sha256: bytes, report_counter: largest, model: text, enrolled_ms: -1, floor: null };
      assert.deepEqual({ ...row }, expected);
      const { rows } = await sql<{ n: number; s: number }>`select count(*) as n, sum(report_counter) as s
        from device where id = ${id}`.execute(database.read);
      assert.deepEqual({ ...rows[0] }, { n: 1, s: largest });
    });

    test('two writes that read what the other one changes are as if one came after the other', async () => {
      const tenantId = await database.write((trx) => tenantOf(trx, 'skew'));
      const names = ['a', 'b', 'c', 'd', 'e', 'f'];
      // Each adds a device only when there is none: without a common order, several would find none.
      const add = (controllerId: string) =>
        database.write(async (trx) => {
          const isEmpty = (await queryDevices(trx, { tenantId, filter: '', nowMs: 0 })).length === 0;
          if (isEmpty) await addDevice(trx, tenantId, controllerId);
          return isEmpty;
        });
      const added = await Promise.all(names.map(add));
      assert.equal(added.filter(Boolean).length, 1);
      assert.equal((await queryDevices(database.read, { tenantId, filter: '', nowMs: 0 })).length, 1);
    });

    test('writes on one row all happen, none is lost and none fails', async () => {
      const id = await database.write(async (trx) => addDevice(trx, await tenantOf(trx, 'count'), 'counter'));
      const add = () =>
        database.write(async (trx) => {
          const row = await trx
            .selectFrom('device')
            .select('report_counter')
            .where('id', '=', id)
            .executeTakeFirstOrThrow();
          await updateDevice(trx, id, { report_counter: row.report_counter + 1 });
        });
      await Promise.all(Array.from({ length: 40 }, add));
      const row = await database.read
        .selectFrom('device')
        .select('report_counter')
        .where('id', '=', id)
        .executeTakeFirst();
      assert.equal(row?.report_counter, 40);
    });

    test('last-seen times of many devices are written together, and none goes back', async () => {
      const ids = await database.write(async (trx) => {
        const tenantId = await tenantOf(trx, 'seen');
        const made: number[] = [];
        for (let index = 0; index < 520; index += 1) made.push(await addDevice(trx, tenantId, `s${index}`));
        return made;
      });
      const save = (ms: number) =>
        database.write((trx) =>
          saveLastSeen(
            trx,
            ids.map((id) => [id, ms]),
          ),
        );
      await save(NOW);
      await save(NOW - 1);
      const rows = await database.read
        .selectFrom('device_seen')
        .select('last_seen_ms')
        .where('device_id', 'in', ids)
        .distinct()
        .execute();
      assert.deepEqual(
        rows.map((row) => row.last_seen_ms),
        [NOW],
      );
    });

    test('work in turn sees all that the turn before it did', async () => {
      const id = await database.write(async (trx) => addDevice(trx, await tenantOf(trx, 'turn'), 'turn'));
      let inside = 0;
      const add = () =>
        database.writeInTurn('ledger', async (trx) => {
          inside += 1;
          assert.equal(inside, 1);
          const row = await trx
            .selectFrom('device')
            .select('report_counter')
            .where('id', '=', id)
            .executeTakeFirstOrThrow();
          await updateDevice(trx, id, { report_counter: row.report_counter + 1 });
          inside -= 1;
        });
      await Promise.all(Array.from({ length: 12 }, add));
      const row = await database.read
        .selectFrom('device')
        .select('report_counter')
        .where('id', '=', id)
        .executeTakeFirst();
      assert.equal(row?.report_counter, 12);
    });

    test('names are told apart by case and sorted by bytes, and a filter finds by start, end and tag', async () => {
      const tenantId = await database.write(async (trx) => {
        const tenant = await tenantOf(trx, 'filter');
        for (const device of ['b-1', 'B-1', 'a_1', 'a-1', 'aa', 'Z'])
          await addDevice(trx, tenant, device, [`t-${device}`, 'all']);
        return tenant;
      });
      const find = async (filter: string) =>
        (await queryDevices(database.read, { tenantId, filter, nowMs: 0 })).map((row) => row.controller_id);
      assert.deepEqual(await find(''), ['B-1', 'Z', 'a-1', 'a_1', 'aa', 'b-1']);
      assert.deepEqual(await find('name:a*'), ['a-1', 'a_1', 'aa']);
      assert.deepEqual(await find('name:a_*'), ['a_1']);
      assert.deepEqual(await find('name:*-1'), ['B-1', 'a-1', 'b-1']);
      assert.deepEqual(await find('tag:t-b-1'), ['b-1']);
      assert.deepEqual(await find('tag:all name:Z'), ['Z']);
    });

    test('a device has one active assignment, and ids of assignments are what every client can read', async () => {
      const { ids, deviceId } = await database.write(async (trx) => {
        const tenantId = await tenantOf(trx, 'assign');
        const releaseId = await insertRelease(
          trx,
          {
            tenant_id: tenantId,
            line: 'hub',
            version: '1.0.0',
            kind: 'foreign',
            sequence_number: null,
            security_counter: null,
            statement: null,
            created_ms: NOW,
          },
          [{ name: 'a', sizeBytes: 1, sha256: 'ab'.repeat(32) }],
        );
        assert.ok(releaseId !== undefined);
        const made = { tenantId, releaseId, rolloutId: null, state: 'offered' as const, isForced: true, nowMs: NOW };
        const devices: number[] = [];
        for (let index = 0; index < 100; index += 1) devices.push(await addDevice(trx, tenantId, `d${index}`));
        const taken = await insertAssignments(
          trx,
          devices.map((device) => ({ ...made, deviceId: device, dueMs: NOW + 1 })),
        );
        return { ids: taken, deviceId: devices.at(-1) ?? 0 };
      });
      assert.equal(new Set(ids).size, 100);
      assert.ok(ids.every((id) => id >= 11 && !/^[1-9]0+$/.test(String(id))));
      const active = await findActive(database.read, deviceId);
      assert.equal(active?.id, ids.at(-1));
      const twice = database.write((trx) =>
        trx
          .insertInto('assignment')
          .values({ ...(active ?? assert.fail()), id: 1_000_001 })
          .execute(),
      );
      await assert.rejects(twice, /unique/i);
    });

    test('opening it again finds it as it was', async () => {
      await database.close();
      database = await store.open();
      assert.deepEqual(await tenants('kept%'), ['kept']);
    });
  });
}
