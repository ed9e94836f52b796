/**
 * A whole story of requests against a server in a process of its own that logs all it can, first in good order, then over a
 * database that fails: no secret that was in use stands in the output, the database, or a backup of it.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { backupFolder } from '../src/backup.ts';
import type { ServerConfig } from '../src/main.ts';
import { startServer } from '../src/main.ts';
import { Page } from './browser-page.ts';
import { sha256Hex } from './line-repository.ts';
import { exchange } from './raw-http.ts';
import { startReceiver } from './webhook-receiver.ts';

const SCRIPT = `
  import { startServer } from ${JSON.stringify(join(import.meta.dirname, '../src/main.ts'))};
  const config = JSON.parse(process.env.CONFIG);
  const { url, claim, close } = await startServer({ ...config, now: () => new Date() }).catch((error) => {
    console.error(error);
    process.exit(1);
  });
  console.log(JSON.stringify({ url, claim }));
  process.on('SIGTERM', () => void close());
`;

const PUBLIC = 'http://localhost:4711';
type Tried = <T>(act: Promise<T>) => Promise<T | undefined>;

const HEARTH = readFileSync(new URL('../../examples/products/hearth.yaml', import.meta.url), 'utf8');
const BOOT = {
  id: 'boot',
  topic: 'secure-boot-chain',
  text: 'Is it checked?',
  kind: 'yes-no',
  attachment: false,
} as const;
const TEMPLATE = { template: 'parts', edition: '1', title: 'Parts', questions: [BOOT] };

const newSecret = (): string => randomBytes(32).toString('base64url');

async function start(config: Omit<ServerConfig, 'now'>) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, CONFIG: JSON.stringify(config) },
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const said = new Promise<string>((resolve) => {
    lines.on('line', (line) => {
      if (line.startsWith('{"url":')) resolve(line);
    });
  });
  const line = await Promise.race([said, exited]);
  const started = typeof line === 'string' ? (JSON.parse(line) as { url: string; claim: string }) : undefined;
  const end = async (): Promise<string> => {
    if (child.exitCode === null) child.kill('SIGTERM');
    await exited;
    return Buffer.concat(output).toString();
  };
  return { ...(started ?? { url: '', claim: '' }), end };
}

/** A provider that says back in its errors what it was sent, and a store that does the same. */
async function startEcho() {
  const server = http.createServer((request, answer) => {
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const isDiscovery = request.url?.endsWith('openid-configuration') === true;
      const keys = { token_endpoint: `${base}/token`, jwks_uri: `${base}/jwks` };
      const told = `${JSON.stringify(request.headers)} ${Buffer.concat(chunks).toString('latin1')}`;
      answer.writeHead(isDiscovery ? 200 : 400, { 'content-type': 'application/json' });
      const found = { issuer: base, authorization_endpoint: `${base}/auth`, ...keys };
      answer.end(JSON.stringify(isDiscovery ? found : { error: 'invalid_grant', error_description: told }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

/** What was in use, by name. */
class Secrets {
  readonly #known = new Map<string, string>();
  note(name: string, secret: string): string {
    assert.ok(secret.length >= 10, `${name} is a secret`);
    this.#known.set(name, secret);
    return secret;
  }
  assertAbsent(where: string, bytes: Buffer): void {
    for (const [name, secret] of this.#known) {
      const raw = Buffer.from(secret.replace('whsec_', ''), 'base64url');
      const forms = [
        Buffer.from(secret),
        Buffer.from(encodeURIComponent(secret)),
        raw,
        Buffer.from(raw.toString('hex')),
      ];
      for (const form of forms) assert.ok(!bytes.includes(form), `${name} in ${where}`);
    }
  }
}

/** People without an account come by links; in them is a secret. */
async function links(url: string, operator: ManagementClient, secrets: Secrets, tried: Tried): Promise<void> {
  await tried(operator.call('putProduct', { params: { product: 'hearth' }, body: { source: HEARTH } }));
  const asked = { product: 'hearth', supplier: 'Chip Corp', parts: ['chip'], dueOn: '2999-01-01', template: TEMPLATE };
  const inquiry = await tried(operator.call('makeInquiry', { body: asked }));
  const scope = { product: 'hearth', audience: 'Import GmbH', role: 'importer', needsCode: true } as const;
  const share = await tried(operator.call('makeShare', { body: scope }));
  const code = share?.code ?? newSecret();
  secrets.note('code of a share', code);
  for (const path of [inquiry?.path, share?.path]) {
    if (path === undefined) continue;
    secrets.note('link', path.slice(path.lastIndexOf('/') + 1));
    await exchange(`${url}${path}`);
    const form = new URLSearchParams({ code, boot: 'yes' }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    await exchange(`${url}${path}`, { method: 'POST', body: form, headers });
  }
}

/** Signs in and asks in every way that carries a secret. What fails must fail: `isWell` says whether the rest works. */
async function story(
  url: string,
  claim: string,
  secrets: Secrets,
  at: { token?: string; hook: string; proxy: string },
) {
  const name = `d-${newSecret().slice(0, 6)}`;
  const login = () => new ManagementClient({ url }).call('login', { body: { claim, label: 'secrets' } });
  const token = secrets.note(`token ${name}`, at.token ?? (await login()).token);
  const operator = new ManagementClient({ url, token });
  const tried: Tried = async (act) => (at.token === undefined ? await act : await act.catch(() => undefined));
  const machine = await tried(operator.call('createToken', { body: { label: 'ci', role: 'operator' } }));
  const invited = await tried(operator.call('invitePerson', { body: { name: 'Ada', roles: ['viewer'] } }));
  const hook = await tried(operator.call('createWebhook', { body: { url: at.hook } }));
  if (hook !== undefined) await tried(operator.call('rotateWebhookSecret', { params: { id: hook.id }, body: {} }));
  const device = { controllerId: name, model: 'hub', line: 'hub' };
  const added = await tried(operator.call('addDevices', { body: { devices: [device] } }));
  const enrol = await tried(
    operator.call('createClaim', { body: { controllerId: `${name}x`, model: 'hub', line: 'hub' } }),
  );
  const page = new Page({ url }, PUBLIC);
  if (invited !== undefined) {
    secrets.note('claim of a person', invited.claim);
    await page.join(invited.claim);
    secrets.note('session', page.cookie.slice(page.cookie.indexOf('=') + 1));
    await page.send('/me');
  }
  if (machine !== undefined) secrets.note('token of a machine', machine.token);
  if (hook !== undefined) secrets.note('secret of a webhook', hook.secret);
  if (enrol !== undefined) secrets.note('claim of a device', enrol.claim);
  const deviceToken = secrets.note(`token of device ${name}`, added?.devices[0]?.token ?? newSecret());
  const proxied = { 'x-pawl-proxy-secret': at.proxy, 'x-client-certificate': 'nonsense' };
  const poll = `${url}/default/controller/v1/${name}`;
  await exchange(poll, { headers: { authorization: `TargetToken ${deviceToken}`, ...proxied } });
  await exchange(`${poll}/configData`, {
    method: 'PUT',
    body: deviceToken,
    headers: { authorization: `TargetToken ${deviceToken}` },
  });
  // Where no secret belongs, people put one all the same.
  await links(url, operator, secrets, tried);
  const lost = secrets.note('token in a query', newSecret());
  await exchange(`${url}/api/v1/devices?token=${lost}`, { headers: { authorization: `Bearer ${lost}` } });
  await exchange(`${url}/api/v1/${lost}`, { method: 'POST', body: lost, headers: { cookie: `pawl=${lost}` } });
  await exchange(`${url}/sign-in/oidc`).then(async ({ headers }) => {
    const state = new URL(headers.location ?? '').searchParams.get('state') ?? '';
    const cookie = (headers['set-cookie'] ?? []).map((text) => text.split(';', 1)[0]).join('; ');
    const code = secrets.note('code of OpenID', newSecret());
    const query = `?code=${code}&state=${secrets.note('state of OpenID', state)}`;
    await exchange(`${url}/sign-in/oidc/callback${query}`, { headers: { cookie } });
  });
  const bytes = Buffer.from('an image');
  const artifacts = [{ name: 'a.bin', sizeBytes: bytes.length, sha256: sha256Hex(bytes) }];
  const body = { line: 'hub', version: `1.0.${name.length}`, kind: 'foreign' as const, artifacts };
  const release = await tried(operator.call('createRelease', { body }));
  const put = { params: { id: release?.id ?? 1, name: 'a.bin' }, body: bytes, sizeBytes: bytes.length };
  await assert.rejects(operator.call('putArtifact', put));
  return token;
}

test('no secret stands in the logs, the database or a backup, whatever was asked and whatever failed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-secrets-'));
  const dataDir = join(folder, 'data');
  const [echo, receiver] = [await startEcho(), await startReceiver()];
  const secrets = new Secrets();
  const proxy = secrets.note('secret of the proxy', newSecret());
  const oidc = {
    issuer: echo.url,
    clientId: 'pawl',
    name: 'ID',
    clientSecret: secrets.note('OpenID client', newSecret()),
  };
  const s3 = { bucket: 'bucket', region: 'eu-west-1', accessKeyId: 'key', endpoint: echo.url };
  const config = {
    dataDir,
    host: '127.0.0.1',
    port: 0,
    pollIntervalS: 300,
    logLevel: 'debug' as const,
    oidc,
    trustedProxy: { secret: proxy, certificateHeader: 'x-client-certificate' },
    egress: { networks: ['127.0.0.0/8'], isHttpAllowed: true, ports: [receiver.port] },
    objects: { ...s3, secretAccessKey: secrets.note('S3', newSecret()) },
    publicUrl: PUBLIC,
  };
  let stop: (() => Promise<string>) | undefined;
  try {
    const { url, claim, end } = await start(config);
    stop = end;
    secrets.note('first claim', claim);
    secrets.note('secret of the folder', (await readFile(`${dataDir}/keys/secret`, 'utf8')).trim());
    const at = { hook: `http://127.0.0.1:${receiver.port}/`, proxy };
    const token = await story(url, claim, secrets, at);
    await receiver.until(1);
    await backupFolder(dataDir, join(folder, 'backup'), new Date());
    for (const file of ['data/pawl.db', 'data/pawl.db-wal', 'backup/pawl.db'])
      secrets.assertAbsent(file, await readFile(join(folder, file)));
    const broken = new DatabaseSync(`${dataDir}/pawl.db`);
    broken.exec(
      'ALTER TABLE audit RENAME TO audit_gone; ALTER TABLE event RENAME TO event_gone; ALTER TABLE person RENAME TO person_gone',
    );
    broken.close();
    await story(url, claim, secrets, { ...at, token });
    const output = await end();
    // The claim is printed by who started the server; here by the script, in a line of its own.
    const logged = output.split('\n').filter((line) => !line.startsWith('{"url":'));
    assert.ok(
      logged.some((line) => line.includes('"level":50')),
      'what failed was logged',
    );
    secrets.assertAbsent('the logs', Buffer.from(logged.join('\n')));
    for (const name of await readdir(dataDir))
      if (name.startsWith('pawl.db')) secrets.assertAbsent(name, await readFile(join(dataDir, name)));
  } finally {
    await stop?.();
    echo.server.closeAllConnections();
    echo.server.close();
    await receiver.close();
    await rm(folder, { recursive: true, force: true });
  }
});

test('the password of a database that is not there stands in no message', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-secrets-'));
  const secrets = new Secrets();
  const password = secrets.note('password', newSecret());
  const database = { url: `postgres://pawl:${password}@127.0.0.1:1/pawl` };
  const config = { dataDir: join(folder, 'data'), host: '127.0.0.1', port: 0, pollIntervalS: 300, database };
  const { end } = await start({ ...config, logLevel: 'debug' });
  const output = await end();
  assert.match(output, /STORE_UNREACHABLE/);
  secrets.assertAbsent('the output', Buffer.from(output));
  await rm(folder, { recursive: true, force: true });
});

test('what an earlier version stored in plain is sealed at the start, and signs as before', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-secrets-'));
  const dataDir = join(folder, 'data');
  const receiver = await startReceiver();
  const egress = { networks: ['127.0.0.0/8'], isHttpAllowed: true, ports: [receiver.port] };
  const common = { dataDir, host: '127.0.0.1', port: 0, pollIntervalS: 300, now: () => new Date() } as const;
  const run = () => startServer({ ...common, egress, logLevel: 'silent' });
  try {
    const first = await run();
    const { token } = await new ManagementClient({ url: first.url }).call('login', {
      body: { claim: first.claim ?? '', label: 'x' },
    });
    const client = (url: string) => new ManagementClient({ url, token });
    const body = { url: `http://127.0.0.1:${receiver.port}/`, types: ['pawl.device.enrolled' as const] };
    const { id } = await client(first.url).call('createWebhook', { body });
    await first.close();
    const plain = randomBytes(32);
    const database = new DatabaseSync(`${dataDir}/pawl.db`);
    database.prepare('UPDATE webhook SET is_sealed = 0, secret = ?, previous_secret = ?').run(plain, plain);
    database.close();
    assert.ok((await readFile(`${dataDir}/pawl.db`)).includes(plain));
    const second = await run();
    await client(second.url).call('addDevices', { body: { devices: [{ controllerId: 'a', model: 'm' }] } });
    const [message] = await receiver.until(1);
    const { 'webhook-id': name, 'webhook-timestamp': at, 'webhook-signature': signature } = message?.headers ?? {};
    const content = `${String(name)}.${String(at)}.${message?.body ?? ''}`;
    assert.equal(signature, `v1,${createHmac('sha256', plain).update(content).digest('base64')}`);
    assert.equal((await client(second.url).call('getWebhook', { params: { id } })).state, 'active');
    await second.close();
    for (const file of await readdir(dataDir))
      if (file.startsWith('pawl.db')) assert.ok(!(await readFile(join(dataDir, file))).includes(plain), file);
    // Another folder's secret opens nothing: such a process does not start.
    await rm(`${dataDir}/keys`, { recursive: true });
    await assert.rejects(run(), { code: 'SERVER_KEYS_DIFFER' });
  } finally {
    await receiver.close();
    await rm(folder, { recursive: true, force: true });
  }
});
