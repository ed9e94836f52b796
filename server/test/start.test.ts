/** Starting and ending a server: what is refused with a code, and that nothing is left behind or cut off. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { type ServerConfig, startServer } from '../src/main.ts';
import { sha256Hex } from './line-repository.ts';
import { exchange } from './raw-http.ts';
import { startTestServer } from './running-server.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-start-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const configOf = (change: Partial<ServerConfig> = {}): ServerConfig => ({
  dataDir: join(folder, 'data'),
  host: '127.0.0.1',
  port: 0,
  pollIntervalS: 300,
  now: () => new Date(),
  logLevel: 'silent',
  ...change,
});
const codeIs = (code: string) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  return true;
};

test('does not listen beyond this machine without TLS', async () => {
  await assert.rejects(startServer(configOf({ host: '0.0.0.0' })), codeIs('SERVER_TLS_REQUIRED'));
});

test('a port in use is told, and the data folder is free again', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const address = other.address();
  assert.ok(typeof address === 'object' && address !== null);
  await assert.rejects(startServer(configOf({ port: address.port })), codeIs('SERVER_PORT_IN_USE'));
  other.close();
  await (await startServer(configOf())).close();
});

test('an address that this machine does not have is told', async () => {
  const tls = { cert: '', key: '' };
  await assert.rejects(startServer(configOf({ host: '192.0.2.1', tls })), codeIs('SERVER_CONFIG_INVALID'));
});

test('a second server on one data folder is refused, and the first goes on', async () => {
  const first = await startServer(configOf());
  await assert.rejects(startServer(configOf()), codeIs('STORE_LOCKED'));
  assert.equal((await exchange(`${first.url}/api/v1/health`)).status, 200);
  await first.close();
});

test('a data folder that cannot be one is refused', async () => {
  await writeFile(join(folder, 'file'), '');
  await assert.rejects(startServer(configOf({ dataDir: join(folder, 'file') })), codeIs('STORE_NOT_WRITABLE'));
  await assert.rejects(startServer(configOf({ dataDir: '/proc/pawl' })), codeIs('STORE_NOT_WRITABLE'));
});

test('the name localhost listens on loopback', async () => {
  const running = await startServer(configOf({ host: 'localhost' }));
  assert.match(running.url, /^http:\/\/127\.0\.0\.1:/);
  await running.close();
});

test('the claim is new at each start until it is used, and there is none while there is an admin', async () => {
  const first = await startServer(configOf());
  await first.close();
  const second = await startServer(configOf());
  assert.notEqual(second.claim, first.claim);
  const anyone = new ManagementClient({ url: second.url });
  const login = (claim = '') => anyone.call('login', { body: { claim, label: 'me' } });
  await assert.rejects(login(first.claim), codeIs('CLAIM_INVALID'));
  const { token } = await login(second.claim);
  await second.close();
  const third = await startServer(configOf());
  assert.equal(third.claim, undefined);
  assert.equal(third.ledgerOrigin, first.ledgerOrigin);
  // A viewer cannot let anybody in: without an admin the next start prints a claim again.
  const admin = new ManagementClient({ url: third.url, token });
  await admin.call('createToken', { body: { label: 'looks', role: 'viewer' } });
  const { items } = await admin.call('listTokens', {});
  await admin.call('revokeToken', { params: { tokenId: items[0]?.id ?? '' } });
  await third.close();
  const fourth = await startServer(configOf());
  assert.ok(fourth.claim);
  await fourth.close();
});

test('a request under way is answered before the server ends; connections without one are not waited for', async () => {
  const server = await startTestServer();
  const agent = new http.Agent({ keepAlive: true });
  await exchange(`${server.url}/api/v1/health`, { agent });
  const bytes = Buffer.alloc(2000, 'image');
  const artifacts = [{ name: 'a.swu', sizeBytes: bytes.length, sha256: sha256Hex(bytes) }];
  const { id } = await server.operator.call('createRelease', {
    body: { line: 'hub', version: '1.0.0', kind: 'foreign', artifacts },
  });
  const upload = http.request(`${server.url}/api/v1/releases/${id}/artifacts/a.swu`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${server.token}`,
      'content-type': 'application/octet-stream',
      'content-length': bytes.length,
    },
  });
  const answered = once(upload, 'response') as Promise<[http.IncomingMessage]>;
  upload.write(bytes.subarray(0, 1000));
  // The server has begun with the upload when another request has gone round after it.
  await server.operator.call('health', {});
  const closing = server.running.close();
  upload.end(bytes.subarray(1000));
  const [answer] = await answered;
  assert.equal(answer.statusCode, 200);
  answer.resume();
  await closing;
  await assert.rejects(exchange(`${server.url}/api/v1/health`, { agent: new http.Agent() }), { code: 'ECONNREFUSED' });
  agent.destroy();
  const again = await startTestServer({}, server);
  const { items } = await again.operator.call('listReleases', {});
  assert.equal(items[0]?.artifacts[0]?.isUploaded, true);
  await again.close();
});
