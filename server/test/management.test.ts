/** The management API over a listening server: who gets in, what is read, what is refused, and that nothing leaks. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { MANAGEMENT_OPERATIONS, type ManagementOperation, permissionsOf, ROLES } from '@pawl/contract/management';
import { changeBeside } from './beside.ts';
import { sha256Hex } from './line-repository.ts';
import { exchange, type RawAnswer, type RawRequest } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.close());

const JSON_TYPE = { 'content-type': 'application/json' };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const send = (path: string, request: RawRequest = {}) =>
  exchange(`${server.url}/api/v1${path}`, { ...request, headers: { ...bearer(server.token), ...request.headers } });
const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = JSON_TYPE) =>
  send(path, { method: 'POST', body, headers });
const codeOf = (answer: RawAnswer): [status: number, code: string] => [
  answer.status,
  answer.status < 400 ? 'ok' : String(answer.json()['code']),
];
const codeIs = (code: string) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  return true;
};

const OPERATIONS = Object.entries(MANAGEMENT_OPERATIONS) as [string, ManagementOperation][];
const EXAMPLES: Readonly<Record<string, string>> = { verb: 'start', index: '0', tokenId: 'ab'.repeat(8), line: 'x' };

function callOf(operation: ManagementOperation, headers: Record<string, string>): Promise<RawAnswer> {
  const { path, method, body, response } = operation;
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => EXAMPLES[name] ?? '1000000');
  const type = body === 'bytes' ? 'application/octet-stream' : 'application/json';
  const sent = body === undefined ? {} : { body: '{"no":"such member"}' };
  // An answer without an end is asked for with a query that nobody takes: who may have it is refused for that, at once.
  const query = response === 'events' ? '?no=such' : '';
  return exchange(`${server.url}${filled}${query}`, { method, headers: { 'content-type': type, ...headers }, ...sent });
}

test('without a valid token every operation but health and login answers 401', async () => {
  const { token } = server;
  const wrong: readonly Record<string, string>[] = [
    {},
    bearer('x'),
    bearer(`${token}x`),
    bearer(token.slice(1)),
    { authorization: token },
    { authorization: `bearer ${token}` },
    { authorization: `Bearer  ${token}` },
    { authorization: `Basic ${token}` },
    { authorization: `Bearer ${'x'.repeat(300)}` },
    { cookie: `token=${token}` },
  ];
  for (const [id, operation] of OPERATIONS.filter(([, { allow }]) => allow !== 'open')) {
    for (const headers of wrong) {
      const answer = await callOf(operation, headers);
      assert.deepEqual(codeOf(answer), [401, 'API_UNAUTHENTICATED'], id);
      assert.equal(answer.headers['www-authenticate'], 'Bearer');
    }
  }
});

test('every operation asks for its permission, neither less nor more', async () => {
  for (const role of ROLES) {
    const { token } = await server.operator.call('createToken', { body: { label: role, role } });
    for (const [id, operation] of OPERATIONS) {
      if (operation.allow === 'open') continue;
      const [status, code] = codeOf(await callOf(operation, bearer(token)));
      const isAllowed = operation.allow === 'anybody' || permissionsOf(role).includes(operation.allow);
      assert.equal(code === 'API_FORBIDDEN', !isAllowed, `${role} ${id} ${status} ${code}`);
      // Some acts are for people alone, whatever a token may.
      assert.equal(status === 403, !isAllowed || code === 'PERSON_REQUIRED', `${role} ${id} ${status} ${code}`);
      assert.notEqual(status, 401, id);
      assert.notEqual(status, 500, id);
    }
  }
});

test('a token is shown once, listed by its name, and gone when it is revoked', async () => {
  const made = await server.operator.call('createToken', { body: { label: 'robot', role: 'viewer' } });
  const robot = new ManagementClient({ url: server.url, token: made.token });
  await robot.call('listDevices', {});
  const listed = await send('/tokens');
  assert.ok(listed.text.includes(made.id) && !listed.text.includes(made.token));
  await server.operator.call('revokeToken', { params: { tokenId: made.id } });
  await assert.rejects(robot.call('listDevices', {}), codeIs('API_UNAUTHENTICATED'));
  await assert.rejects(server.operator.call('revokeToken', { params: { tokenId: made.id } }), codeIs('TOKEN_UNKNOWN'));
});

test('the claim of the first run opens the server once', async () => {
  const anyone = new ManagementClient({ url: server.url });
  const claim = server.running.claim ?? '';
  assert.ok(claim.length >= 43);
  await assert.rejects(anyone.call('login', { body: { claim, label: 'second' } }), codeIs('CLAIM_INVALID'));
  await assert.rejects(anyone.call('login', { body: { claim: 'guess', label: 'x' } }), codeIs('CLAIM_INVALID'));
});

const device = (controllerId: string, more: object = {}) => ({ controllerId, model: 'hub', ...more });
const addBody = (controllerId: string) => JSON.stringify({ devices: [device(controllerId)] });
const countDevices = async () => (await server.operator.call('listDevices', { query: { limit: 500 } })).items.length;

test('bodies that are not strict JSON of the contract are refused, and store nothing', async () => {
  const before = await countDevices();
  const nested = `${'['.repeat(17)}${']'.repeat(17)}`;
  const table: readonly (readonly [string, string | Uint8Array, number, string])[] = [
    ['no JSON', 'devices', 400, 'API_REQUEST_INVALID'],
    ['nothing', '', 400, 'API_REQUEST_INVALID'],
    ['half a body', addBody('a').slice(0, -2), 400, 'API_REQUEST_INVALID'],
    ['a body and more', `${addBody('a')}{}`, 400, 'API_REQUEST_INVALID'],
    ['a repeated member', addBody('a').replace('"model"', '"controllerId":"b","model"'), 400, 'API_REQUEST_INVALID'],
    ['deep nesting', `{"devices":${nested}}`, 400, 'API_REQUEST_INVALID'],
    ['a member too many', addBody('a').replace('"model"', '"isAdmin":true,"model"'), 400, 'API_REQUEST_INVALID'],
    ['a prototype', '{"__proto__":{"devices":[]}}', 400, 'API_REQUEST_INVALID'],
    ['a number for a name', '{"devices":[{"controllerId":7,"model":"hub"}]}', 400, 'API_REQUEST_INVALID'],
    ['a path for a name', addBody('../a'), 400, 'API_REQUEST_INVALID'],
    ['bytes that are no UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 400, 'API_REQUEST_INVALID'],
    ['two MiB and one byte', Buffer.alloc(2 ** 21 + 1, 0x20), 413, 'API_BODY_TOO_LARGE'],
  ];
  for (const [name, body, status, code] of table) {
    const answer = await post('/devices', body);
    assert.deepEqual(codeOf(answer), [status, code], name);
    assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json(;|$)/, name);
  }
  assert.equal(await countDevices(), before);
});

test('another media type is refused, whatever the body', async () => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'application/cbor', '']) {
    const answer = await post('/devices', addBody('media'), { 'content-type': type });
    assert.deepEqual(codeOf(answer), [415, 'API_CONTENT_TYPE_UNSUPPORTED'], type);
  }
  assert.equal(
    (await post('/devices', addBody('media'), { 'content-type': 'Application/JSON; charset=utf-8' })).status,
    200,
  );
  const json = await send('/releases/1/artifacts/a', { method: 'PUT', body: '{}', headers: JSON_TYPE });
  assert.deepEqual(codeOf(json), [415, 'API_CONTENT_TYPE_UNSUPPORTED']);
});

test('parameters of the path and the query are of the contract, or refused', async () => {
  const paths = [
    '/devices?limit=0',
    '/devices?limit=501',
    '/devices?limit=5&limit=6',
    '/devices?sort=name',
    '/devices/..%2Fx',
    '/devices/%00',
    '/rollouts/0',
    '/rollouts/1e3',
    '/rollouts/-1',
    '/rollouts/01',
    '/rollouts/0x1',
    '/rollouts/%201',
    '/devices?limit=',
    '/ledger/entries?from=1e1',
    '/rollouts/2147483648',
    '/ledger/proof/-1',
    '/ledger/checkpoint?size=1',
    `/devices/${'x'.repeat(129)}`,
  ];
  for (const path of paths) assert.deepEqual(codeOf(await send(path)), [400, 'API_REQUEST_INVALID'], path);
  assert.deepEqual(codeOf(await send('/devices?filter=colour%3Ared')), [400, 'FILTER_MALFORMED']);
  for (const path of ['/nothing', '/devices/a/b', '/../secret', '//devices']) {
    assert.deepEqual(codeOf(await send(path)), [404, 'API_NOT_FOUND'], path);
  }
  assert.equal((await send('/devices/%zz')).status, 400);
});

test('a fault of ours is told as 500 with the request id and nothing else', async () => {
  await changeBeside(server.folder, (db) => db.exec('ALTER TABLE webhook RENAME TO webhook_elsewhere'));
  const answer = await post('/webhooks', '{"url":"https://hooks.example/"}');
  await changeBeside(server.folder, (db) => db.exec('ALTER TABLE webhook_elsewhere RENAME TO webhook'));
  assert.equal(answer.status, 500);
  const { requestId, ...rest } = answer.json();
  assert.match(String(requestId), /^req-/);
  assert.deepEqual(Object.keys(rest).sort(), ['advice', 'code', 'status', 'title', 'type']);
  assert.equal(rest['code'], 'API_INTERNAL');
  assert.ok(!answer.text.includes(server.folder));
  assert.ok(!answer.text.includes('webhook'));
});

test('artifacts that cannot be reached are told as 503, and nobody is told where they should be', async () => {
  const bytes = new TextEncoder().encode('will be lost');
  const artifacts = [{ name: 'a.swu', sizeBytes: bytes.length, sha256: sha256Hex(bytes) }];
  const body = { line: 'lost', version: '1.0.0', kind: 'foreign' as const, artifacts };
  const { id } = await server.operator.call('createRelease', { body });
  await server.operator.call('putArtifact', { params: { id, name: 'a.swu' }, body: bytes, sizeBytes: bytes.length });
  await rm(`${server.folder}/data/blobs`, { recursive: true });
  const answer = await post(`/releases/${id}/publish`, '{}');
  assert.equal(answer.status, 503);
  assert.ok(!answer.text.includes(server.folder));
});

test('answers are not kept by anybody between', async () => {
  for (const answer of [await send('/devices'), await send('/nothing/here'), await send('/devices?limit=0')]) {
    if (answer.status !== 404) assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(answer.headers['x-content-type-options'], answer.status === 404 ? undefined : 'nosniff');
  }
});

test('devices are added together or not at all, listed by filter and page, and decommissioned for good', async () => {
  const { operator } = server;
  const names = ['page-1', 'page-2', 'page-3', 'page-4', 'page-5'];
  const devices = names.map((name, index) => device(name, { tags: ['page', `n${index}`], line: 'hub' }));
  const { devices: made } = await operator.call('addDevices', { body: { devices } });
  assert.equal(new Set(made.map(({ token }) => token)).size, 5);
  const again = { devices: [device('page-6'), device('page-1')] };
  await assert.rejects(operator.call('addDevices', { body: again }), codeIs('DEVICE_EXISTS'));
  await assert.rejects(operator.call('getDevice', { params: { controllerId: 'page-6' } }), codeIs('DEVICE_UNKNOWN'));
  const seen: string[] = [];
  for (let cursor: string | undefined | null = null as string | null; cursor !== undefined; ) {
    const at = cursor === null ? {} : { cursor };
    const query: { filter: string; limit: number; cursor?: string } = { filter: 'tag:page', limit: 2, ...at };
    const page: { items: { controllerId: string }[]; next: string | null } = await operator.call('listDevices', {
      query,
    });
    seen.push(...page.items.map(({ controllerId }) => controllerId));
    cursor = page.next ?? undefined;
  }
  assert.deepEqual(seen, names);
  await operator.call('decommissionDevice', { params: { controllerId: 'page-2' } });
  const one = await operator.call('getDevice', { params: { controllerId: 'page-2' } });
  assert.equal(one.isDecommissioned, true);
  assert.equal((await operator.call('listDevices', { query: { filter: 'tag:page' } })).items.length, 4);
  await assert.rejects(operator.call('addDevices', { body: { devices: [device('page-2')] } }), codeIs('DEVICE_EXISTS'));
  await assert.rejects(
    operator.call('decommissionDevice', { params: { controllerId: 'nobody' } }),
    codeIs('DEVICE_UNKNOWN'),
  );
});

test('a claim or a gateway names devices that may be', async () => {
  const { operator } = server;
  await operator.call('addDevices', { body: { devices: [device('known')] } });
  const claim = { controllerId: 'known', model: 'hub', line: 'hub' };
  await assert.rejects(operator.call('createClaim', { body: claim }), codeIs('DEVICE_EXISTS'));
  const gateway = { name: 'g', controllerIds: ['known', 'unknown'] };
  await assert.rejects(operator.call('createGateway', { body: gateway }), codeIs('DEVICE_UNKNOWN'));
});

test('no secret stands in the database or the answers', async () => {
  const { token } = await server.operator.call('createToken', { body: { label: 'secret', role: 'viewer' } });
  const { claim } = await server.operator.call('createClaim', {
    body: { controllerId: 'claimed', model: 'hub', line: 'hub' },
  });
  const files = ['pawl.db', 'pawl.db-wal'].map((name) => readFile(`${server.folder}/data/${name}`));
  const bytes = Buffer.concat(await Promise.all(files));
  for (const secret of [token, claim, server.token]) assert.ok(!bytes.includes(secret));
  assert.ok(bytes.includes('claimed'), 'the search would find it');
});
