/** People and API tokens over a listening server: how they come in, what each may do, and when that ends. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import type { Role } from '@pawl/contract/management';
import { startTestServer, type TestServer } from './running-server.ts';

const DAY_MS = 86_400_000;
const START = Date.parse('2026-03-01T12:00:00.000Z');
let atMs = START;
let server: TestServer;

before(async () => {
  server = await startTestServer({ now: () => new Date(atMs) });
});
after(() => server.close());

const as = (token: string): ManagementClient => new ManagementClient({ url: server.url, token });
const codeIs = (code: string) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  return true;
};

function predicateOf({ envelope }: { readonly envelope: string }): Record<string, unknown> {
  const { payload } = JSON.parse(Buffer.from(envelope, 'base64').toString()) as { payload: string };
  return (JSON.parse(Buffer.from(payload, 'base64').toString()) as { predicate: Record<string, unknown> }).predicate;
}

/** A person who came in by invitation, with a token of all that the person may do. */
async function newcomer(name: string, ...roles: Role[]): Promise<{ id: number; client: ManagementClient }> {
  const { person, claim } = await server.operator.call('invitePerson', { body: { name, roles } });
  const { token } = await as('none').call('login', { body: { claim, label: 'test' } });
  return { id: person.id, client: as(token) };
}

test('the claim of the first run makes the first admin, who has a token of a year', async () => {
  const me = await server.operator.call('getMe', {});
  assert.deepEqual(me.person?.roles, ['admin']);
  assert.equal(me.id, `person/${me.person?.id}`);
  const { items } = await server.operator.call('listOwnTokens', {});
  assert.equal(Date.parse(items[0]?.expiresAt ?? '') - START, 365 * DAY_MS);
});

test('an invitation works once, lets in only that person, and not when it is too late', async () => {
  const body = { name: 'Ada', roles: ['viewer' as const], validForS: 60 };
  const { person, claim } = await server.operator.call('invitePerson', { body });
  const { token } = await as('none').call('login', { body: { claim, label: 'a', name: 'Somebody Else' } });
  const me = await as(token).call('getMe', {});
  assert.deepEqual([me.label, me.person?.id], ['Ada', person.id]);
  await assert.rejects(as('none').call('login', { body: { claim, label: 'b' } }), codeIs('CLAIM_INVALID'));
  const late = await server.operator.call('invitePerson', { body });
  atMs += 60_000;
  await assert.rejects(as('none').call('login', { body: { claim: late.claim, label: 'b' } }), codeIs('CLAIM_INVALID'));
  const first = await server.operator.call('inviteAgain', { params: { id: person.id }, body: {} });
  const second = await server.operator.call('inviteAgain', { params: { id: person.id }, body: {} });
  await assert.rejects(as('none').call('login', { body: { claim: first.claim, label: 'b' } }), codeIs('CLAIM_INVALID'));
  await as('none').call('login', { body: { claim: second.claim, label: 'b' } });
});

test('whoever loses a role loses it in every token at once', async () => {
  const { id, client } = await newcomer('Operator', 'operator');
  const { token } = await client.call('createOwnToken', { body: { label: 'ci' } });
  await as(token).call('createClaim', { body: { controllerId: 'x1', model: 'm', line: 'hub' } });
  await server.operator.call('setRoles', { ifMatch: '*', params: { id }, body: { roles: ['viewer'] } });
  const claim = { body: { controllerId: 'x2', model: 'm', line: 'hub' } };
  await assert.rejects(as(token).call('createClaim', claim), codeIs('API_FORBIDDEN'));
  await as(token).call('listDevices', {});
  await server.operator.call('setRoles', { ifMatch: '*', params: { id }, body: { roles: [] } });
  await assert.rejects(as(token).call('listDevices', {}), codeIs('API_FORBIDDEN'));
});

test('whoever is shut out is out at once, with every token and every invitation, and comes back with none of them', async () => {
  const { id, client } = await newcomer('Gone', 'operator');
  const { token } = await client.call('createOwnToken', { body: { label: 'ci' } });
  const { claim } = await server.operator.call('inviteAgain', { params: { id }, body: {} });
  const { state } = await server.operator.call('disablePerson', { params: { id }, body: {} });
  assert.equal(state, 'disabled');
  const refused = async () => {
    await assert.rejects(as(token).call('getMe', {}), codeIs('API_UNAUTHENTICATED'));
    await assert.rejects(client.call('getMe', {}), codeIs('API_UNAUTHENTICATED'));
    await assert.rejects(as('none').call('login', { body: { claim, label: 'x' } }), codeIs('CLAIM_INVALID'));
  };
  await refused();
  const invite = server.operator.call('inviteAgain', { params: { id }, body: {} });
  await assert.rejects(invite, codeIs('PERSON_DISABLED'));
  await server.operator.call('enablePerson', { params: { id }, body: {} });
  await refused();
});

