/** Hostile and broken requests to the device API: a coded refusal in hawkBit's shape, nothing stored, nothing leaked. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { toBase64 } from '@pawl/core/bytes';
import { PrivateKey, PublicKey } from '@pawl/core/crypto';
import { newRoot, signMetadata } from '@pawl/core/trust';
import { addDevice, feedback, type ScriptedDevice } from './ddi-device.ts';
import { type DdiServer, FILE_NAME, startDdiServer } from './ddi-server.ts';
import { exchange, type RawRequest } from './raw-http.ts';
import { lastAssignment, rollOut } from './running-server.ts';

let server: DdiServer;
let device: ScriptedDevice;
let other: ScriptedDevice;
let actionId: number;
let otherActionId: number;

before(async () => {
  server = await startDdiServer();
  device = await addDevice(server, 'dev1');
  other = await addDevice(server, 'dev2');
  await rollOut(server.operator, server.releaseId, 'name:dev1');
  await rollOut(server.operator, server.releaseId, 'name:dev2');
  actionId = (await lastAssignment(server.operator, 'dev1')).id;
  otherActionId = (await lastAssignment(server.operator, 'dev2')).id;
});

after(async () => {
  device.close();
  other.close();
  await server.close();
});

const JSON_TYPE = { 'content-type': 'application/json' };
const OK = JSON.stringify(feedback('closed', 'success'));

async function ledgerSize(): Promise<number> {
  return (await server.operator.call('getCheckpoint', {})).size;
}

type Row = readonly [name: string, path: string, request: RawRequest, status: number, code?: string];

test('bodies and paths: the table of refusals', async () => {
  const feedbackPath = `/deploymentBase/${actionId}/feedback`;
  const post = (body: string | Uint8Array, headers: Record<string, string> = JSON_TYPE): RawRequest => ({
    method: 'POST',
    headers,
    body,
  });
  const file = `/softwaremodules/${server.releaseId}/artifacts`;
  const TABLE: readonly Row[] = [
    ['no content type', feedbackPath, post(OK, {}), 415, 'DEVICE_CONTENT_TYPE_UNSUPPORTED'],
    ['text', feedbackPath, post(OK, { 'content-type': 'text/plain' }), 415, 'DEVICE_CONTENT_TYPE_UNSUPPORTED'],
    ['a form', feedbackPath, post(OK, { 'content-type': 'application/x-www-form-urlencoded' }), 415],
    ['a content type that is none', feedbackPath, post(OK, { 'content-type': ';;;' }), 415],
    ['no body', feedbackPath, { method: 'POST', headers: JSON_TYPE }, 400, 'DEVICE_BODY_MALFORMED'],
    ['half a body', feedbackPath, post(OK.slice(0, 40)), 400, 'DEVICE_BODY_MALFORMED'],
    ['a repeated member', feedbackPath, post(`{"status":{},${OK.slice(1)}`), 400, 'DEVICE_BODY_MALFORMED'],
    ['deep nesting', feedbackPath, post('['.repeat(60_000)), 400, 'DEVICE_BODY_MALFORMED'],
    ['CBOR cut short', feedbackPath, post(Uint8Array.of(0xbf), { 'content-type': 'application/cbor' }), 400],
    ['256 KiB and one byte', feedbackPath, post(' '.repeat(262_145)), 413, 'DEVICE_BODY_TOO_LARGE'],
    ['attributes of 64 KiB and one byte', '/configData', { ...post(' '.repeat(65_537)), method: 'PUT' }, 413],
    ['an Accept that nothing satisfies', '', { headers: { accept: 'text/html' } }, 406, 'DEVICE_ACCEPT_UNSUPPORTED'],
    ['a Host that is none', '', { headers: { host: 'evil.example/x' } }, 400],
    ['no such action', '/deploymentBase/999', {}, 404, 'DEVICE_NOT_FOUND'],
    ["another device's action", `/deploymentBase/${otherActionId}`, {}, 404, 'DEVICE_NOT_FOUND'],
    ["feedback on another device's action", `/deploymentBase/${otherActionId}/feedback`, post(OK), 404],
    ["another device's cancellation", `/cancelAction/${otherActionId}`, {}, 404],
    ['an id of 64 bits', '/deploymentBase/9223372036854775807', {}, 404],
    ['an id of words', '/deploymentBase/all', {}, 400, 'DEVICE_PARAMETER_INVALID'],
    ['an id below zero', '/deploymentBase/-1', {}, 400],
    ['an id in exponents', '/deploymentBase/1e1', {}, 400],
    ['a history of words', `/deploymentBase/${actionId}?actionHistory=many`, {}, 400],
    ['a release that is not assigned', '/softwaremodules/999/artifacts', {}, 404],
    ['a file that is not there', `${file}/other.swu`, {}, 404, 'DEVICE_NOT_FOUND'],
    ['a path for a file', `${file}/..%2f..%2fpawl.db`, {}, 400, 'DEVICE_PARAMETER_INVALID'],
    ['a path with a back-slash', `${file}/..%5c..%5cpawl.db`, {}, 400],
    ['a hidden file', `${file}/.secret`, {}, 400],
    ['a file with a zero byte', `${file}/${FILE_NAME}%00`, {}, 400],
    ['the MD5SUM of nothing', `${file}/x.MD5SUM`, {}, 404],
  ];
  await authorization();
  const before = await ledgerSize();
  for (const [name, path, request, status, code] of TABLE) {
    const answer = await exchange(`${device.base}${path}`, {
      ...request,
      headers: { authorization: await authorization(), ...request.headers },
    });
    assert.equal(answer.status, status, `${name}: ${answer.text}`);
    const body = answer.json<Record<string, string>>();
    assert.deepEqual(Object.keys(body).sort(), ['code', 'errorCode', 'exceptionClass', 'message'], name);
    if (code !== undefined) assert.equal(body['code'], code, name);
    assert.match(body['errorCode'] ?? '', /^hawkbit\.server\.error\./);
    assert.equal(answer.headers['content-length'], String(answer.body.length), name);
    assert.doesNotMatch(answer.text, /node_modules|\.ts:|SELECT|pawl-server-/, name);
  }
  assert.equal(await ledgerSize(), before);
  assert.equal((await lastAssignment(server.operator, 'dev1')).state, 'offered');
  assert.equal((await lastAssignment(server.operator, 'dev2')).state, 'offered');
});

/** A gateway speaks for both devices here, so that the table needs no tokens of its own. */
let gatewayToken: string | undefined;
async function authorization(): Promise<string> {
  const body = { name: 'table', controllerIds: ['dev1', 'dev2'] };
  gatewayToken ??= (await server.operator.call('createGateway', { body })).token ?? '';
  return `GatewayToken ${gatewayToken}`;
}

