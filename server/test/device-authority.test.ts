/** Devices that come in by a certificate of an authority which an operator registered, over TLS and through a proxy. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { closeBeside, openBeside } from './beside.ts';
import { type CertificateFiles, issueCertificate, makeSelfSigned } from './device-certificates.ts';
import { predicatesOf } from './ledger-words.ts';
import { enrolBody, keyFromPem, newClaim, postEnrol, signReport } from './pawl-device.ts';
import { PostgresCluster, skipWithoutPostgres } from './postgres.ts';
import { exchange } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

const PROXY_SECRET = 'a-proxy-secret-of-more-than-32-characters';
const HEADER = 'x-client-certificate';
const DAY_MS = 86_400_000;

type Bench = {
  readonly folder: string;
  readonly secure: TestServer;
  readonly ca: CertificateFiles;
  /** How far the servers' clock is ahead. */
  readonly clock: { ms: number };
};

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;
const fails = (code: string) => (error: unknown) => {
  assert.equal(codeOf(error), code, String(error));
  return true;
};

/** What a device is told when it polls with a certificate: `ok`, or the code. */
async function pollBy(server: TestServer, name: string, certificate: CertificateFiles, tenant = 'default') {
  const tls = { key: certificate.keyPem, cert: certificate.certificatePem };
  const answer = await exchange(`${server.url}/${tenant}/controller/v1/${name}`, { tls });
  return answer.status === 200 ? 'ok' : `${answer.status} ${String(answer.json()['code'])}`;
}

async function pollProxied(server: TestServer, name: string, certificate: CertificateFiles, secret = PROXY_SECRET) {
  const headers = { 'x-pawl-proxy-secret': secret, [HEADER]: encodeURIComponent(certificate.certificatePem) };
  const answer = await exchange(`${server.url}/default/controller/v1/${name}`, { headers });
  return answer.status === 200 ? 'ok' : `${answer.status} ${String(answer.json()['code'])}`;
}

function register(server: TestServer, ca: CertificateFiles, more: { namePattern?: string; kind?: 'foreign' } = {}) {
  const body = { name: 'factory', certificatePem: ca.certificatePem, model: 'kettle-2', line: 'kettle' };
  return server.operator.call('addAuthority', { body: { ...body, namePattern: 'kettle-*', ...more } });
}

async function startBench(
  database: { readonly url: string; readonly connections: number } | undefined,
): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-authority-'));
  const clock = { ms: 0 };
  const own = makeSelfSigned(folder, 'server', { alternativeName: 'IP:127.0.0.1' });
  const config = { now: () => new Date(Date.now() + clock.ms) };
  const tls = { cert: own.certificatePem, key: own.keyPem };
  return {
    folder,
    clock,
    ca: makeSelfSigned(folder, 'factory', { isAuthority: true }),
    secure: await startTestServer({ ...config, tls, ...(database === undefined ? {} : { database }) }),
  };
}

async function closeBench({ folder, secure }: Bench): Promise<void> {
  await secure.close();
  rmSync(folder, { recursive: true, force: true });
}

/** The life of a device by its certificate; over each store. */
async function firstContactToEnd({ folder, secure, ca, clock }: Bench): Promise<void> {
  const device = issueCertificate(folder, 'kettle-1', ca, undefined, { days: 30 });
  assert.equal(await pollBy(secure, 'kettle-1', device), '401 DEVICE_UNAUTHENTICATED', 'nobody vouches for it');
  const authority = await register(secure, ca);
  assert.equal(await pollBy(secure, 'kettle-1', device), 'ok');
  assert.equal(await pollBy(secure, 'kettle-1', device), 'ok');
  const view = await secure.operator.call('getDevice', { params: { controllerId: 'kettle-1' } });
  assert.deepEqual([view.model, view.line, view.kind], ['kettle-2', 'kettle', 'pawl']);
  const words = await predicatesOf(secure, 'device/kettle-1');
  assert.deepEqual(
    words.map(({ type, predicate }) => [type, predicate['by']]),
    [['urn:pawl:device-enrolled:1', `authority/${authority.id}`]],
  );
  // The certified key signs reports from now on: this one is about no assignment, and gets past the signature.
  const report = { assignmentId: 1, counter: 1, state: 'confirmed', version: '1.0.0' } as const;
  const body = await signReport(keyFromPem(device.keyPem), report);
  const tls = { key: device.keyPem, cert: device.certificatePem };
  const headers = { 'content-type': 'application/vnd.dsse+json' };
  const sent = await exchange(`${secure.url}/default/pawl/v1/kettle-1/report`, { method: 'POST', headers, body, tls });
  assert.equal(sent.json()['code'], 'DEVICE_NOT_FOUND');

  // A renewed certificate over the same key, when the first one is barred.
  const number = new X509Certificate(device.certificatePem).serialNumber;
  const bar = { params: { id: authority.id }, body: { serialNumber: number } };
  const barred = await secure.operator.call('barCertificate', bar);
  assert.deepEqual([barred.barredSerials, barred.devices], [[number.toLowerCase().replace(/^0+/, '')], 1]);
  assert.equal(await pollBy(secure, 'kettle-1', device), '403 DEVICE_CERTIFICATE_BARRED');
  const self = makeSelfSigned(folder, 'kettle-1-own', { keyFile: device.keyFile });
  assert.equal(await pollBy(secure, 'kettle-1', self), '401 DEVICE_UNAUTHENTICATED', 'the key alone is not enough');
  const renewed = issueCertificate(folder, 'renewed', ca, '/CN=kettle-1', { keyFile: device.keyFile, days: 1 });
  assert.equal(await pollBy(secure, 'kettle-1', renewed), 'ok');
  clock.ms += DAY_MS + 60_000;
  assert.equal(await pollBy(secure, 'kettle-1', renewed), '403 DEVICE_CERTIFICATE_EXPIRED');
  clock.ms -= DAY_MS + 60_000;
  assert.equal(await pollBy(secure, 'kettle-1', renewed), 'ok');

  await secure.operator.call('removeAuthority', { params: { id: authority.id } });
  assert.equal(await pollBy(secure, 'kettle-1', renewed), '401 DEVICE_UNAUTHENTICATED', 'its authority is gone');
  await register(secure, ca);
  assert.equal(await pollBy(secure, 'kettle-1', renewed), 'ok', 'and is back');
  await secure.operator.call('decommissionDevice', { params: { controllerId: 'kettle-1' } });
  assert.equal(await pollBy(secure, 'kettle-1', renewed), '401 DEVICE_UNAUTHENTICATED', 'the end is the end');
}

