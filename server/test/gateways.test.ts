/** Gateways: they act for the devices they name and for no others, and the ledger says that it was they who spoke. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import { feedback, ScriptedDevice } from './ddi-device.ts';
import { type DdiServer, startDdiServer } from './ddi-server.ts';
import { type CertificateFiles, makeSelfSigned } from './device-certificates.ts';
import { exchange } from './raw-http.ts';
import { lastAssignment, rollOut, startTestServer } from './running-server.ts';

let server: DdiServer;
let gateway: { readonly id: number; readonly token: string | null };

const codeIs = (code: string) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  return true;
};
const asGateway = (controllerId: string): ScriptedDevice =>
  new ScriptedDevice(server.url, controllerId, '', { authorization: `GatewayToken ${gateway.token}` });

async function statusFor(controllerId: string): Promise<number> {
  const device = asGateway(controllerId);
  const { status } = await device.send('');
  device.close();
  return status;
}

before(async () => {
  server = await startDdiServer();
  const devices = ['c-1', 'c-2', 'c-3'].map((controllerId) => ({ controllerId, model: 'sensor', line: 'gateway' }));
  await server.operator.call('addDevices', { body: { devices } });
  gateway = await server.operator.call('createGateway', { body: { name: 'cellar', controllerIds: ['c-1', 'c-2'] } });
});
after(() => server.close());

test('a gateway acts for the devices it names, and for no others', async () => {
  assert.deepEqual([await statusFor('c-1'), await statusFor('c-2'), await statusFor('c-3')], [200, 200, 401]);
  const { items } = await server.operator.call('listGateways', {});
  assert.deepEqual(items, [{ id: gateway.id, name: 'cellar', keyId: null, controllerIds: ['c-1', 'c-2'] }]);
});

test('devices come to a gateway and go from it at once', async () => {
  const params = { id: gateway.id };
  const body = { name: 'attic', add: ['c-3'], remove: ['c-2', 'nobody'] };
  const changed = await server.operator.call('changeGateway', { params, body });
  assert.deepEqual(changed, { id: gateway.id, name: 'attic', keyId: null, controllerIds: ['c-1', 'c-3'] });
  assert.deepEqual([await statusFor('c-2'), await statusFor('c-3')], [401, 200]);
  const strange = server.operator.call('changeGateway', { params, body: { add: ['nobody'] } });
  await assert.rejects(strange, codeIs('DEVICE_UNKNOWN'));
});

test('what a gateway reports for a device stands in the ledger with the name of who spoke', async () => {
  await rollOut(server.operator, server.releaseId, 'name:c-1');
  const { id } = await lastAssignment(server.operator, 'c-1');
  const device = asGateway('c-1');
  const answer = await device.post(`/deploymentBase/${id}/feedback`, feedback('closed', 'success'));
  device.close();
  assert.equal(answer.status, 200, answer.text);
  const { items } = await server.operator.call('listEntries', { query: { limit: 500 } });
  const moved = items
    .filter(({ predicateType }) => predicateType === 'urn:pawl:assignment-transition:1')
    .map(({ envelope }) => {
      const { payload } = JSON.parse(Buffer.from(envelope, 'base64').toString()) as { payload: string };
      return (JSON.parse(Buffer.from(payload, 'base64').toString()) as { predicate: Record<string, unknown> })
        .predicate;
    })
    .find((predicate) => predicate['assignmentId'] === id && predicate['to'] === 'reported');
  assert.equal(moved?.['by'], `gateway/${gateway.id}`);
});

test('a device that came to its end is refused to its gateway too, and cannot be named again', async () => {
  await server.operator.call('decommissionDevice', { params: { controllerId: 'c-3' } });
  assert.equal(await statusFor('c-3'), 401);
  const again = server.operator.call('changeGateway', { params: { id: gateway.id }, body: { add: ['c-3'] } });
  await assert.rejects(again, codeIs('DEVICE_UNKNOWN'));
});

test('a gateway is bounded in the devices it names', async () => {
  const names = Array.from({ length: 2000 }, (_, no) => `m-${no}`);
  for (const part of [names.slice(0, 1000), names.slice(1000)]) {
    const devices = part.map((controllerId) => ({ controllerId, model: 'm' }));
    await server.operator.call('addDevices', { body: { devices } });
  }
  const add = (part: string[]) =>
    server.operator.call('changeGateway', { params: { id: gateway.id }, body: { add: part } });
  await add(names.slice(0, 1000));
  await assert.rejects(add(names.slice(1000)), codeIs('GATEWAY_DEVICES_TOO_MANY'));
});

test('a gateway by a key of its own acts in TLS for the devices it names; a rotation ends what it had, at once or later', async () => {
  let aheadMs = 0;
  const own = makeSelfSigned(server.folder, 'tls', { alternativeName: 'IP:127.0.0.1' });
  const secure = await startTestServer({
    tls: { cert: own.certificatePem, key: own.keyPem },
    now: () => new Date(Date.now() + aheadMs),
  });
  const { operator } = secure;
  const first = makeSelfSigned(secure.folder, 'gw-1');
  const second = makeSelfSigned(secure.folder, 'gw-2');
  const pem = ({ certificatePem }: CertificateFiles): string =>
    new X509Certificate(certificatePem).publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const poll = async (name: string, by: CertificateFiles, headers = {}): Promise<number> => {
    const tls = { key: by.keyPem, cert: by.certificatePem };
    return (await exchange(`${secure.url}/default/controller/v1/${name}`, { tls, headers })).status;
  };
  const devices = ['s-1', 's-2'].map((controllerId) => ({ controllerId, model: 'sensor' }));
  await operator.call('addDevices', { body: { devices } });
  const body = { name: 'attic', controllerIds: ['s-1'], publicKeyPem: pem(first) };
  const { id, token } = await operator.call('createGateway', { body });
  assert.equal(token, null);
  assert.deepEqual([await poll('s-1', first), await poll('s-2', first), await poll('s-1', second)], [200, 401, 401]);
  for (const publicKeyPem of [pem(first), 'no key']) {
    const twice = operator.call('createGateway', { body: { ...body, publicKeyPem } });
    await assert.rejects(twice, codeIs('GATEWAY_KEY_UNSUITABLE'));
  }
  const params = { id };
  await operator.call('rotateGateway', { params, body: { publicKeyPem: pem(second), overlapS: 3600 } });
  assert.deepEqual([await poll('s-1', first), await poll('s-1', second)], [200, 200]);
  aheadMs = 3_600_000;
  assert.deepEqual([await poll('s-1', first), await poll('s-1', second)], [401, 200]);
  const renewed = await operator.call('rotateGateway', { params, body: {} });
  const headers = { authorization: `GatewayToken ${renewed.token ?? ''}` };
  assert.deepEqual([await poll('s-1', second), await poll('s-1', first, headers)], [401, 200]);
  await operator.call('revokeGateway', { params });
  assert.equal(await poll('s-1', first, headers), 401);
  await secure.close();
});

test('a gateway that is revoked acts for nobody any more', async () => {
  await server.operator.call('revokeGateway', { params: { id: gateway.id } });
  assert.equal(await statusFor('c-1'), 401);
  const gone = { params: { id: gateway.id } };
  await assert.rejects(server.operator.call('revokeGateway', gone), codeIs('GATEWAY_UNKNOWN'));
  await assert.rejects(server.operator.call('changeGateway', { ...gone, body: {} }), codeIs('GATEWAY_UNKNOWN'));
});
