/**
 * Passkeys and sessions over a listening server, with an authenticator in software that can also lie: coming in, signing
 * in, everything that is refused, and how a session ends.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import type { CreationOptions } from '@pawl/contract/management';
import { Page } from './browser-page.ts';
import type { RawAnswer } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';
import { SoftAuthenticator, type Twist } from './soft-authenticator.ts';

const HOUR_MS = 3_600_000;
let atMs = Date.parse('2026-03-01T12:00:00.000Z');
let server: TestServer;

before(async () => {
  server = await startTestServer({ now: () => new Date(atMs) });
});
after(() => server.close());

const codeOf = (answer: RawAnswer): unknown[] => [answer.status, answer.json()['code']];
const claimFor = async (name: string, ...roles: ('admin' | 'viewer' | 'operator')[]) =>
  (await server.operator.call('invitePerson', { body: { name, roles } })).claim;

async function newcomer(name: string, ...roles: ('admin' | 'viewer' | 'operator')[]) {
  const page = new Page(server);
  const authenticator = await page.join(await claimFor(name, ...roles));
  const me = (await page.send('/me')).json<{ person: { id: number } }>();
  return { page, authenticator, id: me.person.id };
}

test('an invitation is used up by a passkey, which begins a session; then the passkey signs in', async () => {
  const claim = await claimFor('Ada', 'viewer');
  const page = new Page(server);
  const authenticator = await page.join(claim);
  assert.equal((await page.send('/me')).json()['label'], 'Ada');
  assert.deepEqual(codeOf(await page.post('/join/begin', { claim })), [403, 'CLAIM_INVALID']);
  const elsewhere = new Page(server);
  assert.equal((await elsewhere.signIn(authenticator)).status, 200);
  assert.equal((await elsewhere.send('/devices')).status, 200);
  assert.equal((await elsewhere.post('/claims', {})).status, 403);
});

test('the claim of a first run is not used up by asking, nor by a passkey that is refused', async () => {
  const claim = await claimFor('Patient');
  const page = new Page(server);
  const options = (await page.post('/join/begin', { claim })).json<CreationOptions>();
  assert.deepEqual([options.rp.id, options.authenticatorSelection.userVerification], ['localhost', 'required']);
  const wrong = new SoftAuthenticator('http://localhost:1').create(options);
  const refused = await page.post('/join', { claim, label: 'x', credential: wrong });
  assert.deepEqual(codeOf(refused), [403, 'PASSKEY_REFUSED']);
  assert.equal(refused.headers['set-cookie'], undefined);
  await page.join(claim);
});

test('a credential that was made elsewhere, for something else or without its person is not registered', async () => {
  const [claim, other] = [await claimFor('Mallory'), await claimFor('Other')];
  const page = new Page(server);
  const stale = (await page.post('/join/begin', { claim: other })).json<CreationOptions>();
  const twists: readonly (readonly [string, Twist])[] = [
    ['another origin', { origin: 'https://localhost.evil.example' }],
    ['another port', { origin: 'http://localhost:1' }],
    ['another site', { rpId: 'evil.example' }],
    ['no verification', { isUserVerified: false }],
    ['another ceremony', { type: 'webauthn.get' }],
    ['a frame of another site', { crossOrigin: true }],
    ['a challenge of its own', { challenge: 'A'.repeat(75) }],
    ['the challenge of another claim', { challenge: stale.challenge }],
  ];
  for (const [name, twist] of twists) {
    const options = (await page.post('/join/begin', { claim })).json<CreationOptions>();
    const credential = new SoftAuthenticator(page.origin).create(options, twist);
    assert.deepEqual(
      codeOf(await page.post('/join', { claim, label: 'x', credential })),
      [403, 'PASSKEY_REFUSED'],
      name,
    );
  }
  const taken = await page.join(claim);
  const options = (await page.post('/join/begin', { claim: other })).json<CreationOptions>();
  const again = await page.post('/join', { claim: other, label: 'x', credential: taken.create(options) });
  assert.deepEqual(codeOf(again), [403, 'PASSKEY_REFUSED'], 'a credential that somebody has');
});

test('an assertion that was made elsewhere, for something else, by another key or again signs nobody in', async () => {
  const { authenticator, page: known } = await newcomer('Target', 'viewer');
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const join = (await known.post('/me/new-passkey')).json<CreationOptions>();
  const twists: readonly (readonly [string, Twist])[] = [
    ['another origin', { origin: 'http://127.0.0.1' }],
    ['another site', { rpId: 'evil.example' }],
    ['no verification', { isUserVerified: false }],
    ['another ceremony', { type: 'webauthn.create' }],
    ['a frame of another site', { crossOrigin: true }],
    ['another key', { signWith: stranger }],
    ['the account of somebody else', { userHandle: 'AAAA' }],
    ['a challenge of its own', { challenge: 'A'.repeat(75) }],
    ['a challenge for another purpose', { challenge: join.challenge }],
    ['a counter that went back', { counter: 1 }],
    ['no challenge', { challenge: '' }],
  ];
  const page = new Page(server);
  assert.equal((await page.signIn(authenticator)).status, 200);
  for (const [name, twist] of twists) {
    const options = (await page.post('/sign-in/begin')).json<{ challenge: string }>();
    const answer = await new Page(server).post('/sign-in', { assertion: authenticator.get(options, twist) });
    assert.deepEqual(codeOf(answer), [403, 'PASSKEY_REFUSED'], name);
    assert.equal(answer.headers['set-cookie'], undefined, name);
  }
  const options = (await page.post('/sign-in/begin')).json<{ challenge: string }>();
  const assertion = authenticator.get(options, { counter: 1000 });
  const flipped = structuredClone(assertion) as { response: { signature: string } };
  const signature = Buffer.from(flipped.response.signature, 'base64url');
  signature[signature.length - 1] = (signature.at(-1) ?? 0) ^ 1;
  flipped.response.signature = signature.toString('base64url');
  assert.deepEqual(codeOf(await new Page(server).post('/sign-in', { assertion: flipped })), [403, 'PASSKEY_REFUSED']);
  assert.equal((await new Page(server).post('/sign-in', { assertion })).status, 200);
  const replay = { assertion: authenticator.get(options, { counter: 1001 }) };
  assert.deepEqual(codeOf(await new Page(server).post('/sign-in', replay)), [403, 'PASSKEY_REFUSED'], 'a replay');
  const late = (await page.post('/sign-in/begin')).json<{ challenge: string }>();
  atMs += 300_000;
  const tooLate = await new Page(server).post('/sign-in', { assertion: authenticator.get(late) });
  assert.deepEqual(codeOf(tooLate), [403, 'PASSKEY_REFUSED'], 'too late');
});

test('signing in makes a new session and ends the one before, whoever may have prepared it', async () => {
  const { page, authenticator } = await newcomer('Rotated');
  const before = page.cookie;
  await page.signIn(authenticator);
  assert.notEqual(page.cookie, before);
  const old = new Page(server);
  old.cookie = before;
  assert.equal((await old.send('/me')).status, 401);
  assert.equal((await page.send('/me')).status, 200);
});

test('the cookie is HttpOnly and SameSite=Strict, and stands nowhere in the database', async () => {
  const { page, authenticator } = await newcomer('Cookie');
  const answer = await page.signIn(authenticator);
  const [cookie = ''] = answer.headers['set-cookie'] ?? [];
  assert.match(cookie, /^pawl-session=[A-Za-z0-9_-]{43}; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict$/);
  const secret = page.cookie.split('=')[1] ?? '';
  const files = ['pawl.db', 'pawl.db-wal'].map((name) => readFile(`${server.folder}/data/${name}`));
  assert.ok(!Buffer.concat(await Promise.all(files)).includes(secret));
  assert.ok(!answer.text.includes(secret));
});

test('a session ends after half a day without use, and after a week in any case', async () => {
  const { page } = await newcomer('Idle');
  atMs += 12 * HOUR_MS - 1;
  assert.equal((await page.send('/me')).status, 200);
  atMs += 12 * HOUR_MS;
  assert.equal((await page.send('/me')).status, 401);
  const { page: busy } = await newcomer('Busy');
  for (let hour = 0; hour < 7 * 24 - 6; hour += 6) {
    assert.equal((await busy.send('/me')).status, 200, String(hour));
    atMs += 6 * HOUR_MS;
  }
  assert.equal((await busy.send('/me')).status, 200);
  atMs += 6 * HOUR_MS;
  assert.equal((await busy.send('/me')).status, 401);
});

test('sessions are listed, ended by their person only, and by signing out', async () => {
  const { page, authenticator } = await newcomer('Two Places');
  atMs += 1;
  const second = new Page(server);
  await second.signIn(authenticator);
  const { items } = (await second.send('/me/sessions')).json<{ items: { id: string; isCurrent: boolean }[] }>();
  assert.deepEqual(
    items.map(({ isCurrent }) => isCurrent),
    [true, false],
  );
  const other = items.find(({ isCurrent }) => !isCurrent);
  const path = `/me/sessions/${other?.id}`;
  const stranger = (await newcomer('Stranger')).page;
  assert.deepEqual(codeOf(await stranger.send(path, { method: 'DELETE' })), [404, 'SESSION_UNKNOWN']);
  assert.equal((await second.send(path, { method: 'DELETE' })).status, 200);
  assert.equal((await page.send('/me')).status, 401);
  const { cookie } = second;
  assert.equal((await second.post('/sign-out')).status, 200);
  assert.equal(second.cookie, '');
  second.cookie = cookie;
  assert.equal((await second.send('/me')).status, 401);
});

test('whoever is shut out loses every session at once, and the passkey opens nothing', async () => {
  const { page, authenticator, id } = await newcomer('Gone', 'operator');
  await server.operator.call('disablePerson', { params: { id }, body: {} });
  assert.equal((await page.send('/me')).status, 401);
  assert.deepEqual(codeOf(await page.signIn(authenticator)), [403, 'PASSKEY_REFUSED']);
});

test('what changes something by a cookie comes from a page of this server, or is refused', async () => {
  const { page } = await newcomer('Careful', 'operator');
  const body = { controllerId: 'c', model: 'm', line: 'hub' };
  const foreign: readonly Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: page.origin, 'sec-fetch-site': 'cross-site' },
    { origin: page.origin.replace('localhost', '127.0.0.1') },
    { 'x-pawl-page': '' },
    { 'x-pawl-page': '0' },
  ];
  for (const headers of foreign) {
    const answer = await page.post('/claims', body, headers);
    assert.deepEqual(codeOf(answer), [403, 'API_FOREIGN_PAGE'], JSON.stringify(headers));
  }
  assert.equal((await page.post('/claims', body)).status, 200);
  // Who has no cookie to lose is not asked: a token, a command line.
  const bare = { cookie: '', authorization: `Bearer ${server.token}`, origin: 'https://evil.example' };
  assert.equal((await page.post('/claims', { ...body, controllerId: 'd' }, bare)).status, 200);
  // To be signed in as somebody else by another site is an attack as well.
  const signIn = await page.post('/sign-in/begin', {}, { origin: 'https://evil.example' });
  assert.deepEqual(codeOf(signIn), [403, 'API_FOREIGN_PAGE']);
});

test('a cookie that is there twice, is cut or is of another shape is none', async () => {
  const { page } = await newcomer('Shape');
  const [name, secret = ''] = page.cookie.split('=');
  for (const cookie of [
    `${page.cookie}; ${page.cookie}`,
    `${name}=${secret.slice(1)}`,
    `${name}=${secret}A`,
    `x${page.cookie}`,
    `${name}="${secret}"`,
    `__Host-${page.cookie}`,
  ]) {
    const other = new Page(server);
    other.cookie = cookie;
    assert.equal((await other.send('/me')).status, 401, cookie.replaceAll(secret, '…'));
  }
});

test('passkeys are added and removed by who is signed in, never by a token', async () => {
  const { page, authenticator } = await newcomer('Careful Two', 'viewer');
  const options = (await page.post('/me/new-passkey')).json<CreationOptions>();
  assert.deepEqual(
    options.excludeCredentials.map(({ id }) => id),
    [authenticator.credentialId.toString('base64url')],
  );
  const second = new SoftAuthenticator(page.origin);
  const added = await page.post('/me/passkeys', { label: 'second', credential: second.create(options) });
  assert.equal(added.status, 200, added.text);
  const { items } = (await page.send('/me/passkeys')).json<{ items: { id: string; label: string }[] }>();
  assert.deepEqual(items.map(({ label }) => label).sort(), ['second', 'soft']);
  const first = items.find(({ label }) => label === 'soft')?.id;
  assert.equal((await page.send(`/me/passkeys/${first}`, { method: 'DELETE' })).status, 200);
  const again = await page.send(`/me/passkeys/${first}`, { method: 'DELETE' });
  assert.deepEqual(codeOf(again), [404, 'PASSKEY_UNKNOWN']);
  assert.deepEqual(codeOf(await new Page(server).signIn(authenticator)), [403, 'PASSKEY_REFUSED']);
  assert.equal((await new Page(server).signIn(second)).status, 200);
  const made = (await page.post('/me/tokens', { label: 'ci' })).json<{ token: string }>();
  const robot = new ManagementClient({ url: server.url, token: made.token });
  await assert.rejects(robot.call('beginPasskey', { body: {} }), { code: 'SESSION_REQUIRED' });
  const publicKeyPem = 'x';
  const key = robot.call('registerApprovalKey', { body: { label: 'k', publicKeyPem } });
  await assert.rejects(key, { code: 'SESSION_REQUIRED' });
});

test('the last way in of the last admin is not removed', async () => {
  const alone = await startTestServer();
  const page = new Page(alone);
  const me = (await alone.operator.call('getMe', {})).person;
  const { claim } = await alone.operator.call('inviteAgain', { params: { id: me?.id ?? 0 }, body: {} });
  await page.join(claim);
  const { items } = (await page.send('/me/passkeys')).json<{ items: { id: string }[] }>();
  const remove = () => page.send(`/me/passkeys/${items[0]?.id}`, { method: 'DELETE' });
  const [token] = (await alone.operator.call('listOwnTokens', {})).items;
  assert.equal((await page.send(`/me/tokens/${token?.id}`, { method: 'DELETE' })).status, 200);
  assert.deepEqual(codeOf(await remove()), [409, 'PERSON_LAST_ADMIN']);
  assert.equal((await page.post('/me/tokens', { label: 'way in' })).status, 200);
  assert.equal((await remove()).status, 200);
  await alone.close();
});

test('behind a name the cookie is __Host- and Secure; without one there are no passkeys', async () => {
  const named = await startTestServer({ publicUrl: 'https://updates.example' });
  const page = new Page(named, 'https://updates.example');
  const me = (await named.operator.call('getMe', {})).person;
  const { claim } = await named.operator.call('inviteAgain', { params: { id: me?.id ?? 0 }, body: {} });
  const authenticator = await page.join(claim);
  const [cookie = ''] = (await page.signIn(authenticator)).headers['set-cookie'] ?? [];
  assert.match(cookie, /^__Host-pawl-session=[^;]+; Path=\/; Max-Age=604800; HttpOnly; SameSite=Strict; Secure$/);
  await named.close();
  const unnamed = await startTestServer({ publicUrl: 'https://192.0.2.1' });
  const answer = await new Page(unnamed).post('/sign-in/begin', {}, { origin: '' });
  assert.deepEqual(codeOf(answer), [403, 'API_FOREIGN_PAGE']);
  const bare = new ManagementClient({ url: unnamed.url });
  await assert.rejects(bare.call('beginSignIn', { body: {} }), { code: 'SITE_UNNAMED' });
  await unnamed.close();
});