const STORES = [
  { name: 'SQLite', start: () => Promise.resolve(undefined), skip: false as const },
  { name: 'PostgreSQL', start: () => PostgresCluster.start(), skip: skipWithoutPostgres() },
];

for (const { name, start, skip } of STORES) {
  describe(name, { skip }, () => {
    test('a device comes in on its first contact, renews, and is shut out with its certificate or its authority', async (t) => {
      const cluster = await start();
      const database = cluster === undefined ? undefined : { url: await cluster.create(), connections: 4 };
      const bench = await startBench(database);
      t.after(async () => {
        await closeBench(bench);
        await cluster?.close();
      });
      await firstContactToEnd(bench);
      if (cluster !== undefined) return;
      await t.test('what a certificate must not be', () => refusals(bench));
      await t.test('who is known already', () => knownAlready(bench));
      await t.test('what a proxy passes on', () => throughProxy(bench));
      await t.test('which authorities are taken', () => unsuitable(bench));
    });
  });
}

async function refusals({ folder, secure, ca }: Bench): Promise<void> {
  const leaf = ['basicConstraints=critical,CA:FALSE'];
  const TABLE: readonly (readonly [string, string, readonly string[] | undefined, string])[] = [
    ['a name that the pattern does not have', '/CN=toaster-1', undefined, '403 DEVICE_CERTIFICATE_NAME_REFUSED'],
    ['two names', '/CN=kettle-8/CN=kettle-9', undefined, '403 DEVICE_CERTIFICATE_NAME_REFUSED'],
    ['no name', '/O=factory', undefined, '403 DEVICE_CERTIFICATE_NAME_REFUSED'],
    ['a name of another grammar', '/CN=kettle-8 x', undefined, '403 DEVICE_CERTIFICATE_NAME_REFUSED'],
    ['another name than the path', '/CN=kettle-77', undefined, '403 DEVICE_CERTIFICATE_NAME_REFUSED'],
    ['a CA', '/CN=kettle-8', ['basicConstraints=critical,CA:TRUE'], '403 DEVICE_CERTIFICATE_UNSUITABLE'],
    [
      'no signature key',
      '/CN=kettle-8',
      [...leaf, 'keyUsage=critical,keyAgreement'],
      '403 DEVICE_CERTIFICATE_UNSUITABLE',
    ],
    ['a server', '/CN=kettle-8', [...leaf, 'extendedKeyUsage=serverAuth'], '403 DEVICE_CERTIFICATE_UNSUITABLE'],
    ['an unknown rule', '/CN=kettle-8', [...leaf, '1.2.3.4=critical,ASN1:NULL'], '403 DEVICE_CERTIFICATE_UNSUITABLE'],
    ['a serial number for a name', '/O=factory/serialNumber=kettle-8', leaf, 'ok'],
  ];
  for (const [what, subject, extensions, told] of TABLE) {
    const options = extensions === undefined ? {} : { extensions };
    const made = issueCertificate(folder, 'refused', ca, subject, options);
    assert.equal(await pollBy(secure, 'kettle-8', made), told, what);
  }
  const { items } = await secure.operator.call('listDevices', { query: { filter: 'name:kettle-*' } });
  assert.deepEqual(
    items.map(({ controllerId }) => controllerId),
    ['kettle-8'],
  );
  const other = makeSelfSigned(folder, 'factory-b', { isAuthority: true });
  const stranger = issueCertificate(folder, 'stranger', other, '/CN=kettle-10');
  assert.equal(await pollBy(secure, 'kettle-10', stranger), '401 DEVICE_UNAUTHENTICATED');
  const good = issueCertificate(folder, 'kettle-10', ca);
  assert.equal(await pollBy(secure, 'kettle-10', good, 'other-tenant'), '401 DEVICE_UNAUTHENTICATED');
}