test('the last admin who can come in is neither shut out nor made less', async () => {
  const me = (await server.operator.call('getMe', {})).person;
  const params = { id: me?.id ?? 0 };
  // An admin who was invited and never came is nobody yet.
  const { person } = await server.operator.call('invitePerson', { body: { name: 'Later', roles: ['admin'] } });
  await assert.rejects(server.operator.call('disablePerson', { params, body: {} }), codeIs('PERSON_LAST_ADMIN'));
  const fewer = server.operator.call('setRoles', { ifMatch: '*', params, body: { roles: ['viewer'] } });
  await assert.rejects(fewer, codeIs('PERSON_LAST_ADMIN'));
  assert.deepEqual((await server.operator.call('getMe', {})).person?.roles, ['admin']);
  const second = await newcomer('Second', 'admin');
  await second.client.call('setRoles', { ifMatch: '*', params, body: { roles: ['viewer', 'admin'] } });
  await second.client.call('disablePerson', { params: { id: person.id }, body: {} });
  await server.operator.call('disablePerson', { params: { id: second.id }, body: {} });
});

test('a token holds no more than what makes it: not more permissions, not more lines, not a longer life', async () => {
  const body = { label: 'ci', permissions: ['people:write' as const, 'device:read' as const], validForS: 3600 };
  const { token } = await server.operator.call('createToken', { body });
  const robot = as(token);
  const refused: readonly object[] = [
    { role: 'admin' },
    { permissions: ['device:write'] },
    { permissions: ['device:read'], validForS: 3601 },
  ];
  for (const more of refused) {
    const call = robot.call('createToken', { body: { label: 'more', ...more } });
    await assert.rejects(call, codeIs('TOKEN_EXCEEDS_MAKER'), JSON.stringify(more));
  }
  const made = await robot.call('createToken', { body: { label: 'less', permissions: ['device:read'] } });
  assert.equal(Date.parse(made.expiresAt) - atMs, 3_600_000, 'it ends with its maker');
  // Nor does it let anybody in who would hold more, or whom it could then be.
  const admin = { body: { name: 'Friend', roles: ['admin' as const] } };
  await assert.rejects(robot.call('invitePerson', admin), codeIs('ROLE_EXCEEDS_GRANTER'));
  const me = (await server.operator.call('getMe', {})).person?.id ?? 0;
  const invite = robot.call('inviteAgain', { params: { id: me }, body: {} });
  await assert.rejects(invite, codeIs('ROLE_EXCEEDS_GRANTER'));
  await assert.rejects(robot.call('createOwnToken', { body: { label: 'own' } }), codeIs('PERSON_REQUIRED'));
});

test('a token is refused from the moment at which it ends, and one that never ends cannot be made', async () => {
  const { token, expiresAt } = await server.operator.call('createToken', {
    body: { label: 'short', role: 'viewer', validForS: 60 },
  });
  atMs = Date.parse(expiresAt) - 1;
  await as(token).call('listDevices', {});
  atMs += 1;
  await assert.rejects(as(token).call('listDevices', {}), codeIs('API_UNAUTHENTICATED'));
  for (const validForS of [0, -1, 59, 365 * 86_400 + 1, 1e12, 60.5]) {
    const call = server.operator.call('createToken', { body: { label: 'x', role: 'viewer', validForS } });
    await assert.rejects(call, codeIs('API_REQUEST_INVALID'), String(validForS));
  }
  const both = { label: 'x', role: 'viewer' as const, permissions: ['device:read' as const] };
  await assert.rejects(server.operator.call('createToken', { body: both }), codeIs('API_REQUEST_INVALID'));
  await assert.rejects(server.operator.call('createToken', { body: { label: 'x' } }), codeIs('API_REQUEST_INVALID'));
});

