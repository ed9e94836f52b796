/** The device API as its clients see it: the golden exchange, each client's own ways, the table of states, consent. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { ddiDeploymentBase, ddiPoll } from '@pawl/contract/device';
import { decodeCbor, encodeCbor } from '@pawl/core/cbor';
import { addDevice, feedback, type ScriptedDevice } from './ddi-device.ts';
import { type DdiServer, FILE_NAME, startDdiServer } from './ddi-server.ts';
import { lastAssignment, rollOut } from './running-server.ts';

type Deployment = {
  id: string;
  deployment: {
    download: string;
    update: string;
    chunks: {
      part: string;
      version: string;
      name: string;
      artifacts: {
        filename: string;
        size: number;
        hashes: Record<string, string>;
        _links: Record<string, { href: string }>;
      }[];
    }[];
  };
  actionHistory?: { status: string; messages: string[] };
};

const ZEPHYR_BYTES_MAX = 1100;
const ATTRIBUTES = { mode: 'merge', data: { hw: 'rev2' } };

let server: DdiServer;
const open: ScriptedDevice[] = [];

before(async () => {
  server = await startDdiServer();
});

after(async () => {
  for (const device of open) device.close();
  await server.close();
});

/** A device that has told its attributes and is assigned the release. */
async function assigned(name: string, options: { needsConsent?: boolean; isForced?: boolean } = {}) {
  const device = await addDevice(server, name);
  open.push(device);
  await device.post('/configData', ATTRIBUTES, 'PUT');
  await rollOut(server.operator, server.releaseId, `name:${name}`, options);
  return { device, actionId: (await lastAssignment(server.operator, name)).id };
}

const stateOf = async (name: string) => (await lastAssignment(server.operator, name)).state;

async function statusOf(answer: Promise<{ status: number; text: string }>): Promise<number> {
  return (await answer).status;
}

test('the golden exchange of DDI', async () => {
  const device = await addDevice(server, 'dev1');
  open.push(device);
  const first = await device.poll();
  assert.deepEqual(first, {
    config: { polling: { sleep: '00:05:00' } },
    _links: { configData: { href: `${device.base}/configData` } },
  });
  assert.equal((await device.post('/configData', ATTRIBUTES, 'PUT')).status, 200);
  assert.deepEqual(await device.linkNames(), []);
  await rollOut(server.operator, server.releaseId, 'name:dev1');

  const href = await device.link('deploymentBase');
  assert.match(href, /\/default\/controller\/v1\/dev1\/deploymentBase\/[0-9]+\?c=-?[0-9]+$/);
  const answer = await device.send(href);
  assert.equal(answer.status, 200);
  assert.ok(ddiDeploymentBase.safeParse(answer.json()).success);
  const { id, deployment } = answer.json<Deployment>();
  const artifact = deployment.chunks[0]?.artifacts[0];
  assert.deepEqual([deployment.download, deployment.update], ['forced', 'forced']);
  assert.equal(artifact?.size, server.swu.length);
  for (const algorithm of ['sha1', 'md5', 'sha256']) {
    assert.equal(artifact.hashes[algorithm], createHash(algorithm).update(server.swu).digest('hex'));
  }
  const download = await device.send(artifact._links['download']?.href ?? '', { headers: { range: 'bytes=0-' } });
  assert.equal(download.status, 206);
  assert.ok(download.body.equals(server.swu));
  assert.equal(await stateOf('dev1'), 'offered');

  const path = `/deploymentBase/${id}/feedback`;
  const proceeding = await device.post(path, feedback('proceeding', 'none', { details: ['one', 'two'] }));
  assert.deepEqual([proceeding.status, proceeding.text], [200, '']);
  const history = await device.send(`/deploymentBase/${id}?actionHistory=-1`);
  assert.deepEqual(history.json<Deployment>().actionHistory, { status: 'RUNNING', messages: ['one', 'two'] });
  assert.equal((await device.post(path, feedback('closed', 'success'))).status, 200);
  assert.equal(await stateOf('dev1'), 'reported');
  // hawkBit answers 410 here; some clients would then install once more.
  assert.equal((await device.post(path, feedback('closed', 'success'))).status, 200);
  assert.equal((await device.post(path, feedback('closed', 'failure'))).status, 410);
  assert.equal((await device.post(path, feedback('proceeding', 'none'))).status, 410);

  const after = await device.poll();
  assert.deepEqual(Object.keys(after._links).sort(), ['configData', 'installedBase']);
  assert.equal(after._links['installedBase']?.href, `${device.base}/installedBase/${id}`);
  const installed = await device.send(after._links['installedBase']?.href ?? '');
  assert.equal(installed.json<Deployment>().deployment.chunks[0]?.version, '1.2.0');
  assert.equal((await device.send(`/deploymentBase/${id}`)).status, 200, 'a stale id is still served');
});

