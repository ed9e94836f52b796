/**
 * Sign-in by OpenID against a real provider (oidc-provider, with its own login and consent pages), and against one that
 * lies about everything it can lie about.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { Provider } from 'oidc-provider';
import { verifyConfig } from '../src/config.ts';
import { mappedRoles } from '../src/http/pages/oidc.ts';
import { Page } from './browser-page.ts';
import { exchange, type RawAnswer } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

const CLIENT = { client_id: 'pawl', client_secret: 'a-secret-that-is-long-enough-for-hmac' };
const PUBLIC = 'http://localhost:4711';
const CALLBACK = `${PUBLIC}/sign-in/oidc/callback`;
const oidcOf = (issuer: string) => ({
  issuer,
  clientId: CLIENT.client_id,
  clientSecret: CLIENT.client_secret,
  name: 'Test ID',
  rolesClaim: 'groups',
  roles: { ops: 'operator', all: 'admin' },
});

async function listening(handlerFor: (issuer: string) => RequestListener): Promise<{ server: Server; issuer: string }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  server.on('request', handlerFor(issuer));
  return { server, issuer };
}

/** Cookies by name, as a browser keeps them for one host. */
class Jar {
  readonly #cookies = new Map<string, string>();
  take({ headers }: RawAnswer): void {
    for (const text of headers['set-cookie'] ?? []) {
      const [pair = ''] = text.split(';');
      const at = pair.indexOf('=');
      if (/expires=Thu, 01 Jan 1970|Max-Age=0/i.test(text)) this.#cookies.delete(pair.slice(0, at));
      else this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
  }
  get header(): { cookie: string } {
    return { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') };
  }
}

let honest: { server: Server; issuer: string };
let server: TestServer;

function honestProvider(issuer: string): RequestListener {
  const findAccount = (_: unknown, id: string) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `Name of ${id}`, email: 'same@example.com', groups: id === 'ada' ? ['ops'] : [] }),
  });
  const provider = new Provider(issuer, {
    clients: [{ ...CLIENT, redirect_uris: [CALLBACK] }],
    claims: { openid: ['sub', 'groups'], profile: ['name'], email: ['email'] },
    conformIdTokenClaims: false,
    findAccount,
    features: { devInteractions: { enabled: true } },
    pkce: { required: () => true },
    cookies: { keys: ['only for this test'] },
  });
  return provider.callback();
}

before(async () => {
  honest = await listening(honestProvider);
  server = await startTestServer({ publicUrl: PUBLIC, oidc: oidcOf(honest.issuer) });
});
after(async () => {
  await server.close();
  honest.server.closeAllConnections();
  honest.server.close();
});

/** Begins at the server: the browser's cookies there, and where the provider is asked. */
async function begin(at = server): Promise<{ jar: Jar; url: URL }> {
  const answer = await exchange(`${at.url}/sign-in/oidc`);
  assert.equal(answer.status, 303);
  const jar = new Jar();
  jar.take(answer);
  return { jar, url: new URL(String(answer.headers.location)) };
}

/** Logs in at the provider's own pages and consents; returns where it sends the browser in the end. */
async function logIn(url: URL, login: string): Promise<URL> {
  const jar = new Jar();
  let next = url.href;
  for (let step = 0; step < 12; step += 1) {
    if (next.startsWith(CALLBACK)) return new URL(next);
    let answer = await exchange(next, { headers: jar.header });
    jar.take(answer);
    if (answer.headers.location === undefined) {
      const isLogin = answer.text.includes('name="login"');
      const body = isLogin ? `prompt=login&login=${login}&password=x` : 'prompt=consent';
      const headers = { ...jar.header, 'content-type': 'application/x-www-form-urlencoded' };
      const action = /<form[^>]+action="([^"]+)"/.exec(answer.text)?.[1] ?? next;
      answer = await exchange(new URL(action, next).href, { method: 'POST', body, headers });
      jar.take(answer);
    }
    next = new URL(String(answer.headers.location), next).href;
  }
  throw new Error('the provider never came back');
}

