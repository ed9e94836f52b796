import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PrivateKey } from '@pawl/core/crypto';
import { verifyStatement } from '@pawl/core/evidence';
import type { Database } from './database.ts';
import { appendEnvelope, appendStatement, ledgerRoot, ledgerSize, listLedger, settleLedger } from './ledger.ts';
import { openSqlite } from './sqlite-database.ts';

let folder: string;
let database: Database;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-ledger-'));
  database = openSqlite(folder);
});
after(async () => {
  await database.close();
  await rm(folder, { recursive: true, force: true });
});

/** RFC 6962 §2.1, as it is written there. */
function treeHash(leaves: readonly Uint8Array[]): Uint8Array {
  const hash = (...parts: Uint8Array[]) => new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest());
  const [first] = leaves;
  if (first === undefined) return hash();
  if (leaves.length === 1) return hash(new Uint8Array([0]), first);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return hash(new Uint8Array([1]), treeHash(leaves.slice(0, split)), treeHash(leaves.slice(split)));
}

async function append(envelope: Uint8Array): Promise<void> {
  await database.write((trx) => appendEnvelope(trx, envelope, { tenantId: 1, predicateType: 't', subject: 's' }));
}

test('the root after each append is the tree hash of RFC 6962 over all entries, placed one by one or together', async () => {
  const leaves: Uint8Array[] = [];
  assert.deepEqual(await ledgerRoot(database.read, 0), treeHash([]));
  for (let index = 0; index < 70; index += 1) {
    const envelope = new TextEncoder().encode(`entry ${index}`);
    leaves.push(envelope);
    await append(envelope);
    // Batches of 1 to 5 statements.
    if (index % 7 !== 0 && index % 3 !== 1) continue;
    await settleLedger(database);
    assert.deepEqual(await ledgerRoot(database.read, index + 1), treeHash(leaves));
  }
  await settleLedger(database);
  assert.equal(await ledgerSize(database.read), 70);
  for (let size = 0; size < 70; size += 1) {
    assert.deepEqual(await ledgerRoot(database.read, size), treeHash(leaves.slice(0, size)));
  }
});

test('more statements than a batch holds get their places in the order in which they were made', async () => {
  const size = await ledgerSize(database.read);
  await database.write(async (trx) => {
    for (let index = 0; index < 1203; index += 1) {
      await appendEnvelope(trx, new TextEncoder().encode(String(index)), {
        tenantId: 1,
        predicateType: 't',
        subject: 's',
      });
    }
  });
  await settleLedger(database);
  const rows = await listLedger(database.read, size, 2000);
  assert.deepEqual(
    rows.map((row) => [row.index, new TextDecoder().decode(row.envelope)]),
    Array.from({ length: 1203 }, (_, index) => [size + index, String(index)]),
  );
  assert.equal((await database.read.selectFrom('ledger_pending').selectAll().execute()).length, 0);
});

test('an append that is undone leaves neither entry nor node', async () => {
  const size = await ledgerSize(database.read);
  const root = await ledgerRoot(database.read, size);
  await assert.rejects(
    database.write(async (trx) => {
      await appendEnvelope(trx, new Uint8Array([1]), { tenantId: 1, predicateType: 't', subject: 's' });
      throw new Error('undo');
    }),
  );
  await settleLedger(database);
  assert.equal(await ledgerSize(database.read), size);
  assert.deepEqual(await ledgerRoot(database.read, size), root);
});

test('a statement of the server is stored signed, and verifies from the stored bytes', async () => {
  const key = PrivateKey.generate('Ed25519');
  const parts = {
    tenantId: 1,
    predicateType: 'urn:pawl:rollout:1' as const,
    subject: { name: 'release/hub/1.0.0', digest: { sha256: 'ab'.repeat(32) } },
    predicate: { rolloutId: 1, at: '2026-03-01T12:00:00.000Z' },
  };
  const index = await ledgerSize(database.read);
  await database.write((trx) => appendStatement(trx, key, parts));
  await settleLedger(database);
  const [row] = await listLedger(database.read, index, 1);
  assert.ok(row !== undefined);
  assert.deepEqual([row.predicateType, row.subject], [parts.predicateType, parts.subject.name]);
  assert.deepEqual(verifyStatement(row.envelope, [key.publicKey]).statement.predicate, parts.predicate);
});
