/**
 * Every operation against every kind of asker, generated from the tables: sessions of each role, tokens that lack exactly
 * the permission, tokens of a line, tokens that ended, people who were shut out, people of another tenant. What the tables do
 * not allow is refused; what they allow is not.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  MANAGEMENT_OPERATIONS,
  type ManagementOperation,
  PERMISSIONS,
  permissionsOf,
  ROLES,
} from '@pawl/contract/management';
import { secretSha256 } from '../src/acts/secret.ts';
import { runBeside } from './beside.ts';
import { Page } from './browser-page.ts';
import { exchange, type RawAnswer } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

type Headers = Readonly<Record<string, string>>;

const ALL = Object.entries(MANAGEMENT_OPERATIONS) as [string, ManagementOperation][];
const OPERATIONS = ALL.filter(([, { allow }]) => allow !== 'open');
let atMs = Date.parse('2026-03-01T12:00:00.000Z');
let server: TestServer;

before(async () => {
  server = await startTestServer({ now: () => new Date(atMs) });
});
after(() => server.close());

const bearer = (token: string): Headers => ({ authorization: `Bearer ${token}` });
const EXAMPLES: Headers = { verb: 'start', index: '0', tokenId: 'ab'.repeat(8), sessionId: 'ab'.repeat(8), line: 'x' };
const LONG = 'ab'.repeat(32);

function call(operation: ManagementOperation, headers: Headers, params: Headers = {}): Promise<RawAnswer> {
  const { path, method, body, response } = operation;
  const example = (name: string) =>
    params[name] ?? EXAMPLES[name] ?? (name.endsWith('Id') && name !== 'controllerId' ? LONG : '1000000');
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => example(name));
  const type = body === 'bytes' ? 'application/octet-stream' : 'application/json';
  const sent = body === undefined ? {} : { body: '{"no":"such member"}' };
  // An answer without an end is asked for with a query that nobody takes: who may have it is refused for that, at once.
  const query = response === 'events' ? '?no=such' : '';
  return exchange(`${server.url}${filled}${query}`, { method, headers: { 'content-type': type, ...headers }, ...sent });
}

const codeOf = (answer: RawAnswer): string => (answer.status < 400 ? 'ok' : String(answer.json()['code']));

test('a session may what the role of its person may, neither less nor more', async () => {
  for (const role of ROLES) {
    const { claim } = await server.operator.call('invitePerson', { body: { name: role, roles: [role] } });
    const page = new Page(server);
    await page.join(claim);
    for (const [id, operation] of OPERATIONS) {
      if (id === 'signOut') continue;
      const isAllowed = operation.allow === 'anybody' || permissionsOf(role).some((each) => each === operation.allow);
      const own = { cookie: page.cookie, origin: page.origin, 'x-pawl-page': '1', 'sec-fetch-site': 'same-origin' };
      const code = codeOf(await call(operation, own));
      assert.equal(code === 'API_FORBIDDEN', !isAllowed, `${role} ${id} ${code}`);
      assert.ok(!['API_UNAUTHENTICATED', 'API_INTERNAL', 'API_FOREIGN_PAGE'].includes(code), `${role} ${id} ${code}`);
      if (operation.method === 'GET') continue;
      const foreign = codeOf(await call(operation, { ...own, origin: 'https://evil.example' }));
      assert.equal(foreign, 'API_FOREIGN_PAGE', `${role} ${id}`);
      assert.equal(codeOf(await call(operation, { cookie: page.cookie })), 'API_FOREIGN_PAGE', `${role} ${id}`);
    }
  }
});

test('a token that lacks just the permission of an operation is refused it, and holds all others', async () => {
  for (const [turn, missing] of PERMISSIONS.entries()) {
    const permissions = PERMISSIONS.filter((each) => each !== missing);
    const { token } = await server.operator.call('createToken', { body: { label: missing, permissions } });
    for (const [index, [id, operation]] of OPERATIONS.entries()) {
      // Of what it holds, each operation is asked a few times: who holds all but one is let in by the same row.
      if (operation.allow !== missing && (index + turn) % 5 !== 0) continue;
      const code = codeOf(await call(operation, bearer(token)));
      assert.equal(code === 'API_FORBIDDEN', operation.allow === missing, `without ${missing}: ${id} ${code}`);
    }
  }
});

test('a token of a line is refused every operation that does not say its line, and those of other lines', async () => {
  const body = { label: 'line', permissions: [...PERMISSIONS], lines: ['hub'] };
  const { token } = await server.operator.call('createToken', { body });
  for (const [id, operation] of OPERATIONS) {
    const code = codeOf(await call(operation, bearer(token)));
    if (operation.allow === 'anybody') assert.notEqual(code, 'API_FORBIDDEN', id);
    else if (operation.line === undefined) assert.equal(code, 'API_FORBIDDEN', id);
    else assert.ok(code === 'API_FORBIDDEN' || code === 'API_REQUEST_INVALID', `${id} ${code}`);
  }
});

test('a token that ended, was revoked, or whose person is shut out is refused everything', async () => {
  const { token: ended } = await server.operator.call('createToken', {
    body: { label: 'ended', role: 'admin', validForS: 60 },
  });
  const revoked = await server.operator.call('createToken', { body: { label: 'revoked', role: 'admin' } });
  await server.operator.call('revokeToken', { params: { tokenId: revoked.id } });
  const { person, claim } = await server.operator.call('invitePerson', { body: { name: 'Gone', roles: ['admin'] } });
  const page = new Page(server);
  await page.join(claim);
  const own = (await page.post('/me/tokens', { label: 'own' })).json<{ token: string }>();
  await server.operator.call('disablePerson', { params: { id: person.id }, body: {} });
  atMs += 60_000;
  const session = { cookie: page.cookie, origin: page.origin, 'x-pawl-page': '1', 'sec-fetch-site': 'same-origin' };
  for (const headers of [bearer(ended), bearer(revoked.token), bearer(own.token), session]) {
    for (const [id, operation] of OPERATIONS) {
      assert.equal(codeOf(await call(operation, headers)), 'API_UNAUTHENTICATED', id);
    }
  }
});

test('an admin of another tenant sees nothing of this one, and touches none of it', async () => {
  const { operator } = server;
  await operator.call('addDevices', { body: { devices: [{ controllerId: 'here', model: 'hub' }] } });
  const artifacts = [{ name: 'a.swu', sizeBytes: 10, sha256: LONG }];
  const release = await operator.call('createRelease', {
    body: { line: 'hub', version: '1.0.0', kind: 'foreign', artifacts },
  });
  const person = (await operator.call('getMe', {})).person?.id;
  const [token] = (await operator.call('listTokens', {})).items;
  const secret = 'x'.repeat(43);
  const permissions = JSON.stringify(PERMISSIONS);
  await runBeside(server.folder, [
    ["INSERT INTO tenant (name) VALUES ('other')"],
    [
      `INSERT INTO token (sha256, tenant_id, label, permissions, created_ms, expires_ms)
        SELECT ?, id, 'other', ?, ?, ? FROM tenant WHERE name = 'other'`,
      secretSha256(secret),
      permissions,
      atMs,
      atMs + 86_400_000,
    ],
  ]);
  // A read after a write of this server sees what came from beside it.
  await operator.call('addDevices', { body: { devices: [{ controllerId: 'after', model: 'hub' }] } });
  const ids: Readonly<Record<string, Headers>> = {
    person: { id: String(person) },
    release: { id: String(release.id) },
    device: { controllerId: 'here' },
    token: { tokenId: token?.id ?? '' },
  };
  for (const [id, operation] of OPERATIONS) {
    for (const params of Object.values(ids)) {
      const answer = await call(operation, bearer(secret), params);
      assert.notEqual(answer.status, 500, id);
      assert.doesNotMatch(answer.text, /"here"|first admin|a\.swu/, id);
    }
  }
  await operator.call('getDevice', { params: { controllerId: 'here' } });
  assert.equal((await operator.call('getMe', {})).person?.state, 'active');
});
