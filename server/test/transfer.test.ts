/** Devices go from one tenant to another: their key and address stay, their past stays behind. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { ScriptedDevice } from './ddi-device.ts';
import { type DdiServer, startDdiServer } from './ddi-server.ts';
import { predicatesOf } from './ledger-words.ts';
import { enrolDevice } from './pawl-device.ts';
import { exchange } from './raw-http.ts';
import { lastAssignment, rollOut } from './running-server.ts';

let server: DdiServer;
let other: ManagementClient;
let atMs = Date.now();

const codeIs = (code: string) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code, error.message);
  return true;
};
const offer = async (controllerIds: string[]) => server.operator.call('offerDevices', { body: { controllerIds } });
const take = (code: string, client = other) => client.call('takeDevices', { body: { code, line: 'theirs' } });
const add = async (controllerId: string, client = server.operator): Promise<string> => {
  const body = { devices: [{ controllerId, model: 'hub', line: 'gateway' }] };
  return (await client.call('addDevices', { body })).devices[0]?.token ?? '';
};
const statusOf = async (controllerId: string, authorization: string, tenant = 'default'): Promise<number> =>
  (await exchange(`${server.url}/${tenant}/controller/v1/${controllerId}`, { headers: { authorization } })).status;

before(async () => {
  server = await startDdiServer({ now: () => new Date(atMs) });
  const { claim } = await server.operator.call('createTenant', { body: { name: 'other' } });
  const { token } = await new ManagementClient({ url: server.url }).call('login', { body: { claim, label: 'other' } });
  other = new ManagementClient({ url: server.url, token });
});
after(() => server.close());

test('a device that is taken is of the new tenant, under its old address and under the new one', async () => {
  const token = `TargetToken ${await add('d-1')}`;
  const gateway = await server.operator.call('createGateway', { body: { name: 'g', controllerIds: ['d-1'] } });
  const enrolled = await enrolDevice(server, 'p-1');
  const { keyId } = await server.operator.call('getDevice', { params: { controllerId: 'p-1' } });
  const { code, devices } = await offer(['d-1', 'p-1', 'd-1']);
  assert.equal(devices, 2);
  assert.deepEqual(await take(code), { from: 'default', controllerIds: ['d-1', 'p-1'] });
  for (const tenant of ['default', 'other']) assert.equal(await statusOf('d-1', token, tenant), 200, tenant);
  assert.equal((await enrolled.script.send('')).status, 200);
  enrolled.script.close();
  assert.equal(await statusOf('d-1', `GatewayToken ${gateway.token}`), 401, 'the gateway of the old tenant');
  const there = await other.call('getDevice', { params: { controllerId: 'p-1' } });
  assert.deepEqual([there.keyId, there.line, there.kind, there.isDecommissioned], [keyId, 'theirs', 'pawl', false]);
  const here = await server.operator.call('getDevice', { params: { controllerId: 'p-1' } });
  assert.equal(here.isDecommissioned, true);
  const last = (await predicatesOf(server, 'device/p-1')).at(-1)?.predicate;
  assert.deepEqual(
    [last?.['act'], last?.['from'], last?.['to'], last?.['keyId']],
    ['transfer', 'default', 'other', keyId],
  );
  await assert.rejects(take(code), codeIs('TRANSFER_UNKNOWN'), 'once');
  await assert.rejects(offer(['d-1']), codeIs('DEVICE_UNKNOWN'));
  // And what is offered there reaches it under its old address.
  const back = await other.call('offerDevices', { body: { controllerIds: ['p-1'] } });
  await assert.rejects(server.operator.call('takeDevices', { body: { code: back.code } }), codeIs('DEVICE_EXISTS'));
  assert.equal((await other.call('getDevice', { params: { controllerId: 'p-1' } })).isDecommissioned, false);
});

test('a device with an update in hand is neither offered nor taken, and its past stays with the old tenant', async () => {
  const token = await add('d-2');
  const early = await offer(['d-2']);
  await rollOut(server.operator, server.releaseId, 'name:d-2');
  await assert.rejects(offer(['d-2']), codeIs('TRANSFER_DEVICE_BUSY'));
  await assert.rejects(take(early.code), codeIs('TRANSFER_DEVICE_BUSY'));
  const { id } = await lastAssignment(server.operator, 'd-2');
  await server.operator.call('cancelAssignment', { params: { id }, body: {} });
  const device = new ScriptedDevice(server.url, 'd-2', token);
  const stop = { id, status: { execution: 'closed', result: { finished: 'success' } } };
  assert.equal((await device.post(`/cancelAction/${id}/feedback`, stop)).status, 200);
  assert.deepEqual((await take(early.code)).controllerIds, ['d-2'], 'a refusal leaves the code as it was');
  assert.equal((await device.send('')).status, 200);
  device.close();
  assert.equal((await server.operator.call('listAssignments', { query: { controllerId: 'd-2' } })).items.length, 1);
  assert.deepEqual((await other.call('listAssignments', { query: { controllerId: 'd-2' } })).items, []);
});

test('all devices of an offer or none; nobody takes from himself; what is withdrawn or late is gone', async () => {
  for (const name of ['d-3', 'd-4']) await add(name);
  await add('d-4', other);
  const both = await offer(['d-3', 'd-4']);
  await assert.rejects(take(both.code), codeIs('DEVICE_EXISTS'));
  assert.equal((await server.operator.call('getDevice', { params: { controllerId: 'd-3' } })).isDecommissioned, false);
  const one = await offer(['d-3']);
  await assert.rejects(take(one.code, server.operator), codeIs('TRANSFER_UNKNOWN'));
  await assert.rejects(other.call('withdrawOffer', { params: { id: one.id } }), codeIs('TRANSFER_UNKNOWN'));
  await server.operator.call('withdrawOffer', { params: { id: one.id } });
  await assert.rejects(take(one.code), codeIs('TRANSFER_UNKNOWN'));
  const late = await offer(['d-3']);
  atMs += 86_400_000;
  await assert.rejects(take(late.code), codeIs('TRANSFER_UNKNOWN'));
});
