/** The audit over a listening server: one entry an act, with its result, and nothing that could be used. */
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import type { AuditEntry } from '@pawl/contract/management';
import { runBeside } from './beside.ts';
import { Page } from './browser-page.ts';
import { exchange } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.close());

const last = async (): Promise<AuditEntry | undefined> => (await server.operator.call('listAudit', {})).items[0];
const count = async (): Promise<number> =>
  (await server.operator.call('listAudit', { query: { limit: 500 } })).items.length;
const device = (controllerId: string) => ({ body: { devices: [{ controllerId, model: 'hub' }] } });

test('an act leaves one entry: who, with what, which, when and from where', async () => {
  const me = await server.operator.call('getMe', {});
  const [token] = (await server.operator.call('listOwnTokens', {})).items;
  const before = await count();
  await server.operator.call('addDevices', device('one'));
  await server.operator.call('decommissionDevice', { params: { controllerId: 'one' } });
  assert.equal(await count(), before + 2);
  const entry = await last();
  const { id, at, requestId, ...rest } = entry ?? assert.fail();
  assert.deepEqual(rest, {
    actor: me.id,
    credential: `token/${token?.id}`,
    operation: 'decommissionDevice',
    target: '/api/v1/devices/one',
    result: 'ok',
    source: '127.0.0.1',
  });
  assert.ok(Math.abs(Date.parse(at) - Date.now()) < 60_000 && id > 0 && requestId.startsWith('req-'));
});

test('what is refused leaves one entry with its code, and reading leaves none', async () => {
  const before = await count();
  await assert.rejects(server.operator.call('decommissionDevice', { params: { controllerId: 'nobody' } }));
  assert.equal((await last())?.result, 'DEVICE_UNKNOWN');
  const { token } = await server.operator.call('createToken', { body: { label: 'weak', role: 'viewer' } });
  const weak = new ManagementClient({ url: server.url, token });
  await assert.rejects(weak.call('addDevices', device('two')));
  const entry = await last();
  assert.deepEqual([entry?.operation, entry?.result], ['addDevices', 'API_FORBIDDEN']);
  assert.match(entry?.actor ?? '', /^token\//);
  await weak.call('listDevices', {});
  await server.operator.call('listPeople', {});
  assert.equal(await count(), before + 3);
});

test('coming in leaves an entry of whoever came; a stranger who fails leaves none', async () => {
  const { person, claim } = await server.operator.call('invitePerson', { body: { name: 'Ada', roles: ['viewer'] } });
  const page = new Page(server);
  const authenticator = await page.join(claim);
  assert.deepEqual([(await last())?.operation, (await last())?.actor], ['join', `person/${person.id}`]);
  await page.signIn(authenticator);
  assert.equal((await last())?.operation, 'signIn');
  const before = await count();
  await exchange(`${server.url}/api/v1/devices`, { method: 'POST' });
  await page.post('/join/look', { claim: 'guess' });
  assert.equal(await count(), before);
});

test('no secret stands in it, and the database refuses to change or drop an entry', async () => {
  const { token } = await server.operator.call('createToken', { body: { label: 'robot', role: 'viewer' } });
  const { claim } = await server.operator.call('invitePerson', { body: { name: 'Bob', roles: [] } });
  const text = new TextDecoder().decode(await server.operator.call('exportAudit', { query: { format: 'json' } }));
  for (const secret of [token, claim, server.token, 'Bob']) assert.ok(!text.includes(secret));
  if (server.folder === '' || process.env['PAWL_TEST_POSTGRES'] !== undefined) return;
  const db = new DatabaseSync(`${server.folder}/data/pawl.db`, { timeout: 5000 });
  for (const sql of ["UPDATE audit SET actor = 'nobody'", 'DELETE FROM audit WHERE id = 1']) {
    assert.throws(() => db.exec(sql), /append-only/);
  }
  db.close();
});

test('pages give every entry once, newest first; filters and the export give the same', async () => {
  const all = (await server.operator.call('listAudit', { query: { limit: 500 } })).items;
  const seen: AuditEntry[] = [];
  for (let cursor: string | undefined = undefined as string | undefined; ; ) {
    const page = await server.operator.call('listAudit', {
      query: { limit: 3, ...(cursor === undefined ? {} : { cursor }) },
    });
    seen.push(...page.items);
    if (page.next === null) break;
    cursor = page.next;
  }
  assert.deepEqual(seen, all);
  assert.ok(all.every(({ id }, index) => index === 0 || id < (all[index - 1]?.id ?? 0)));
  const query = { operation: 'addDevices', from: all.at(-1)?.at ?? '' };
  const some = (await server.operator.call('listAudit', { query })).items;
  assert.deepEqual(
    some,
    all.filter(({ operation }) => operation === 'addDevices'),
  );
  const json = await server.operator.call('exportAudit', { query: { ...query, format: 'json' } });
  assert.deepEqual(JSON.parse(new TextDecoder().decode(json)), some);
  const csv = new TextDecoder().decode(
    await server.operator.call('exportAudit', { query: { ...query, format: 'csv' } }),
  );
  const rows = csv
    .split('\r\n')
    .slice(0, -1)
    .map((line) => JSON.parse(`[${line}]`) as string[]);
  assert.deepEqual(
    rows.slice(1).map(([id]) => Number(id)),
    some.map(({ id }) => id),
  );
});

test('an export of more than fits is refused, not cut', async () => {
  const many = `INSERT INTO audit (tenant_id, at_ms, actor, credential, operation, target, result, source, request_id)
    WITH RECURSIVE many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 50001)
    SELECT 1, 0, 'person/1', 'x', 'many', '', 'ok', '', '' FROM many`;
  await runBeside(server.folder, [[many]]);
  await server.operator.call('addDevices', device('three'));
  const query = { operation: 'many', format: 'csv' as const };
  await assert.rejects(server.operator.call('exportAudit', { query }), { code: 'AUDIT_TOO_LARGE' });
});