test('rauc-hawkbit-updater: exactly 200, one chunk with one artifact, no mode, string ids', async () => {
  const { device, actionId } = await assigned('rauc-1');
  const accept = { accept: 'application/json;charset=UTF-8' };
  const answer = await device.send(await device.link('deploymentBase'), { headers: accept });
  assert.equal(answer.headers['content-type'], 'application/json');
  const { id, deployment } = answer.json<Deployment>();
  assert.deepEqual([id, deployment.chunks.length, deployment.chunks[0]?.artifacts.length], [String(actionId), 1, 1]);
  const more = { id, time: '2026-01-31T10:11:12', data: { product: 'x' } };
  assert.equal(
    (await device.post('/configData', { ...more, status: feedback('closed', 'success') }, 'PUT')).status,
    200,
  );
  const send = (execution: string, finished: string) =>
    statusOf(
      device.post(`/deploymentBase/${id}/feedback`, {
        ...more,
        status: { result: { finished }, execution, details: ['one line'] },
      }),
    );
  assert.equal(await send('proceeding', 'none'), 200);
  // The final report is sent before the reboot, and once more when the answer was lost.
  assert.equal(await send('closed', 'success'), 200);
  assert.equal(await send('closed', 'success'), 200);
  assert.equal(await stateOf('rauc-1'), 'reported');
});

test('rauc-hawkbit-updater: a download only is told as downloaded', async () => {
  const { device, actionId } = await assigned('rauc-2');
  const path = `/deploymentBase/${actionId}/feedback`;
  assert.equal(await statusOf(device.post(path, feedback('downloaded', 'success'))), 200);
  assert.equal(await stateOf('rauc-2'), 'staged');
  assert.equal(await statusOf(device.post(path, feedback('closed', 'success'))), 200);
});

test('Zephyr: short answers, numbers in 32 bits, links gone on the same connection', async () => {
  const name = 'nrf52840dk_nrf52840-0123456789abcdef';
  const device = await addDevice(server, name);
  open.push(device);
  await rollOut(server.operator, server.releaseId, `name:${name}`);
  const poll = await device.send('');
  assert.ok(poll.body.length < ZEPHYR_BYTES_MAX);
  assert.ok(ddiPoll.safeParse(poll.json()).success);
  assert.deepEqual(await device.linkNames(), ['configData', 'deploymentBase']);
  const configData = await device.link('configData');
  assert.equal(await statusOf(device.post(configData, { mode: 'merge', data: { VIN: 'x' } }, 'PUT')), 200);
  assert.deepEqual(await device.linkNames(), ['deploymentBase']);

  const answer = await device.send(await device.link('deploymentBase'));
  assert.ok(answer.body.length < ZEPHYR_BYTES_MAX, String(answer.body.length));
  assert.equal(answer.headers['content-length'], String(answer.body.length));
  const { id, deployment } = answer.json<Deployment>();
  const [chunk] = deployment.chunks;
  const artifact = chunk?.artifacts[0];
  assert.deepEqual([chunk?.part, deployment.chunks.length, chunk?.artifacts.length], ['bApp', 1, 1]);
  assert.match(artifact?.hashes['sha256'] ?? '', /^[0-9a-f]{64}$/);
  assert.ok(artifact?._links['download-http']?.href.startsWith(server.url));
  assert.ok(Number(id) >= 11 && Number(id) < 2 ** 31 && !/^[1-9]0+$/.test(id));
  const done = { status: { execution: 'closed', result: { finished: 'success' } } };
  assert.equal(await statusOf(device.post(`/deploymentBase/${id}/feedback`, done)), 200);
  assert.deepEqual(await device.linkNames(), ['configData', 'installedBase']);
});

