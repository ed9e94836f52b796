/** What was read of the ledger for a line before, and then read on, is what one reads who begins at its first entry: after every step of a story. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { keyIdOf } from '@pawl/core/cose';
import { PrivateKey } from '@pawl/core/crypto';
import { encodeEnvelope, newStatement, type PredicateType, signStatement } from '@pawl/core/evidence';
import { entriesOfLine, LineEvidence } from '../src/acts/evidence/line-evidence.ts';
import { appendEnvelope, settleLedger } from '../src/store/ledger.ts';
import { type FaultServer, startFaultServer } from './fault-server.ts';

const LINE = 'hearth';
const TENANT = 1;
const keys = { a: PrivateKey.generate('ESP256'), b: PrivateKey.generate('ESP256') };
type Name = keyof typeof keys;
let server: FaultServer;

before(async () => {
  server = await startFaultServer(undefined);
});
after(() => server.close());

/** A statement in the ledger; who signed it is not looked at here, what it says of its signer is. */
async function state(
  predicateType: PredicateType,
  name: string,
  predicate: Record<string, string>,
  by: Name = 'a',
): Promise<void> {
  const subject = { name, digest: { sha256: 'ab'.repeat(32) } };
  const statement = newStatement({ predicateType, subject: [subject], predicate });
  const envelope = encodeEnvelope(await signStatement(statement, keys[by]));
  await server.database.write((trx) =>
    appendEnvelope(trx, envelope, { tenantId: TENANT, predicateType, subject: name }),
  );
}
const keyOf = (name: Name): string => keyIdOf(keys[name].publicKey);
const report = (name: Name, at: string, says = 'confirmed') =>
  state('urn:pawl:device-report:1', `device/${name}`, { state: says, version: '1.0.0', at }, name);

async function addDevice(name: Name, line: string): Promise<void> {
  await server.operator.call('addDevices', { body: { devices: [{ controllerId: name, model: 'gateway', line }] } });
  await change(name, { key_id: keyOf(name) });
}
const change = (name: string, to: { line?: string; key_id?: string }) =>
  server.database.write((trx) => trx.updateTable('device').set(to).where('controller_id', '=', name).execute());

/** The same by both ways; how many there are, and what the last one is about. */
async function read(): Promise<readonly [number, string | undefined]> {
  await settleLedger(server.database);
  const warm = await entriesOfLine(server.database, TENANT, LINE);
  const cold = await new LineEvidence(TENANT, LINE).read(server.database.read);
  assert.deepEqual(warm, cold);
  return [warm.length, warm.at(-1)?.subject[0]?.name];
}

test('a new statement is in the next answer, and a newer one of the same meaning takes the place of the older', async () => {
  const [start] = await read();
  await addDevice('a', LINE);
  await report('a', '2026-11-20T10:00:00.000Z');
  assert.deepEqual(await read(), [start + 1, 'device/a']);
  await report('a', '2026-11-20T11:00:00.000Z');
  assert.deepEqual(await read(), [start + 1, 'device/a']);
  await report('a', '2026-11-21T10:00:00.000Z');
  await report('a', '2026-11-21T10:00:00.000Z', 'refused');
  assert.deepEqual(await read(), [start + 3, 'device/a']);
});

test('a device that leaves the line, comes back, comes from another line or changes its key changes the answer', async () => {
  const [start] = await read();
  await addDevice('b', 'other');
  await report('b', '2026-11-19T10:00:00.000Z');
  assert.deepEqual(await read(), [start, 'device/a']);
  await change('b', { line: LINE });
  assert.deepEqual(await read(), [start + 1, 'device/b']);
  await change('b', { line: 'other' });
  assert.deepEqual(await read(), [start, 'device/a']);
  await change('b', { line: LINE });
  await read();
  await change('b', { key_id: 'cd'.repeat(32) });
  assert.deepEqual(await read(), [start, 'device/a']);
  await change('b', { key_id: keyOf('b') });
  assert.deepEqual(await read(), [start + 1, 'device/b']);
});

test('a release counts from when the line has it, also when it was spoken of before', async () => {
  const [start] = await read();
  await state('urn:pawl:release:1', `release/${LINE}/9.0.0`, { version: '9.0.0' });
  await state('urn:pawl:sbom:1', `sbom/${LINE}/9.1.0`, { version: '9.1.0' });
  assert.deepEqual((await read())[0], start);
  for (const version of ['9.0.0', '9.1.0']) {
    const artifacts = [{ name: 'a.swu', sizeBytes: 10, sha256: 'ab'.repeat(32) }];
    await server.operator.call('createRelease', { body: { line: LINE, version, kind: 'foreign', artifacts } });
  }
  assert.deepEqual((await read())[0], start + 2);
});

test('what was read once is not read again', async () => {
  const [start] = await read();
  await server.database.write((trx) =>
    trx
      .updateTable('ledger_entry')
      .set({ predicate_type: 'urn:pawl:person:1' })
      .where('subject', '=', 'device/a')
      .execute(),
  );
  const cold = await new LineEvidence(TENANT, LINE).read(server.database.read);
  assert.ok(cold.length < start);
  assert.equal((await entriesOfLine(server.database, TENANT, LINE)).length, start);
});

test('many who ask at once get the same, and lines beyond those that are kept are read anew', async () => {
  const all = await Promise.all(Array.from({ length: 8 }, () => entriesOfLine(server.database, TENANT, LINE)));
  for (const each of all) assert.deepEqual(each, all[0]);
  for (let at = 0; at < 40; at += 1) await entriesOfLine(server.database, TENANT, `line-${at}`);
  assert.ok((await entriesOfLine(server.database, TENANT, LINE)).length < (all[0]?.length ?? 0));
});
