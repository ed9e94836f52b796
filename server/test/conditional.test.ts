/** Conditional requests: 304 for what is known, 412 for what was changed by somebody else, 428 where something could be lost. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MANAGEMENT_OPERATIONS, type ManagementOperation } from '@pawl/contract/management';
import { sql } from 'kysely';
import { type FaultServer, startFaultServer } from './fault-server.ts';
import { PostgresCluster, skipWithoutPostgres } from './postgres.ts';
import { exchange, type RawAnswer } from './raw-http.ts';

const OPERATIONS = Object.entries(MANAGEMENT_OPERATIONS) as [string, ManagementOperation][];
type Headers = Readonly<Record<string, string>>;

/** What there is to change, and a body that changes it; the group of the second does not exist yet. */
const CHANGES: readonly (readonly [operation: string, path: string, read: string, bodies: readonly string[]])[] = [
  ['setRoles', '/people/ID/roles', '/people/ID', ['{"roles":["viewer"]}', '{"roles":["viewer","auditor"]}']],
  ['putGroup', '/groups/pilots', '/groups/pilots', ['{"filter":"name:a"}', '{"filter":"name:b"}']],
  ['setPolicy', '/policy', '/policy', ['{"approvalsRequired":1}', '{"approvalsRequired":2}']],
  ['setDevicePolicy', '/devices/d/policy', '/devices/d/policy', ['{"optOut":"all"}', '{"optOut":"none"}']],
  ['putWebhook', '/webhooks/1', '/webhooks/1', ['URL","state":"paused"}', 'URL","state":"active"}']],
];

const STORES = [
  { name: 'SQLite', skip: false as const, start: () => Promise.resolve(undefined) },
  { name: 'PostgreSQL', skip: skipWithoutPostgres(), start: () => PostgresCluster.start() },
];