test('Zephyr of old: asks as DEFAULT, and finds its own spelling in the links', async () => {
  const { device } = await assigned('zephyr-old');
  const base = device.base.replace('/default/', '/DEFAULT/');
  const poll = (await device.send(base)).json<{ _links: { deploymentBase: { href: string } } }>();
  const { deployment } = (await device.send(poll._links.deploymentBase.href)).json<Deployment>();
  assert.match(deployment.chunks[0]?.artifacts[0]?._links['download-http']?.href ?? '', /\/DEFAULT\/controller\/v1/);
});

test('SWUpdate: cancels by appending to the link, with a body of its own', async () => {
  const { device, actionId } = await assigned('swu-cancel');
  await server.operator.call('cancelAssignment', { params: { id: actionId }, body: {} });
  assert.deepEqual(await device.linkNames(), ['cancelAction']);
  const href = await device.link('cancelAction');
  assert.match(href, /\/cancelAction\/[0-9]+$/);
  const id = String(actionId);
  assert.deepEqual((await device.send(href)).json(), { id, cancelAction: { stopId: id } });
  assert.equal(await statusOf(device.send(`/deploymentBase/${id}`)), 404);
  assert.equal(await statusOf(device.post(`${href}/feedback`, feedback('proceeding', 'none'))), 200);
  assert.equal(await stateOf('swu-cancel'), 'cancelling');
  assert.equal(await statusOf(device.post(`${href}/feedback`, feedback('closed', 'success'))), 200);
  assert.equal(await stateOf('swu-cancel'), 'cancelled');
  assert.deepEqual(await device.linkNames(), []);
  assert.equal(await statusOf(device.post(`${href}/feedback`, feedback('closed', 'success'))), 200, 'the same again');
  assert.equal(await statusOf(device.post(`${href}/feedback`, feedback('closed', 'failure'))), 410);
  assert.equal(await statusOf(device.send(href)), 404);
  assert.equal(await statusOf(device.send(`/deploymentBase/${id}`)), 404);
  assert.equal(await statusOf(device.post(`/deploymentBase/${id}/feedback`, feedback('closed', 'success'))), 410);
});

const CANCEL_ENDS: readonly (readonly [string, string, string])[] = [
  ['canceled', 'none', 'cancelled'],
  ['closed', 'none', 'cancelled'],
  ['closed', 'failure', 'offered'],
  ['rejected', 'success', 'offered'],
];

for (const [execution, finished, state] of CANCEL_ENDS) {
  test(`a cancellation answered ${execution}/${finished} leads to ${state}`, async () => {
    const name = `cancel-${execution}-${finished}`;
    const { device, actionId } = await assigned(name);
    await server.operator.call('cancelAssignment', { params: { id: actionId }, body: {} });
    const path = `/cancelAction/${actionId}/feedback`;
    assert.equal(await statusOf(device.post(path, feedback(execution, finished))), 200);
    assert.equal(await stateOf(name), state);
  });
}

test('a late success wins over a cancellation', async () => {
  const { device, actionId } = await assigned('late');
  await server.operator.call('cancelAssignment', { params: { id: actionId }, body: {} });
  assert.equal(await statusOf(device.post(`/deploymentBase/${actionId}/feedback`, feedback('closed', 'success'))), 200);
  assert.equal(await stateOf('late'), 'reported');
});

