/** Too many failures from one source, and who is let in beside them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { Page } from './browser-page.ts';
import { exchange } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

const PROXY = 'a-secret-of-the-proxy-that-is-long-enough';
let server: TestServer;
let atMs = Date.parse('2026-03-01T12:00:00.000Z');

before(async () => {
  server = await startTestServer({
    now: () => new Date(atMs),
    trustedProxy: { secret: PROXY, certificateHeader: 'x-client-cert' },
    rateLimits: { failures: { burst: 5, perS: 0.5 }, requests: { burst: 20, perS: 10 } },
  });
});
after(() => server.close());

const from = (address: string) => ({ 'x-forwarded-for': `6.6.6.6, ${address}`, 'x-pawl-proxy-secret': PROXY });
const get = (headers: Readonly<Record<string, string>>, path = '/me') =>
  exchange(`${server.url}/api/v1${path}`, { headers });

test('after too many wrong credentials a source hears 429 and when to come again; valid ones still pass', async () => {
  const wrong = { ...from('192.0.2.1'), authorization: 'Bearer guess' };
  for (let count = 0; count < 5; count += 1) assert.equal((await get(wrong)).status, 401);
  const refused = await get(wrong);
  assert.deepEqual([refused.status, refused.json()['code']], [429, 'API_TOO_MANY_REQUESTS']);
  assert.equal(refused.headers['retry-after'], '2');
  const right = { ...from('192.0.2.1'), authorization: `Bearer ${server.token}` };
  assert.equal((await get(right)).status, 200);
  assert.equal((await get({ ...wrong, ...from('192.0.2.2') })).status, 401, 'another source');
  // Only the proxy that proves itself says where from; whoever else does is the connection's own address.
  const forged = { ...wrong, 'x-forwarded-for': '198.51.100.1', 'x-pawl-proxy-secret': 'guess' };
  for (let count = 0; count < 5; count += 1) assert.equal((await get(forged)).status, 401);
  assert.equal((await get({ ...forged, 'x-forwarded-for': '198.51.100.2' })).status, 429);
  atMs += 2000;
  assert.equal((await get(wrong)).status, 401);
});

test('claims and sign-ins that fail are counted, and then not even looked at; those that are right are not counted', async () => {
  const page = new Page(server);
  const headers = from('2001:db8::1');
  const guess = () => page.post('/join/look', { claim: 'guess' }, headers);
  for (let count = 0; count < 5; count += 1) assert.equal((await guess()).status, 403);
  const next = { ...headers, ...from('2001:db8::2') };
  assert.equal((await page.post('/join/look', { claim: 'guess' }, next)).status, 429, 'the same /64');
  const { claim } = await server.operator.call('invitePerson', { body: { name: 'Ada', roles: [] } });
  assert.equal((await page.post('/join/look', { claim }, headers)).status, 429);
  for (let count = 0; count < 15; count += 1) {
    assert.equal((await page.post('/join/look', { claim }, from('192.0.2.9'))).status, 200);
  }
});

test('one token that asks too often waits, and no other', async () => {
  const made = await server.operator.call('createToken', { body: { label: 'busy', role: 'viewer' } });
  const ask = () => get({ authorization: `Bearer ${made.token}` });
  for (let count = 0; count < 20; count += 1) assert.equal((await ask()).status, 200);
  const refused = await ask();
  assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '1']);
  await new ManagementClient({ url: server.url, token: server.token }).call('getMe', {});
  atMs += 1000;
  assert.equal((await ask()).status, 200);
});