test('path-like names of devices and tenants name nothing', async () => {
  for (const name of ['..', '%2e%2e', '..%2fdev1', 'a%2fb', 'a%5cb', 'a%00', 'a%0a', 'x'.repeat(257), '%zz']) {
    const answer = await exchange(`${server.url}/default/controller/v1/${name}`, {});
    assert.ok([400, 401, 404, 414].includes(answer.status), `${name}: ${answer.status}`);
  }
  for (const tenant of ['..', '%2e%2e%2f', 'a%20b', "'--"]) {
    const answer = await exchange(`${server.url}/${tenant}/controller/v1/dev1`, {});
    assert.ok([400, 401, 404].includes(answer.status), tenant);
  }
});

test('a body of an unknown sender is not even read', async () => {
  const { hostname, port } = new URL(server.url);
  const socket = net.connect(Number(port), hostname);
  const head = 'POST /default/controller/v1/dev1/deploymentBase/11/feedback HTTP/1.1\r\nHost: x\r\n';
  socket.write(`${head}Content-Type: application/json\r\nContent-Length: 200000\r\n\r\n`);
  const answer = await new Promise<string>((resolve, reject) => {
    socket.once('data', (chunk) => resolve(chunk.toString()));
    socket.once('error', reject);
  });
  socket.destroy();
  assert.match(answer, /^HTTP\/1\.1 401 /);
});

test('methods that an address does not have change nothing', async () => {
  for (const method of ['DELETE', 'PUT', 'POST', 'PATCH']) {
    const answer = await exchange(device.base, { method, headers: { authorization: await authorization() } });
    assert.deepEqual([answer.status, answer.headers.allow], [405, 'GET, HEAD'], method);
  }
});

test('trust files: by the grammar of names, to devices only, byte for byte', async () => {
  const [root, targets] = [PrivateKey.generate('ESP256'), PrivateKey.generate('ESP256')];
  const { onlineKeys } = await server.operator.call('getTrust', {});
  const metadata = newRoot({
    keys: {
      root: [root.publicKey],
      targets: [targets.publicKey],
      snapshot: [PublicKey.fromSpki(onlineKeys.snapshot)],
      timestamp: [PublicKey.fromSpki(onlineKeys.timestamp)],
    },
    expiresAt: new Date(Date.now() + 86_400_000),
  });
  const bytes = await signMetadata(metadata, [root]);
  await server.operator.call('putTrust', { body: { roots: [toBase64(bytes)] } });

  const trust = `${server.url}/default/pawl/v1/trust/`;
  assert.equal((await exchange(`${trust}1.root.json`)).status, 401);
  const wrong = { authorization: 'TargetToken wrong' };
  assert.equal((await exchange(`${trust}1.root.json`, { headers: wrong })).status, 401);
  const served = await device.send(`${trust}1.root.json`);
  assert.deepEqual([served.status, served.headers['content-type']], [200, 'application/json']);
  assert.ok(served.body.equals(Buffer.from(bytes)));

  const nothing = 'ab'.repeat(32);
  for (const name of [
    '2.root.json',
    'root.json',
    '01.root.json',
    '1.root.json.bak',
    '1.ROOT.json',
    'timestamp.json',
    '.json',
    '..%2fpawl.db',
    'keys',
    `${nothing}.gateway.cbor`,
    `keys/${nothing}.gateway.cbor`,
    'keys/x.cbor',
    '1..json',
  ]) {
    const answer = await device.send(`${trust}${name}`);
    assert.equal(answer.status, 404, name);
  }
});