test('refuses cancel feedback on what is not being cancelled', async () => {
  const { device, actionId } = await assigned('no-cancel');
  const answer = await device.post(`/cancelAction/${actionId}/feedback`, feedback('closed', 'success'));
  assert.deepEqual([answer.status, answer.json()['code']], [405, 'DEVICE_CANCEL_NOT_ALLOWED']);
  assert.equal(await statusOf(device.send(`/cancelAction/${actionId}`)), 404);
  assert.equal(await statusOf(device.send(`/installedBase/${actionId}`)), 404);
  assert.equal(await stateOf('no-cancel'), 'offered');
});

test('a failure is a failure, and the same failure again is 200', async () => {
  const { device, actionId } = await assigned('fails');
  const path = `/deploymentBase/${actionId}/feedback`;
  const failure = feedback('closed', 'failure', { code: 7, details: ['x'.repeat(2000)] });
  assert.equal(await statusOf(device.post(path, failure)), 200);
  assert.equal(await statusOf(device.post(path, failure)), 200);
  assert.equal(await stateOf('fails'), 'failed');
  assert.equal(await statusOf(device.post(path, feedback('closed', 'success'))), 410);
  const history = (await device.send(`/deploymentBase/${actionId}?actionHistory=10`)).json<Deployment>();
  assert.deepEqual(
    history.actionHistory?.messages.map((line) => line.length),
    [512, 512, 512, 464],
  );
});

test('rejected is a warning, canceled ends a deployment', async () => {
  const { device, actionId } = await assigned('warns');
  const path = `/deploymentBase/${actionId}/feedback`;
  for (const execution of ['rejected', 'scheduled', 'resumed', 'download']) {
    assert.equal(await statusOf(device.post(path, feedback(execution, 'none'))), 200);
  }
  assert.equal(await stateOf('warns'), 'downloading');
  assert.equal(await statusOf(device.post(path, feedback('canceled', 'none'))), 200);
  assert.equal(await stateOf('warns'), 'cancelled');
});

test('soft is offered as attempt, and a paused rollout is not offered until it is resumed', async () => {
  const { device } = await assigned('soft', { isForced: false });
  const { deployment } = (await device.send(await device.link('deploymentBase'))).json<Deployment>();
  assert.deepEqual([deployment.download, deployment.update], ['attempt', 'attempt']);
  const { items } = await server.operator.call('listRollouts', { query: {} });
  const change = (verb: 'pause' | 'resume') =>
    server.operator.call('changeRollout', { params: { id: items[0]?.id ?? 0, verb }, body: {} });
  await change('pause');
  assert.deepEqual(await device.linkNames(), []);
  await change('resume');
  assert.deepEqual(await device.linkNames(), ['deploymentBase']);
});

test('consent: asked for, denied, given', async () => {
  const { device, actionId } = await assigned('consent', { needsConsent: true });
  assert.deepEqual(await device.linkNames(), ['confirmationBase']);
  const href = await device.link('confirmationBase');
  assert.match(href, /\/confirmationBase\/[0-9]+\?c=/);
  const asked = (await device.send(href)).json<{ id: string; confirmation: { chunks: unknown[] } }>();
  assert.deepEqual([asked.id, asked.confirmation.chunks.length], [String(actionId), 1]);
  assert.equal(await statusOf(device.send(`/deploymentBase/${actionId}`)), 404);
  assert.equal(await statusOf(device.post(`/deploymentBase/${actionId}/feedback`, feedback('closed', 'success'))), 404);
  assert.equal(await statusOf(device.send(`/softwaremodules/${server.releaseId}/artifacts`)), 404);

  const path = `/confirmationBase/${actionId}/feedback`;
  assert.equal(await statusOf(device.post(path, { confirmation: 'denied', code: -1, details: ['not now'] })), 200);
  assert.equal(await stateOf('consent'), 'awaiting-consent');
  assert.equal(await statusOf(device.post(path, { confirmation: 'confirmed' })), 200);
  assert.equal(await stateOf('consent'), 'offered');
  assert.deepEqual(await device.linkNames(), ['deploymentBase']);
  assert.equal(await statusOf(device.post(path, { confirmation: 'confirmed' })), 200, 'the same again');
  assert.equal(await statusOf(device.post(path, { confirmation: 'denied' })), 404);
  assert.equal(await statusOf(device.send(`/confirmationBase/${actionId}`)), 404);
  await device.post(`/deploymentBase/${actionId}/feedback`, feedback('closed', 'success'));
  assert.equal(await statusOf(device.post(path, { confirmation: 'confirmed' })), 410);
});