async function finish(back: URL, jar: Jar, at = server): Promise<RawAnswer> {
  const answer = await exchange(`${at.url}${back.pathname}${back.search}`, { headers: jar.header });
  assert.equal(answer.status, 303);
  return answer;
}

const REFUSED = 'OIDC_REFUSED';
const isRefused = (answer: RawAnswer): boolean =>
  answer.headers.location === `/#refused=${REFUSED}` && !String(answer.headers['set-cookie']).includes('pawl-session');

async function whoIs(answer: RawAnswer): Promise<{ id: string; name: string; roles: string[] }> {
  const jar = new Jar();
  jar.take(answer);
  const page = new Page(server, PUBLIC);
  page.cookie = jar.header.cookie;
  const me = (await page.send('/me')).json<{ id: string; person: { name: string; roles: string[] } }>();
  return { id: me.id, name: me.person.name, roles: me.person.roles };
}

test('the first sign-in makes a person with the roles of the claim, the next one finds it; an address makes nobody one', async () => {
  const first = await begin();
  const asked = Object.fromEntries(first.url.searchParams);
  assert.equal(asked['code_challenge_method'], 'S256');
  assert.ok(asked['state'] && asked['nonce'] && asked['code_challenge'] && asked['response_type'] === 'code');
  const ada = await whoIs(await finish(await logIn(first.url, 'ada'), first.jar));
  assert.deepEqual([ada.name, ada.roles], ['Name of ada', ['operator']]);
  const again = await begin();
  assert.equal((await whoIs(await finish(await logIn(again.url, 'ada'), again.jar))).id, ada.id);
  const other = await begin();
  const bob = await whoIs(await finish(await logIn(other.url, 'bob'), other.jar));
  assert.notEqual(bob.id, ada.id, 'the same address');
  assert.deepEqual(bob.roles, []);
  const { items } = await server.operator.call('listAudit', { query: { operation: 'signInOidc' } });
  assert.equal(items.length, 3);
});

test('a code works once, in the browser that began, with the state that it began with', async () => {
  const { jar, url } = await begin();
  const back = await logIn(url, 'carol');
  const stranger = await begin();
  assert.ok(isRefused(await finish(back, new Jar())), 'a browser without the cookie');
  assert.ok(isRefused(await finish(back, stranger.jar)), 'another browser');
  const altered = new URL(back);
  altered.searchParams.set('state', `${back.searchParams.get('state')}A`);
  assert.ok(isRefused(await finish(altered, jar)), 'altered state');
  const swapped = new URL(back);
  swapped.searchParams.set('state', String(stranger.url.searchParams.get('state')));
  assert.ok(isRefused(await finish(swapped, stranger.jar)), "somebody else's code under the victim's state");
});

test('a code that was used is refused', async () => {
  const { jar, url } = await begin();
  const back = await logIn(url, 'dave');
  assert.ok(!isRefused(await finish(back, jar)));
  assert.ok(isRefused(await finish(back, jar)));
});

test('whoever is shut out is not let in by the provider', async () => {
  const { jar, url } = await begin();
  const eve = await whoIs(await finish(await logIn(url, 'eve'), jar));
  await server.operator.call('disablePerson', { params: { id: Number(eve.id.split('/')[1]) }, body: {} });
  const again = await begin();
  assert.ok(isRefused(await finish(await logIn(again.url, 'eve'), again.jar)));
});

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const strangerKeys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

type Lie = { claims?: object; key?: typeof keys.privateKey; alg?: string; iss?: string };
let lie: Lie = {};
let nonce = '';

/** A provider with the shape of a real one, that says in its ID token what it is told to. */
function liar(issuer: string): RequestListener {
  const idToken = (): string => {
    const nowS = Math.floor(Date.now() / 1000);
    const right = { iss: issuer, sub: 'mallory', aud: 'pawl', nonce, iat: nowS, exp: nowS + 60 };
    const signed = `${part({ alg: lie.alg ?? 'RS256', kid: '1' })}.${part({ ...right, ...lie.claims })}`;
    if (lie.alg === 'none') return `${signed}.`;
    return `${signed}.${sign('sha256', Buffer.from(signed), lie.key ?? keys.privateKey).toString('base64url')}`;
  };
  return (request, response) => {
    const documents: Readonly<Record<string, () => object>> = {
      '/.well-known/openid-configuration': () => ({
        issuer: lie.iss ?? issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      }),
      '/jwks': () => ({ keys: [{ ...keys.publicKey.export({ format: 'jwk' }), kid: '1', alg: 'RS256', use: 'sig' }] }),
      '/token': () => ({ access_token: 'x', token_type: 'Bearer', expires_in: 60, id_token: idToken() }),
    };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(documents[request.url ?? '']?.() ?? {}));
  };
}

