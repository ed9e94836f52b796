/**
 * What users of hawkBit complain about in its device API, issue by issue, held against this server. Numbers are issues of
 * eclipse-hawkbit/hawkbit. Cancelling (952, 1318, 950), quotas (1846), ranges (1249) and success before the restart (RHU 161) are
 * in ddi.test.ts and rauc-hawkbit-updater.test.ts.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { addDevice, feedback, type ScriptedDevice } from './ddi-device.ts';
import { type DdiServer, startDdiServer } from './ddi-server.ts';
import { exchange } from './raw-http.ts';
import { lastAssignment, publishForeign, rollOut, startTestServer } from './running-server.ts';
import { makeSwu, makeSwuSigner } from './swupdate-image.ts';

let server: DdiServer;
const open: ScriptedDevice[] = [];
before(async () => {
  server = await startDdiServer();
});
after(async () => {
  for (const device of open) device.close();
  await server.close();
});

async function deviceOf(name: string): Promise<ScriptedDevice> {
  const device = await addDevice(server, name);
  open.push(device);
  await device.post('/configData', { mode: 'merge', data: { version: '1.0.0' } }, 'PUT');
  return device;
}

const shown = async (name: string) => server.operator.call('getDevice', { params: { controllerId: name } });

/** Installs the release as the device says. */
async function install(device: ScriptedDevice, name: string): Promise<number> {
  await rollOut(server.operator, server.releaseId, `name:${name}`);
  const { id } = await lastAssignment(server.operator, name);
  assert.equal((await device.post(`/deploymentBase/${id}/feedback`, feedback('closed', 'success'))).status, 200);
  return id;
}

test('446, 242: a device that went back to what it was is given the same release again', async () => {
  const device = await deviceOf('back');
  const first = await install(device, 'back');
  assert.equal((await shown('back')).installedVersion, '1.2.0');
  // It went back by itself, and shows the old version; nobody told the server otherwise.
  await device.post('/configData', { mode: 'merge', data: { version: '1.0.0' } }, 'PUT');
  const second = await install(device, 'back');
  assert.notEqual(second, first);
  assert.equal((await lastAssignment(server.operator, 'back')).state, 'reported');
});

test('PR 1620: what was installed by hand is told, and a rollout afterwards is offered all the same', async () => {
  const device = await deviceOf('by-hand');
  const put = await device.post('/installedBase', { name: 'gateway', version: '1.2.0' }, 'PUT');
  assert.equal(put.status, 200);
  assert.equal((await shown('by-hand')).installedVersion, '1.2.0');
  await rollOut(server.operator, server.releaseId, 'name:by-hand');
  assert.deepEqual(await device.linkNames(), ['deploymentBase']);
});

test('1667: consent that was denied is not asked for at every poll', async () => {
  const device = await deviceOf('denies');
  await rollOut(server.operator, server.releaseId, 'name:denies', { needsConsent: true });
  const { id } = await lastAssignment(server.operator, 'denies');
  assert.deepEqual(await device.linkNames(), ['confirmationBase']);
  const answer = await device.post(`/confirmationBase/${id}/feedback`, { confirmation: 'denied', details: ['no'] });
  assert.equal(answer.status, 200);
  assert.deepEqual(await device.linkNames(), []);
  assert.deepEqual(await device.linkNames(), []);
});

test('1370: the token of a device is asked for wherever it downloads; no address opens a file by itself', async () => {
  const device = await deviceOf('tokens');
  await rollOut(server.operator, server.releaseId, 'name:tokens');
  const answer = await device.send(await device.link('deploymentBase'));
  const hrefs = answer.text.match(/http:[^"]+/g) ?? [];
  assert.ok(hrefs.length > 0);
  for (const href of hrefs) {
    assert.equal(new URL(href).origin, server.url, 'and the token goes to nobody else');
    assert.equal((await exchange(href)).status, 401);
  }
});

test('1843, 1738: links name what the device called, or the address that the operator gave; both relations', async (t) => {
  const device = await deviceOf('links');
  await rollOut(server.operator, server.releaseId, 'name:links');
  const named = await device.send('', { headers: { host: 'updates.example:8443' } });
  assert.match(named.text, /"http:\/\/updates\.example:8443\/default\/controller/);
  const document = await device.send(await device.link('deploymentBase'));
  assert.match(document.text, /"download":\{"href":"([^"]+)"\},"download-http":\{"href":"\1"\}/);

  const behind = await startTestServer({ publicUrl: 'https://updates.example' });
  t.after(() => behind.close());
  const { devices } = await behind.operator.call('addDevices', {
    body: { devices: [{ controllerId: 'links', model: 'gw-1' }] },
  });
  const headers = { authorization: `TargetToken ${devices[0]?.token ?? ''}` };
  const poll = await exchange(`${behind.url}/default/controller/v1/links`, { headers });
  assert.match(poll.text, /"https:\/\/updates\.example\/default\/controller\/v1\/links\/configData"/);
});

test('1088: a device that nobody added is not registered by asking', async () => {
  const headers = { authorization: 'TargetToken whatever' };
  const answer = await exchange(`${server.url}/default/controller/v1/nobody`, { headers });
  assert.equal(answer.status, 401);
  await assert.rejects(shown('nobody'), { code: 'DEVICE_UNKNOWN' });
});

test('a newer rollout takes the place of one that the device has not begun, and the old id says gone', async () => {
  const device = await deviceOf('newer');
  const signer = makeSwuSigner(server.folder, 'swu-signer');
  await rollOut(server.operator, server.releaseId, 'name:newer');
  const old = (await lastAssignment(server.operator, 'newer')).id;
  const certificatesPem = [readFileSync(signer.certificateFile, 'utf8')];
  await server.operator.call('putLine', { params: { line: 'gateway' }, body: { certificatesPem } });
  const image = { version: '1.3.0', bytes: new Uint8Array(100), installTo: '/nowhere' };
  const bytes = makeSwu(server.folder, signer, image);
  const next = await publishForeign(server.operator, { line: 'gateway', version: '1.3.0', fileName: 'n.swu', bytes });
  await rollOut(server.operator, next, 'name:newer');
  const { id } = await lastAssignment(server.operator, 'newer');
  assert.match(await device.link('deploymentBase'), new RegExp(`/deploymentBase/${id}\\?`));
  assert.equal((await device.send(`/deploymentBase/${old}`)).status, 404);
  assert.equal((await device.post(`/deploymentBase/${old}/feedback`, feedback('closed', 'success'))).status, 410);
});