for (const { name, skip, start } of STORES) {
  describe(name, { skip }, () => {
    let cluster: PostgresCluster | undefined;
    let server: FaultServer;
    let token: string;
    let personId: number;
    before(async () => {
      cluster = await start();
      server = await startFaultServer(cluster?.url('postgres'));
      const { operator } = server;
      ({ token } = await operator.call('createToken', { body: { label: 'raw', role: 'admin' } }));
      const invited = await operator.call('invitePerson', { body: { name: 'Dora', roles: [] } });
      personId = invited.person.id;
      await operator.call('addDevices', { body: { devices: [{ controllerId: 'd', model: 'hub' }] } });
      await operator.call('createWebhook', { body: { url: 'https://hooks.example/' } });
      await operator.call('putGroup', { params: { name: 'pilots' }, body: { filter: '' } });
    });
    after(async () => {
      await server.close();
      await cluster?.close();
    });

    const send = (method: string, path: string, headers: Headers = {}, body?: string): Promise<RawAnswer> => {
      const sent = body === undefined ? {} : { body: body.replace('URL', '{"url":"https://hooks.example/') };
      const url = `${server.url}/api/v1${path.replace('ID', String(personId))}`;
      const type = body === undefined ? {} : { 'content-type': 'application/json' };
      return exchange(url, { method, headers: { authorization: `Bearer ${token}`, ...type, ...headers }, ...sent });
    };
    const tagOf = async (path: string): Promise<string> => (await send('GET', path)).headers.etag ?? '';
    const codeOf = (answer: RawAnswer) => [answer.status, answer.status === 200 ? 'ok' : answer.json()['code']];

    test('a change where something could be lost says what it changes; a stale one changes nothing', async () => {
      for (const [id, path, read, [first = '', second = '']] of CHANGES) {
        const before = await send('GET', read);
        const stale = before.headers.etag ?? '';
        assert.match(stale, /^"[\w.-]+"$/, id);
        assert.deepEqual(codeOf(await send('PUT', path, {}, first)), [428, 'API_PRECONDITION_REQUIRED'], id);
        for (const other of ['"other"', `W/${stale}`, '""', '"a", "b"']) {
          const answer = await send('PUT', path, { 'if-match': other }, first);
          assert.deepEqual(codeOf(answer), [412, 'API_PRECONDITION_FAILED'], `${id} ${other}`);
        }
        assert.equal((await send('GET', read)).text, before.text, id);
        assert.deepEqual(codeOf(await send('PUT', path, { 'if-match': `"x", ${stale}` }, first)), [200, 'ok'], id);
        const late = await send('PUT', path, { 'if-match': stale }, second);
        assert.deepEqual(codeOf(late), [412, 'API_PRECONDITION_FAILED'], id);
        assert.deepEqual(codeOf(await send('PUT', path, { 'if-match': '*' }, second)), [200, 'ok'], id);
      }
    });

    test('of two people who change the same at the same time one is told that the other was first', async () => {
      for (const [id, path, read, bodies] of CHANGES) {
        const tag = await tagOf(read);
        // What was set last; setting it again would change nothing.
        const [body = ''] = bodies;
        const answers = await Promise.all(
          [1, 2, 3].map((no) => send('PUT', path, { 'if-match': tag }, body.replace('name:a', `name:a${no}`))),
        );
        const codes = answers.map((answer) => String(codeOf(answer)[1])).sort();
        assert.deepEqual(codes, ['API_PRECONDITION_FAILED', 'API_PRECONDITION_FAILED', 'ok'], id);
      }
    });

    test('what happens by itself makes no change stale; what would be refused anyway is refused for that', async () => {
      const tag = await tagOf('/devices/d');
      await server.database.write((trx) => sql`insert into device_seen select id, 5 from device`.execute(trx));
      const seen = await send('GET', '/devices/d', { 'if-none-match': tag });
      assert.deepEqual([seen.status, seen.headers.etag === tag], [200, false]);
      assert.equal((await send('PATCH', '/devices/d', { 'if-match': tag }, '{"tags":["a"]}')).status, 200);
      const late = await send('PATCH', '/devices/d', { 'if-match': tag }, '{"tags":["b"]}');
      assert.deepEqual(codeOf(late), [412, 'API_PRECONDITION_FAILED']);
      const group = await tagOf('/groups/pilots');
      await server.operator.call('addDevices', { body: { devices: [{ controllerId: 'a', model: 'hub' }] } });
      assert.equal((await send('PUT', '/groups/pilots', { 'if-match': group }, '{"filter":""}')).status, 200);
      const unknown = await send('PATCH', '/devices/nobody', { 'if-match': tag }, '{"tags":[]}');
      assert.deepEqual(codeOf(unknown), [404, 'DEVICE_UNKNOWN']);
      const malformed = await send('PUT', '/groups/pilots', { 'if-match': '"x"' }, '{"filter":"("}');
      assert.deepEqual(codeOf(malformed), [400, 'FILTER_MALFORMED']);
    });

    test('a group is made only if there is none, when that is asked', async () => {
      const none = { 'if-none-match': '*' };
      const anything = { 'if-match': '*' };
      const body = '{"filter":"tag:new"}';
      assert.deepEqual(codeOf(await send('PUT', '/groups/new', anything, body)), [412, 'API_PRECONDITION_FAILED']);
      const answers = await Promise.all([1, 2, 3].map(() => send('PUT', '/groups/new', none, body)));
      assert.deepEqual(
        answers.map(({ status }) => status).sort((a, b) => a - b),
        [200, 412, 412],
      );
      assert.equal((await send('DELETE', '/groups/new', { 'if-match': await tagOf('/groups/new') })).status, 200);
    });

    test('a condition that is not judged is refused, and so is what is no condition', async () => {
      for (const [method, path, headers] of [
        ['POST', '/tokens', { 'if-match': '"a"' }],
        ['GET', '/devices', { 'if-match': '*' }],
        ['POST', '/tokens', { 'if-none-match': '*' }],
        ['PUT', '/policy', { 'if-none-match': '"a"' }],
        ['PUT', '/policy', { 'if-match': 'a' }],
        ['PUT', '/policy', { 'if-match': '"a' }],
        ['PUT', '/policy', { 'if-match': '' }],
        ['GET', '/devices', { 'if-none-match': '"a", b' }],
      ] as const) {
        const answer = await send(
          method,
          path,
          headers,
          method === 'GET' ? undefined : '{"label":"x","role":"viewer"}',
        );
        assert.deepEqual(codeOf(answer), [400, 'API_REQUEST_INVALID'], `${method} ${path} ${JSON.stringify(headers)}`);
      }
    });

    test('what a reader has already is not sent again, until it changes', async () => {
      for (const path of ['/devices', '/rollouts', '/people/ID', '/policy', '/webhooks']) {
        const first = await send('GET', path);
        const etag = first.headers.etag ?? assert.fail(path);
        for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
          const again = await send('GET', path, { 'if-none-match': known });
          assert.deepEqual([again.status, again.text, again.headers.etag], [304, '', etag], path);
        }
        assert.equal((await send('GET', path, { 'if-none-match': '"other"' })).text, first.text, path);
        const head = await send('HEAD', path, { 'if-none-match': '"other"' });
        assert.deepEqual([head.status, head.headers.etag], [200, etag], path);
      }
      const tag = await tagOf('/devices');
      await server.operator.call('addDevices', { body: { devices: [{ controllerId: 'more', model: 'hub' }] } });
      assert.equal((await send('GET', '/devices', { 'if-none-match': tag })).status, 200);
    });
  });
}

test('what guards a change is a read with the same path, and its volatile members are members of its answer', () => {
  const byId = new Map(OPERATIONS);
  const names = ({ path }: ManagementOperation) => [...path.matchAll(/\{(\w+)\}/g)].map(([, param]) => param);
  for (const [id, operation] of OPERATIONS) {
    if (operation.changes !== undefined) {
      const read = byId.get(operation.changes.of) ?? assert.fail(id);
      assert.equal(read.method, 'GET', id);
      assert.ok(
        names(read).every((param) => names(operation).includes(param)),
        id,
      );
      assert.notEqual(operation.method, 'GET', id);
    }
    if (operation.volatile === undefined) continue;
    const { response } = operation;
    const members = typeof response === 'object' && 'shape' in response ? Object.keys(response.shape as object) : [];
    assert.deepEqual(
      operation.volatile.filter((member) => !members.includes(member)),
      [],
      id,
    );
  }
});
