/** Who may speak for a device: tokens, gateways, certificates, proxies; and everybody else, who hears 401. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CertificateFiles, issueCertificate, makeSelfSigned } from './device-certificates.ts';
import { enrolDevice, keyFromPem, type PawlDevice } from './pawl-device.ts';
import { exchange } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

const PROXY_SECRET = 'a-proxy-secret-of-more-than-32-characters';
const CERTIFICATE_HEADER = 'x-client-certificate';

let folder: string;
let deviceCa: CertificateFiles;
let otherCa: CertificateFiles;
let plain: TestServer;
let secure: TestServer;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pawl-certificates-'));
  deviceCa = makeSelfSigned(folder, 'device-ca', { isAuthority: true });
  otherCa = makeSelfSigned(folder, 'other-ca', { isAuthority: true });
  const own = makeSelfSigned(folder, 'server', { alternativeName: 'IP:127.0.0.1' });
  plain = await startTestServer({
    trustedProxy: { secret: PROXY_SECRET, certificateHeader: CERTIFICATE_HEADER },
  });
  secure = await startTestServer({
    tls: { cert: own.certificatePem, key: own.keyPem, clientCa: deviceCa.certificatePem },
  });
});

after(async () => {
  await plain.close();
  await secure.close();
  rmSync(folder, { recursive: true, force: true });
});

async function tokenOf(server: TestServer, controllerId: string): Promise<string> {
  const body = { devices: [{ controllerId, model: 'm' }] };
  return (await server.operator.call('addDevices', { body })).devices[0]?.token ?? '';
}

async function gatewayFor(...controllerIds: string[]): Promise<string> {
  return (await plain.operator.call('createGateway', { body: { name: 'gateway', controllerIds } })).token ?? '';
}

const poll = (
  server: TestServer,
  controllerId: string,
  headers: Record<string, string>,
  tls = {},
  tenant = 'default',
) => exchange(`${server.url}/${tenant}/controller/v1/${controllerId}`, { headers, tls });

test('tokens: the table of who is heard', async () => {
  const token = await tokenOf(plain, 'token-1');
  const other = await tokenOf(plain, 'token-2');
  const gateway = await gatewayFor('token-1');
  const TABLE: readonly (readonly [string, string, Record<string, string>, number])[] = [
    ['its own token', 'token-1', { authorization: `TargetToken ${token}` }, 200],
    ['scheme in other letters', 'token-1', { authorization: `targettoken ${token}` }, 200],
    ['a gateway that names it', 'token-1', { authorization: `GatewayToken ${gateway}` }, 200],
    ['no credential', 'token-1', {}, 401],
    ['a wrong token', 'token-1', { authorization: `TargetToken ${token.slice(0, -1)}!` }, 401],
    ['an empty token', 'token-1', { authorization: 'TargetToken ' }, 401],
    ["another device's token", 'token-1', { authorization: `TargetToken ${other}` }, 401],
    ['its token as a gateway token', 'token-1', { authorization: `GatewayToken ${token}` }, 401],
    ['the gateway token as its own', 'token-1', { authorization: `TargetToken ${gateway}` }, 401],
    ['a gateway that does not name it', 'token-2', { authorization: `GatewayToken ${gateway}` }, 401],
    ['another scheme', 'token-1', { authorization: `Bearer ${token}` }, 401],
    ['two tokens', 'token-1', { authorization: `TargetToken ${other} ${token}` }, 401],
    ['a very long token', 'token-1', { authorization: `TargetToken ${'x'.repeat(4000)}` }, 401],
    ['an unknown device with a known token', 'nobody', { authorization: `TargetToken ${token}` }, 401],
    ['an unknown device with a gateway token', 'nobody', { authorization: `GatewayToken ${gateway}` }, 401],
    ['headers of a proxy that has no secret', 'token-1', { 'x-controller-id': 'token-1', 'x-authority': 'ca' }, 401],
  ];
  for (const [name, controllerId, headers, status] of TABLE) {
    const answer = await poll(plain, controllerId, headers);
    assert.equal(answer.status, status, name);
    if (status === 401) {
      const { code, exceptionClass, errorCode, message } = answer.json<Record<string, string>>();
      assert.deepEqual([code, typeof exceptionClass, typeof errorCode], ['DEVICE_UNAUTHENTICATED', 'string', 'string']);
      assert.ok(!String(message).includes(token));
    }
  }
});

test('an unknown device and a wrong token hear the same words', async () => {
  await tokenOf(plain, 'same-words');
  const known = await poll(plain, 'same-words', { authorization: 'TargetToken x' });
  const unknown = await poll(plain, 'no-such', { authorization: 'TargetToken x' });
  assert.equal(known.text, unknown.text);
  assert.equal((await plain.operator.call('listDevices', { query: { filter: 'name:no-such' } })).items.length, 0);
});

test('the tenant is heard in any letters, and another tenant is not', async () => {
  const headers = { authorization: `TargetToken ${await tokenOf(plain, 'tenant-1')}` };
  assert.equal((await poll(plain, 'tenant-1', headers, {}, 'DEFAULT')).status, 200);
  assert.equal((await poll(plain, 'tenant-1', headers, {}, 'dEfAuLt')).status, 200);
  assert.equal((await poll(plain, 'tenant-1', headers, {}, 'other')).status, 401);
});

test('a decommissioned device is heard no more, not through a gateway either', async () => {
  const token = await tokenOf(plain, 'retired');
  const gateway = await gatewayFor('retired');
  await plain.operator.call('decommissionDevice', { params: { controllerId: 'retired' } });
  assert.equal((await poll(plain, 'retired', { authorization: `TargetToken ${token}` })).status, 401);
  assert.equal((await poll(plain, 'retired', { authorization: `GatewayToken ${gateway}` })).status, 401);
});

test('mTLS: the device CA with the name of the device, or the very key that it enrolled', async () => {
  await tokenOf(secure, 'mtls-1');
  const pinned = makeSelfSigned(folder, 'pinned');
  await enrolDevice(secure, 'mtls-2', keyFromPem(pinned.keyPem));
  const issued = issueCertificate(folder, 'mtls-1', deviceCa);
  const foreign = issueCertificate(folder, 'mtls-1-foreign', otherCa, '/CN=mtls-1');
  const twoNames = issueCertificate(folder, 'mtls-two', deviceCa, '/CN=mtls-1/CN=mtls-2');
  const stranger = makeSelfSigned(folder, 'mtls-1-self', {});
  const TABLE: readonly (readonly [string, string, CertificateFiles | undefined, number])[] = [
    ['issued for its name', 'mtls-1', issued, 200],
    ['issued for another name', 'mtls-2', issued, 401],
    ['issued by another authority', 'mtls-1', foreign, 401],
    ['with two names', 'mtls-1', twoNames, 401],
    ['self-signed, key not enrolled', 'mtls-1', stranger, 401],
    ['self-signed with the enrolled key', 'mtls-2', pinned, 200],
    ["another device's enrolled key", 'mtls-1', pinned, 401],
    ['no certificate', 'mtls-1', undefined, 401],
  ];
  for (const [name, controllerId, certificate, status] of TABLE) {
    const tls = certificate === undefined ? {} : { key: certificate.keyPem, cert: certificate.certificatePem };
    assert.equal((await poll(secure, controllerId, {}, tls)).status, status, name);
  }
  const links = (await poll(secure, 'mtls-1', {}, { key: issued.keyPem, cert: issued.certificatePem })).text;
  assert.match(links, /"https:\/\/127\.0\.0\.1:/);
});

test('mTLS without a device CA trusts no authority that browsers know, only enrolled keys', async () => {
  const own = makeSelfSigned(folder, 'server-2', { alternativeName: 'IP:127.0.0.1' });
  const server = await startTestServer({ tls: { cert: own.certificatePem, key: own.keyPem } });
  try {
    await tokenOf(server, 'mtls-3');
    const pinned = makeSelfSigned(folder, 'mtls-4');
    await enrolDevice(server, 'mtls-4', keyFromPem(pinned.keyPem));
    const issued = issueCertificate(folder, 'mtls-3', deviceCa);
    assert.equal((await poll(server, 'mtls-3', {}, { key: issued.keyPem, cert: issued.certificatePem })).status, 401);
    assert.equal((await poll(server, 'mtls-4', {}, { key: pinned.keyPem, cert: pinned.certificatePem })).status, 200);
  } finally {
    await server.close();
  }
});

test('a certificate from the trusted proxy counts with the shared secret only', async () => {
  const pinned = makeSelfSigned(folder, 'proxied');
  const { key }: PawlDevice = await enrolDevice(plain, 'proxied', keyFromPem(pinned.keyPem));
  assert.equal(key.publicKey.algorithm, 'ESP256');
  const certificate = encodeURIComponent(pinned.certificatePem);
  const send = async (headers: Record<string, string>) => (await poll(plain, 'proxied', headers)).status;
  assert.equal(await send({ 'x-pawl-proxy-secret': PROXY_SECRET, [CERTIFICATE_HEADER]: certificate }), 200);
  assert.equal(await send({ [CERTIFICATE_HEADER]: certificate }), 401);
  assert.equal(await send({ 'x-pawl-proxy-secret': `${PROXY_SECRET}x`, [CERTIFICATE_HEADER]: certificate }), 401);
  assert.equal(await send({ 'x-pawl-proxy-secret': PROXY_SECRET, [CERTIFICATE_HEADER]: 'not%20a%20certificate' }), 401);
  assert.equal(await send({ 'x-pawl-proxy-secret': PROXY_SECRET, [CERTIFICATE_HEADER]: '%zz' }), 401);
  assert.equal(await send({ 'x-pawl-proxy-secret': PROXY_SECRET }), 401);
  const secret = { 'x-pawl-proxy-secret': PROXY_SECRET, [CERTIFICATE_HEADER]: certificate };
  assert.equal((await poll(secure, 'proxied', secret)).status, 401, 'a server without a proxy looks at no header');
});