test('an ID token of another issuer, for somebody else, of another sign-in, too old or wrongly signed lets nobody in', async (context) => {
  const { server: provider, issuer } = await listening(liar);
  context.after(() => {
    provider.closeAllConnections();
    provider.close();
  });
  const lied = await startTestServer({ publicUrl: PUBLIC, oidc: oidcOf(issuer) });
  context.after(() => lied.close());
  const attempt = async (told: Lie): Promise<boolean> => {
    lie = told;
    const { jar, url } = await begin(lied);
    nonce = String(url.searchParams.get('nonce'));
    if (told.claims !== undefined && 'nonce' in told.claims) nonce = 'of another sign-in';
    const back = new URL(`${CALLBACK}?code=x&state=${url.searchParams.get('state')}`);
    return isRefused(await finish(back, jar, lied));
  };
  const nowS = Math.floor(Date.now() / 1000);
  const lies: readonly (readonly [string, Lie])[] = [
    ['another issuer', { claims: { iss: 'https://id.example' } }],
    ['another audience', { claims: { aud: 'other-client' } }],
    ['several audiences, not for us', { claims: { aud: ['pawl', 'other'], azp: 'other' } }],
    ['another nonce', { claims: { nonce: 'of another sign-in' } }],
    ['expired', { claims: { iat: nowS - 7200, exp: nowS - 3600 } }],
    ['no subject', { claims: { sub: '' } }],
    ['a subject without end', { claims: { sub: 'x'.repeat(256) } }],
    ['another key', { key: strangerKeys.privateKey }],
    ['no signature', { alg: 'none' }],
  ];
  for (const [name, told] of lies) assert.ok(await attempt(told), name);
  assert.ok(!(await attempt({})), 'the same without a lie is let in');
  lie = { iss: 'https://id.example' };
  const renamed = await startTestServer({ publicUrl: PUBLIC, oidc: oidcOf(issuer) });
  const answer = await exchange(`${renamed.url}/sign-in/oidc`);
  assert.equal(answer.headers.location, `/#refused=${REFUSED}`, 'a provider that says it is another');
  await renamed.close();
});

test('a claim gives only the roles that the operator mapped', () => {
  const map = { rolesClaim: 'groups', roles: { ops: 'operator', odd: 'emperor' } };
  const table: readonly (readonly [unknown, string[]])[] = [
    [['ops', 'ops', 'admin'], ['operator']],
    ['ops', ['operator']],
    [['odd', 'constructor', '__proto__', 7, null], []],
    [undefined, []],
    [{ ops: true }, []],
  ];
  for (const [groups, roles] of table) assert.deepEqual(mappedRoles(map, { groups }), roles);
  assert.deepEqual(mappedRoles({ roles: { ops: 'operator' } }, { groups: ['ops'] }), []);
});

test('a provider by plain http elsewhere, or a role that nobody knows, is no configuration', () => {
  const common = { dataDir: 'x', host: '127.0.0.1', port: 0, pollIntervalS: 1, now: () => new Date() };
  const verify = (more: object) => () =>
    verifyConfig({ ...common, oidc: { ...oidcOf('http://127.0.0.1:1'), ...more } });
  assert.doesNotThrow(verify({}));
  assert.throws(verify({ issuer: 'http://id.example' }), { code: 'SERVER_CONFIG_INVALID' });
  assert.throws(verify({ issuer: 'id.example' }), { code: 'SERVER_CONFIG_INVALID' });
  assert.throws(verify({ roles: { ops: 'emperor' } }), { code: 'SERVER_CONFIG_INVALID' });
});