test('the list says when a token was last used, to the minute', async () => {
  const made = await server.operator.call('createToken', { body: { label: 'used', role: 'viewer' } });
  const lastUsed = async () => {
    const { items } = await server.operator.call('listTokens', {});
    return items.find(({ id }) => id === made.id)?.lastUsedAt;
  };
  assert.equal(await lastUsed(), null);
  await as(made.token).call('listDevices', {});
  const first = new Date(atMs).toISOString();
  assert.equal(await lastUsed(), first);
  atMs += 59_999;
  await as(made.token).call('listDevices', {});
  assert.equal(await lastUsed(), first);
  atMs += 1;
  await as(made.token).call('listDevices', {});
  assert.equal(await lastUsed(), new Date(atMs).toISOString());
});

test('a token of a product line touches that line only, and nothing that does not say its line', async () => {
  const scope = { permissions: ['release:write' as const, 'release:read' as const, 'device:read' as const] };
  const { token } = await server.operator.call('createToken', { body: { label: 'hub', ...scope, lines: ['hub'] } });
  const hub = as(token);
  const artifacts = [{ name: 'a.swu', sizeBytes: 10, sha256: 'ab'.repeat(32) }];
  const release = (line: string) => ({ body: { line, version: '1.0.0', kind: 'foreign' as const, artifacts } });
  const forbidden = codeIs('API_FORBIDDEN');
  await hub.call('createRelease', release('hub'));
  await assert.rejects(hub.call('createRelease', release('lamp')), forbidden);
  const lamp = await server.operator.call('createRelease', release('lamp'));
  await assert.rejects(hub.call('publishRelease', { params: { id: lamp.id }, body: {} }), forbidden);
  await assert.rejects(hub.call('publishRelease', { params: { id: 999_999 }, body: {} }), forbidden, 'an oracle');
  await assert.rejects(hub.call('putLine', { params: { line: 'lamp' }, body: { certificatesPem: [] } }), forbidden);
  assert.equal((await hub.call('listReleases', { query: { line: 'hub' } })).items.length, 1);
  await assert.rejects(hub.call('listReleases', { query: { line: 'lamp' } }), forbidden);
  await assert.rejects(hub.call('listReleases', {}), forbidden);
  await assert.rejects(hub.call('listDevices', {}), forbidden);
  await assert.rejects(hub.call('getTrust', {}), forbidden);
});

test('one person does not see or end the tokens of another', async () => {
  const [one, other] = [await newcomer('One', 'viewer'), await newcomer('Other', 'viewer')];
  const made = await one.client.call('createOwnToken', { body: { label: 'mine' } });
  const seen = await other.client.call('listOwnTokens', {});
  assert.ok(seen.items.every(({ personId }) => personId === other.id));
  const end = other.client.call('revokeOwnToken', { params: { tokenId: made.id } });
  await assert.rejects(end, codeIs('TOKEN_UNKNOWN'));
  await one.client.call('revokeOwnToken', { params: { tokenId: made.id } });
  await assert.rejects(as(made.token).call('getMe', {}), codeIs('API_UNAUTHENTICATED'));
});

test('every change about a person is a statement of the ledger, which names nobody', async () => {
  const { items } = await server.operator.call('listEntries', { query: { limit: 500 } });
  const acts = items.filter(({ predicateType }) => predicateType === 'urn:pawl:person:1').map(predicateOf);
  for (const act of ['created', 'roles-set', 'disabled', 'enabled']) {
    assert.ok(
      acts.some((predicate) => predicate['act'] === act),
      act,
    );
  }
  for (const predicate of acts) {
    assert.deepEqual(Object.keys(predicate).sort(), ['act', 'at', 'by', 'personId', 'roles', 'state']);
  }
  assert.match(String(acts[0]?.['by']), /^claim$/);
  assert.ok(acts.slice(1).every((predicate) => /^person\/\d+$/.test(String(predicate['by']))));
});

test('people are listed in pages, in the order in which they came', async () => {
  const all = await server.operator.call('listPeople', {});
  const first = await server.operator.call('listPeople', { query: { limit: 2 } });
  const rest = await server.operator.call('listPeople', { query: { cursor: first.next ?? '' } });
  assert.deepEqual([...first.items, ...rest.items], all.items);
  await assert.rejects(
    server.operator.call('setRoles', { ifMatch: '*', params: { id: 999_999 }, body: { roles: [] } }),
    codeIs('PERSON_UNKNOWN'),
  );
});
