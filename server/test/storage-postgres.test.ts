/** What is PostgreSQL's own: several servers at its door, a database that is not there, refuses, is full up, or is newer. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ensureTenant } from '../src/store/access.ts';
import { MIGRATIONS } from '../src/store/migrations/index.ts';
import { openPostgres } from '../src/store/postgres-database.ts';
import { poolOptions } from '../src/store/postgres-options.ts';
import { PostgresCluster, skipWithoutPostgres } from './postgres.ts';

const codeOf = (code: string) => (error: Error & { code?: string }) => error.code === code;

test('an address that is none is refused; across a network TLS is spoken unless the address says otherwise', () => {
  for (const url of ['', 'mysql://h/d', 'postgres://[/d', 'h:5432/d']) {
    assert.throws(() => poolOptions(url), codeOf('STORE_ADDRESS_INVALID'), url);
  }
  const verified = { rejectUnauthorized: true };
  assert.deepEqual(poolOptions('postgres://pawl@db.example/pawl').ssl, verified);
  assert.deepEqual(poolOptions('postgres://pawl@10.0.0.1/pawl').ssl, verified);
  for (const here of ['localhost', '127.0.0.1', '[::1]']) {
    assert.equal(poolOptions(`postgres://pawl@${here}/pawl`).ssl, undefined, here);
  }
  assert.equal(poolOptions('postgres://pawl@localhost/pawl?host=/run/postgresql').ssl, undefined);
  assert.deepEqual(poolOptions('postgres://pawl@localhost/pawl?host=db.example').ssl, verified);
  assert.equal(poolOptions('postgres://pawl@db.example/pawl?sslmode=disable').ssl, undefined);
});

test('a database where nobody listens is told', async () => {
  await assert.rejects(openPostgres({ url: 'postgres://pawl@127.0.0.1:1/pawl' }), codeOf('STORE_UNREACHABLE'));
});

describe('a cluster', { skip: skipWithoutPostgres() }, () => {
  let cluster: PostgresCluster;
  before(async () => {
    cluster = await PostgresCluster.start();
  });
  after(() => cluster.close());

  test('five servers that start at once find one schema, made once', async () => {
    const url = await cluster.create('five');
    const opened = await Promise.all(Array.from({ length: 5 }, () => openPostgres({ url, connections: 1 })));
    await Promise.all(opened.map((database, index) => database.write((trx) => ensureTenant(trx, `t${index}`))));
    const [first] = opened;
    assert.equal((await first?.read.selectFrom('tenant').selectAll().execute())?.length, 5);
    for (const database of opened) await database.close();
    const rows = await cluster.query<{ version: string }>('five', 'SELECT version FROM schema_version');
    assert.deepEqual(rows, [{ version: String(MIGRATIONS.length) }]);
  });

  test('a database of a newer Pawl is left alone', async () => {
    const url = await cluster.create('newer');
    await (await openPostgres({ url })).close();
    await cluster.query('newer', 'UPDATE schema_version SET version = 999');
    await assert.rejects(openPostgres({ url }), codeOf('STORE_NEWER'));
  });

  test('a user or a database that is not there is told', async () => {
    await assert.rejects(openPostgres({ url: cluster.url('missing') }), codeOf('STORE_REFUSED'));
    const url = (await cluster.create('mine')).replace('//pawl@', '//nobody@');
    await assert.rejects(openPostgres({ url }), codeOf('STORE_REFUSED'));
  });

  test('no connection to spare is told', async () => {
    const url = await cluster.create('crowded');
    await cluster.query('postgres', 'ALTER DATABASE crowded CONNECTION LIMIT 1');
    await cluster.query('postgres', 'CREATE USER guest');
    await cluster.query('crowded', 'GRANT ALL ON SCHEMA public TO guest');
    const guest = url.replace('//pawl@', '//guest@');
    const first = await openPostgres({ url: guest, connections: 1 });
    await assert.rejects(openPostgres({ url: guest, connections: 1 }), codeOf('STORE_BUSY'));
    await first.close();
  });

  test('it stops and comes back: writes are told so while it is away, nothing acknowledged is lost', async () => {
    const url = await cluster.create('away');
    const database = await openPostgres({ url });
    await database.write((trx) => ensureTenant(trx, 'before'));
    const underWay = database.write(async (trx) => {
      await ensureTenant(trx, 'under-way');
      await cluster.halt();
      await ensureTenant(trx, 'never');
    });
    await assert.rejects(underWay, codeOf('STORE_UNREACHABLE'));
    await assert.rejects(
      database.write((trx) => ensureTenant(trx, 'away')),
      codeOf('STORE_UNREACHABLE'),
    );
    await assert.rejects(database.read.selectFrom('tenant').selectAll().execute(), codeOf('STORE_UNREACHABLE'));
    await cluster.resume();
    await database.write((trx) => ensureTenant(trx, 'after'));
    const rows = await database.read.selectFrom('tenant').select('name').orderBy('id').execute();
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['before', 'after'],
    );
    await database.close();
  });
});