test('consent in advance: activated once, counts for what waits, deactivated', async () => {
  const { device } = await assigned('auto', { needsConsent: true });
  const base = async () => (await device.send('/confirmationBase')).json<Record<string, object>>();
  assert.deepEqual(Object.keys((await base())['_links'] ?? {}), ['activateAutoConfirm', 'confirmationBase']);
  const on = { initiator: 'owner', remark: 'always' };
  assert.equal(await statusOf(device.post('/confirmationBase/activateAutoConfirm', on)), 200);
  assert.equal(await stateOf('auto'), 'offered');
  const active = (await base())['autoConfirm'] as Record<string, unknown>;
  assert.deepEqual([active['active'], active['initiator'], active['remark']], [true, 'owner', 'always']);
  const again = await device.post('/confirmationBase/activateAutoConfirm', {});
  assert.deepEqual([again.status, again.json()['code']], [409, 'DEVICE_AUTO_CONFIRM_ACTIVE']);
  assert.equal(await statusOf(device.send('/confirmationBase/deactivateAutoConfirm', { method: 'POST' })), 200);
  assert.deepEqual((await base())['autoConfirm'], { active: false });
});

test('tells what was installed without the server, if it is a release of ours', async () => {
  const device = await addDevice(server, 'offline');
  open.push(device);
  const put = (name: string, version: string) => statusOf(device.post('/installedBase', { name, version }, 'PUT'));
  assert.equal(await put('gateway', '9.9.9'), 404);
  assert.equal(await put('gateway', '1.2.0'), 200);
  const { installedVersion } = await server.operator.call('getDevice', { params: { controllerId: 'offline' } });
  assert.equal(installedVersion, '1.2.0');
});

test('attributes are merged, replaced and removed, a hundred at most', async () => {
  const device = await addDevice(server, 'attributes');
  open.push(device);
  const put = (body: object) => statusOf(device.post('/configData', body, 'PUT'));
  const known = async () =>
    (await server.operator.call('getDevice', { params: { controllerId: 'attributes' } })).attributes;
  assert.equal(await put({ data: { a: '1', b: '2' } }), 200);
  assert.equal(await put({ mode: 'merge', data: { b: '3', c: '4' } }), 200);
  assert.deepEqual(await known(), { a: '1', b: '3', c: '4' });
  assert.equal(await put({ mode: 'remove', data: { a: null, b: 'x' } }), 200);
  assert.deepEqual(await known(), { c: '4' });
  assert.equal(await put({ mode: 'merge', data: { c: null } }), 400);
  const hundred = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, 'v']));
  assert.equal(await put({ mode: 'merge', data: hundred }), 403);
  assert.deepEqual(await known(), { c: '4' });
  assert.equal(await put({ mode: 'replace', data: hundred }), 200);
  assert.equal(Object.keys(await known()).length, 100);
});

test('speaks CBOR both ways', async () => {
  const { device, actionId } = await assigned('cbor');
  const poll = await device.send('', { headers: { accept: 'application/cbor' } });
  assert.equal(poll.headers['content-type'], 'application/cbor');
  const document = decodeCbor(new Uint8Array(poll.body)) as Map<string, Map<string, unknown>>;
  assert.ok(document.get('_links')?.has('deploymentBase'));
  const result = new Map([['finished', 'success']]);
  const status = new Map<string, string | Map<string, string>>([
    ['execution', 'closed'],
    ['result', result],
  ]);
  const body = encodeCbor(new Map([['status', status]]));
  const headers = { 'content-type': 'application/cbor' };
  const answer = await device.send(`/deploymentBase/${actionId}/feedback`, { method: 'POST', headers, body });
  assert.equal(answer.status, 200);
  assert.equal(await stateOf('cbor'), 'reported');
});