async function knownAlready({ folder, secure, ca }: Bench): Promise<void> {
  // Written down before it came: it keeps what stands there.
  const body = {
    devices: [
      { controllerId: 'kettle-20', model: 'special' },
      { controllerId: 'kettle-21', model: 'm' },
    ],
  };
  const { devices } = await secure.operator.call('addDevices', { body });
  const expected = issueCertificate(folder, 'kettle-20', ca);
  assert.equal(await pollBy(secure, 'kettle-20', expected), 'ok');
  const { model } = await secure.operator.call('getDevice', { params: { controllerId: 'kettle-20' } });
  assert.equal(model, 'special');
  // The authority speaks for no device that was heard with other credentials.
  const headers = { authorization: `TargetToken ${devices[1]?.token ?? ''}` };
  const plain = await exchange(`${secure.url}/default/controller/v1/kettle-21`, { headers });
  assert.equal(plain.status, 200);
  const claim = await newClaim(secure, 'kettle-22');
  const own = makeSelfSigned(folder, 'kettle-22-own');
  assert.equal((await postEnrol(secure, await enrolBody(claim, keyFromPem(own.keyPem)))).status, 200);
  for (const name of ['kettle-22', 'kettle-20']) {
    const taker = issueCertificate(folder, `${name}-taker`, ca, `/CN=${name}`);
    assert.equal(await pollBy(secure, name, taker), '403 DEVICE_CERTIFICATE_KEY_DIFFERS', name);
  }
  const twice = issueCertificate(folder, 'kettle-23', ca, undefined, { keyFile: expected.keyFile });
  assert.equal(await pollBy(secure, 'kettle-23', twice), '403 DEVICE_CERTIFICATE_KEY_DIFFERS');
}

async function throughProxy({ folder, ca, clock }: Bench): Promise<void> {
  const now = () => new Date(Date.now() + clock.ms);
  const proxied = await startTestServer({ now, trustedProxy: { secret: PROXY_SECRET, certificateHeader: HEADER } });
  await register(proxied, ca, { kind: 'foreign' });
  const device = issueCertificate(folder, 'kettle-30', ca);
  assert.equal(await pollProxied(proxied, 'kettle-30', device, `${PROXY_SECRET}x`), '401 DEVICE_UNAUTHENTICATED');
  assert.equal(await pollProxied(proxied, 'kettle-30', device), 'ok');
  const view = await proxied.operator.call('getDevice', { params: { controllerId: 'kettle-30' } });
  assert.equal(view.kind, 'foreign');
  assert.notEqual(view.keyId, null);
  clock.ms += 3 * DAY_MS;
  const late = issueCertificate(folder, 'kettle-31', ca);
  assert.equal(await pollProxied(proxied, 'kettle-30', device), '403 DEVICE_CERTIFICATE_EXPIRED');
  assert.equal(await pollProxied(proxied, 'kettle-31', late), '403 DEVICE_CERTIFICATE_EXPIRED');
  clock.ms -= 3 * DAY_MS;
  assert.equal(await pollProxied(proxied, 'kettle-30', device), 'ok');
  await proxied.close();
}

async function unsuitable({ folder, secure, ca }: Bench): Promise<void> {
  await assert.rejects(register(secure, ca), fails('AUTHORITY_EXISTS'));
  const leaf = issueCertificate(folder, 'no-authority', ca);
  const mute = issueCertificate(folder, 'mute', ca, '/CN=mute', {
    extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,digitalSignature'],
  });
  const bound = issueCertificate(folder, 'bound', ca, '/CN=bound', {
    extensions: ['basicConstraints=critical,CA:TRUE', 'nameConstraints=critical,permitted;DNS:example'],
  });
  for (const one of [leaf, mute, bound]) await assert.rejects(register(secure, one), fails('AUTHORITY_UNSUITABLE'));
  const text = { ...ca, certificatePem: 'no certificate' };
  await assert.rejects(register(secure, text), fails('AUTHORITY_UNSUITABLE'));
  const known = (await secure.operator.call('listAuthorities', {})).items.length;
  const db = await openBeside(secure.folder);
  const copy =
    db.prepare(`INSERT INTO device_authority (tenant_id, name, certificate_pem, fingerprint, name_pattern, kind, model,
    tags, created_ms) SELECT tenant_id, name, certificate_pem, ?, name_pattern, kind, model, tags, created_ms
    FROM device_authority WHERE removed_ms IS NULL LIMIT 1`);
  for (let no = known; no < 50; no += 1) copy.run(`copy ${no}`);
  closeBeside(db);
  const last = makeSelfSigned(folder, 'one-too-many', { isAuthority: true });
  await assert.rejects(register(secure, last), fails('AUTHORITY_TOO_MANY'));
}
