import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { ensureTenant } from './access.ts';
import type { Database } from './database.ts';
import { firstEventSeq, insertEvents, lastEventSeq, placeEvents, pruneEvents, queryEvents } from './events.ts';
import { openSqlite } from './sqlite-database.ts';

let folder: string;
let database: Database;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-events-'));
  database = openSqlite(folder);
});
after(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

const row = (tenantId: number, subject: string, atMs = 0) => ({
  tenant_id: tenantId,
  type: 'pawl.device.decommissioned' as const,
  subject,
  line: null,
  data: '{}',
  at_ms: atMs,
});
const subjectsOf = async (tenantId: number, from = 0) =>
  (await queryEvents(database.read, { tenantId, after: from, limit: 1000 })).rows.map(({ seq, subject }) => [
    seq,
    subject,
  ]);

test('however events of several tenants come and are placed, each tenant reads its own in order, without a gap', async () => {
  let names = 0;
  const steps = fc.array(fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 4 })), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      names += 1;
      const expected = new Map<number, string[]>();
      for (const [index, step] of all.entries()) {
        await database.write(async (trx) => {
          if (typeof step === 'number') return void (await placeEvents(trx, step));
          const tenantId = await ensureTenant(trx, `${step}${names}`);
          expected.set(tenantId, [...(expected.get(tenantId) ?? []), String(index)]);
          await insertEvents(trx, [row(tenantId, String(index))]);
        });
      }
      while ((await database.write((trx) => placeEvents(trx, 2))) > 0);
      for (const [tenantId, subjects] of expected) {
        const wanted = subjects.map((subject, index) => [index + 1, subject]);
        assert.deepEqual(await subjectsOf(tenantId), wanted);
      }
    }),
    { numRuns: 25 },
  );
});

test('forgetting leaves the newest, so that numbers are never given twice', async () => {
  const tenantId = await database.write((trx) => ensureTenant(trx, 'old'));
  const rows = Array.from({ length: 250 }, (_, index) => row(tenantId, String(index), index));
  await database.write((trx) => insertEvents(trx, rows));
  await database.write((trx) => placeEvents(trx, 1000));
  const prune = (beforeMs: number, keepMax: number) =>
    database.write((trx) => pruneEvents(trx, { tenantId, beforeMs, keepMax, limit: 1000 }));
  assert.equal(await prune(100, 1000), 100);
  assert.equal(await prune(0, 50), 100);
  assert.equal(await firstEventSeq(database.read, tenantId), 201);
  assert.equal(await prune(1_000_000, 0), 49);
  assert.deepEqual(await subjectsOf(tenantId), [[250, '249']]);
  await database.write((trx) => insertEvents(trx, [row(tenantId, 'next')]));
  await database.write((trx) => placeEvents(trx, 1000));
  assert.equal(await lastEventSeq(database.read, tenantId), 251);
});

test('a filter that lets nothing through still moves on', async () => {
  const tenantId = await database.write((trx) => ensureTenant(trx, 'long'));
  const rows = Array.from({ length: 6000 }, (_, index) => row(tenantId, String(index)));
  await database.write((trx) => insertEvents(trx, rows));
  await database.write((trx) => placeEvents(trx, 10_000));
  const range = { tenantId, types: ['pawl.release.published' as const], limit: 10 };
  const first = await queryEvents(database.read, { ...range, after: 0 });
  assert.deepEqual([first.rows.length, first.last > 0 && first.last < 6000], [0, true]);
  assert.deepEqual(await queryEvents(database.read, { ...range, after: first.last }), { rows: [], last: 6000 });
});