test('answers 304 to a document that the client has', async () => {
  const { device } = await assigned('cached');
  const { headers } = await device.send('');
  const again = await device.send('', { headers: { 'if-none-match': String(headers.etag) } });
  assert.deepEqual([again.status, again.body.length], [304, 0]);
});

test('serves a file whole, by range, in parts, by HEAD, and its MD5SUM', async () => {
  const { device } = await assigned('files');
  const path = `/softwaremodules/${server.releaseId}/artifacts`;
  const [listed] = (await device.send(path)).json<{ _links: Record<string, { href: string }> }[]>();
  const href = listed?._links['download']?.href ?? '';
  const { swu } = server;
  const sha1 = createHash('sha1').update(swu).digest('hex');

  const head = await device.send(href, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, String(swu.length), 0]);
  assert.equal(await stateOf('files'), 'offered', 'a HEAD is no download');

  const whole = await device.send(href, { headers: { accept: 'application/octet-stream' } });
  assert.ok(whole.body.equals(swu));
  assert.equal(await stateOf('files'), 'downloading');
  const { headers } = whole;
  assert.equal(headers['content-type'], 'application/octet-stream');
  assert.equal(headers['content-disposition'], `attachment;filename=${FILE_NAME}`);
  assert.deepEqual([headers.etag, headers['accept-ranges']], [`"${sha1}"`, 'bytes']);
  assert.equal(headers['transfer-encoding'], undefined);
  const modified = String(headers['last-modified']);

  const range = (text: string, more: Record<string, string> = {}) =>
    device.send(href, { headers: { range: text, ...more } });
  const part = await range('bytes=100-199');
  assert.deepEqual([part.status, part.headers['content-range']], [206, `bytes 100-199/${swu.length}`]);
  assert.ok(part.body.equals(swu.subarray(100, 200)));
  const several = await range('bytes=0-9,-10');
  assert.match(String(several.headers['content-type']), /^multipart\/byteranges; boundary=/);
  assert.equal(several.headers['content-length'], String(several.body.length));
  assert.ok(
    several.body.includes(Buffer.from(swu.subarray(0, 10))) && several.body.includes(Buffer.from(swu.subarray(-10))),
  );

  assert.equal((await range('bytes=5-', { 'if-range': `"${sha1}"` })).status, 206);
  assert.equal((await range('bytes=5-', { 'if-range': modified })).status, 206);
  assert.equal((await range('bytes=5-', { 'if-range': '"other"' })).status, 200);
  assert.equal((await device.send(href, { headers: { 'if-match': '"other"' } })).status, 412);
  assert.equal((await device.send(href, { headers: { 'if-none-match': `"${sha1}"` } })).status, 304);
  const outside = await range(`bytes=${swu.length}-`);
  assert.deepEqual([outside.status, outside.headers['content-range']], [416, `bytes */${swu.length}`]);

  const md5sum = await device.send(listed?._links['md5sum']?.href ?? '');
  assert.equal(md5sum.text, `${createHash('md5').update(swu).digest('hex')}  ${FILE_NAME}`);
  assert.equal(md5sum.headers['content-type'], 'text/plain');
});

test('keeps a thousand messages of an assignment, and takes the final report all the same', async () => {
  const { device, actionId } = await assigned('talkative');
  const path = `/deploymentBase/${actionId}/feedback`;
  let status = 200;
  let count = 0;
  for (; status === 200 && count < 1002; count += 1) {
    status = (await device.post(path, feedback('proceeding', 'none', { details: ['x'] }))).status;
  }
  assert.deepEqual([status, count], [429, 1001]);
  assert.equal(await statusOf(device.post(path, feedback('closed', 'success'))), 200);
  assert.equal(await stateOf('talkative'), 'reported');
});
