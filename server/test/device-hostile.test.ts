/**
 * Hostile requests against every operation of both device APIs (DDI with Pawl's own, and Mender's), from their tables of
 * operations: each is refused in the API's own form with a code, or cut off where HTTP itself is broken; nothing is stored, and
 * who is honest is served afterwards. What is special to DDI stands in ddi-hostile.test.ts.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { DEVICE_OPERATIONS, type DeviceOperation } from '@pawl/contract/device';
import { MENDER_OPERATIONS, type MenderOperation } from '@pawl/contract/mender';
import type { z } from 'zod';
import { DEVICE_API_ERRORS } from '../src/http/device/errors.ts';
import { API_ERRORS } from '../src/http/errors.ts';
import { MENDER_ERRORS } from '../src/http/mender/errors.ts';
import { addDevice, type ScriptedDevice } from './ddi-device.ts';
import { type DdiServer, FILE_NAME, startDdiServer } from './ddi-server.ts';
import { CODINGS, databaseDigest, INSIDES, NO_BODY_OF_OURS, NO_STRICT_JSON, OF_EACH_TYPE } from './hostile-inputs.ts';
import { type MenderScript, preauthorised } from './mender-script.ts';
import { exchange, type RawAnswer, type RawRequest } from './raw-http.ts';
import { lastAssignment, rollOut } from './running-server.ts';

type Operation = DeviceOperation | MenderOperation;
type Row = { readonly api: 'device' | 'mender'; readonly id: string } & Operation;

const ROWS: readonly Row[] = [
  ...Object.entries(DEVICE_OPERATIONS).map(([id, row]) => ({
    ...(row as DeviceOperation),
    id,
    api: 'device' as const,
  })),
  ...Object.entries(MENDER_OPERATIONS).map(([id, row]) => ({
    ...(row as MenderOperation),
    id,
    api: 'mender' as const,
  })),
];
const BODY_BYTES_DEFAULT = 1024;
const UNKNOWN_ID = '2000000000';
const CODES = new Set(
  [DEVICE_API_ERRORS, MENDER_ERRORS, API_ERRORS]
    .flatMap((table) => Object.keys(table))
    .filter((code) => code !== 'API_INTERNAL'),
);

const PEM = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
const STATUS = {
  execution: 'proceeding',
  result: { finished: 'none', progress: { cnt: 1, of: 2 } },
  code: 1,
  details: ['x'],
};
const PROVIDES = { artifact_name: 'release-1', device_type: 'gw-1' };
/** A body that each operation takes. */
const VALID: Readonly<Record<string, unknown>> = {
  putConfigData: { mode: 'merge', data: { a: 'b' } },
  postDeploymentFeedback: { id: 1, time: '', status: STATUS },
  postCancelFeedback: { id: '1', status: STATUS },
  putInstalledBase: { name: 'gateway', version: '1.0.0' },
  postConfirmationFeedback: { confirmation: 'denied', code: 1, details: ['x'] },
  activateAutoConfirm: { initiator: 'x', remark: 'y' },
  enrol: { claim: 'c', name: 'n', publicKey: PEM, proof: 'eA==' },
  introduce: { name: 'n', attributes: { a: 'b' }, publicKey: PEM, tokenSha256: 'ab'.repeat(32), proof: 'eA==' },
  authenticate: { id_data: '{"serial":"1"}', pubkey: PEM, tenant_token: 'x' },
  nextDeployment: { device_provides: PROVIDES },
  nextDeploymentFlat: PROVIDES,
  putDeploymentStatus: { status: 'downloading', substate: 'x' },
  putDeploymentLog: { messages: [{ timestamp: 't', level: 'info', message: 'm' }] },
  putInventory: [{ name: 'a', value: ['b'] }],
  patchInventory: [{ name: 'a', value: 1 }],
};

let server: DdiServer;
let device: ScriptedDevice;
let mender: MenderScript;
let token: string;
let params: Readonly<Record<string, string>>;
let othersAction: string;
let digestBefore: string;

before(async () => {
  server = await startDdiServer({ limits: { headMs: 20_000, bodyMs: 20_000, idleMs: 20_000, connections: 1000 } });
  const { operator } = server;
  const { devices } = await operator.call('addDevices', {
    body: { devices: [{ controllerId: 'dev1', model: 'gw-1', line: 'gateway' }] },
  });
  token = devices[0]?.token ?? '';
  device = await addDevice(server, 'dev2');
  mender = await preauthorised(server, 'mender-1');
  await rollOut(operator, server.releaseId, 'name:dev1');
  await rollOut(operator, server.releaseId, 'name:dev2');
  const { claim } = await operator.call('createTenant', { body: { name: 'other' } });
  const stranger = new ManagementClient({ url: server.url });
  const login = await stranger.call('login', { body: { claim, label: 'x' } });
  await new ManagementClient({ url: server.url, token: login.token }).call('addDevices', {
    body: { devices: [{ controllerId: 'dev1', model: 'gw-1', line: 'gateway' }] },
  });
  othersAction = String((await lastAssignment(operator, 'dev2')).id);
  params = {
    tenant: 'default',
    controllerId: 'dev1',
    actionId: String((await lastAssignment(operator, 'dev1')).id),
    moduleId: String(server.releaseId),
    fileName: FILE_NAME,
    deploymentId: UNKNOWN_ID,
    ticket: 'x'.repeat(43),
  };
  await settled();
  digestBefore = databaseDigest(server.folder);
});
after(async () => {
  device.close();
  await server.close();
});

/** What was done so far has its place in the ledger and in the stream of events. */
async function settled(): Promise<void> {
  const headers = { authorization: `Bearer ${server.token}` };
  for (let text = ''; !/^pawl_events_waiting 0$/m.test(text) || !/^pawl_statements_waiting 0$/m.test(text); ) {
    ({ text } = await exchange(`${server.url}/metrics`, { headers }));
  }
}

const authorizationOf = ({ api }: Row) => (api === 'device' ? `TargetToken ${token}` : `Bearer ${mender.token}`);
const limitOf = ({ bodyBytesMax }: Row) => bodyBytesMax ?? BODY_BYTES_DEFAULT;

function pathOf({ path }: Row, other: Readonly<Record<string, string>> = {}): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => other[name] ?? params[name] ?? assert.fail(name));
}

/** Which refusals of which operations there were, in the form of its API: `device.poll 401 CODE`. */
const refusals = new Set<string>();

async function send(
  row: Row,
  request: RawRequest = {},
  other: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  const type = 'bodyType' in row && row.bodyType !== undefined ? row.bodyType : 'application/json';
  const content = row.body === undefined ? {} : { 'content-type': type };
  const headers = { authorization: authorizationOf(row), ...content, ...request.headers };
  const answer = await exchange(`${server.url}${pathOf(row, other)}`, { method: row.method, ...request, headers });
  const isOwn = request.method === undefined && answer.headers['content-type'] === 'application/json';
  if (isOwn && answer.status >= 400)
    refusals.add(`${row.api}.${row.id} ${answer.status} ${String(answer.json()['code'])}`);
  return answer;
}

const MEMBERS: readonly string[] = [
  'code,errorCode,exceptionClass,message',
  'code,error',
  'advice,code,requestId,status,title,type',
];

/** Refused, with a code that stands in a table, and with nothing that helps an attacker. */
function assertRefused(answer: RawAnswer, statuses: readonly number[], what: string): void {
  assert.ok(statuses.includes(answer.status), `${what.slice(0, 100)}: ${answer.status} ${answer.text}`);
  if (answer.headers['content-length'] === '0') assert.fail(`${what}: no word why`);
  const said = answer.json();
  assert.ok(CODES.has(String(said['code'])), `${what}: ${answer.text}`);
  assert.ok(MEMBERS.includes(Object.keys(said).sort().join()), `${what}: ${answer.text}`);
  assert.doesNotMatch(answer.text, INSIDES, what);
  assert.ok(!answer.text.includes(token) && !answer.text.includes(mender.token), what);
}

const isJsonRow = (row: Row): row is Row & { body: z.ZodType } => row.body !== undefined && row.body !== 'bytes';
const JSON_ROWS = ROWS.filter(isJsonRow);

test('a body that is not strict JSON, or none of this operation, is refused by every operation that takes one', async () => {
  for (const row of ROWS) {
    if (row.body === undefined) continue;
    for (const [name, body] of NO_STRICT_JSON) {
      // What is large is read by the same code everywhere.
      if (body.length > 10_000 && row.id !== 'postDeploymentFeedback' && row.id !== 'putInventory') continue;
      const status = body.length > limitOf(row) ? 413 : 400;
      assertRefused(await send(row, { body }), [status, 403], `${row.id}: ${name}`);
    }
    for (const [name, body] of NO_BODY_OF_OURS) {
      // Members that an operation does not know are ignored here: a device may be newer than its server.
      if (isJsonRow(row) && row.body.safeParse(JSON.parse(body)).success) continue;
      assertRefused(await send(row, { body }), [400, 403], `${row.id}: ${name}`);
    }
    for (const [coding, body] of CODINGS) {
      const answer = await send(row, { body, headers: { 'content-encoding': coding } });
      assertRefused(answer, row.body === 'bytes' ? [403, 415] : [400, 415], `${row.id} ${coding}`);
    }
  }
});

const NO_CBOR: readonly (readonly [string, readonly number[]])[] = [
  ['a map without end', [0xbf, 0x61, 0x61, 0x01, 0xff]],
  ['a key twice', [0xa2, 0x61, 0x61, 0x01, 0x61, 0x61, 0x02]],
  ['a map of 2^32 entries', [0xba, 0xff, 0xff, 0xff, 0xff]],
  ['a text of 2^63 bytes', [0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ['a text that is no UTF-8', [0x62, 0xc0, 0xaf]],
  ['nesting', Array.from({ length: 10_000 }, () => 0x81)],
  ['tags', [...Array.from({ length: 1000 }, () => 0xc6), 0x00]],
  ['not a number', [0xf9, 0x7e, 0x00]],
  ['undefined', [0xf7]],
  ['two documents', [0xa0, 0xa0]],
  ['nothing', []],
  ['a key that is no text', [0xa1, 0x01, 0x02]],
];

test('a body that is not the one profile of CBOR is refused by every operation of DDI that takes one', async () => {
  for (const row of JSON_ROWS) {
    if (row.api !== 'device') continue;
    for (const [name, bytes] of NO_CBOR) {
      const answer = await send(row, { body: Uint8Array.from(bytes), headers: { 'content-type': 'application/cbor' } });
      assertRefused(answer, [400], `${row.id}: ${name}`);
    }
  }
});

/** The document with one of its parts replaced or left out. */
function* changed(value: unknown): Generator<unknown> {
  for (const other of OF_EACH_TYPE) yield other;
  if (typeof value !== 'object' || value === null) return;
  for (const name of Object.keys(value)) {
    const rest = Array.isArray(value) ? [...(value as unknown[])] : { ...value };
    const place = rest as Record<string, unknown>;
    const part = place[name];
    delete place[name];
    yield structuredClone(rest);
    for (const other of changed(part)) yield Object.assign(structuredClone(rest), { [name]: other });
  }
}

test('a part of any other type is refused by every operation, in the place of each part of its body', async () => {
  let sent = 0;
  for (const row of JSON_ROWS) {
    assert.ok(row.body.safeParse(VALID[row.id]).success, row.id);
    for (const document of changed(VALID[row.id])) {
      const body = JSON.stringify(document);
      if (row.body.safeParse(JSON.parse(body)).success || body.length > limitOf(row)) continue;
      assertRefused(await send(row, { body }), [400], `${row.id} ${body.slice(0, 120)}`);
      sent += 1;
    }
  }
  assert.ok(sent > 300, `${sent}`);
});

/** Without a length: the status that the server gives before it has taken all of it. */
function sendChunked(row: Row, sizeBytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: authorizationOf(row), 'content-type': 'application/json' };
    const request = http.request(`${server.url}${pathOf(row)}`, { method: row.method, headers, agent: false });
    request.on('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    request.on('error', reject);
    request.write(Buffer.alloc(sizeBytes, 0x20));
    request.end();
  });
}

test('a body over the limit of the operation is refused, announced, sent or in chunks', async () => {
  for (const row of ROWS) {
    if (row.body === undefined) continue;
    const size = limitOf(row) + 1;
    assertRefused(await send(row, { headers: { 'content-length': String(size) } }), [413], row.id);
    assertRefused(await send(row, { body: Buffer.alloc(size, 0x20) }), [413], row.id);
    assert.equal(await sendChunked(row, size), 413, row.id);
  }
});

test('who shows nothing, too much, or what is not his is refused by every operation before its body is read', async () => {
  const wrong = ['', 'TargetToken', 'Bearer', 'Basic eDp5', 'Bearer x\u00ff', `TargetToken ${'x'.repeat(10_000)}`];
  for (const row of ROWS) {
    if (row.auth !== 'device' && row.auth !== 'token') continue;
    const others = row.api === 'device' ? `TargetToken ${mender.token}` : `Bearer ${token}`;
    for (const authorization of [...wrong, others]) {
      const announced = row.body === undefined ? {} : { 'content-length': '1000000000' };
      assertRefused(await send(row, { headers: { authorization, ...announced } }), [401], `${row.id} ${authorization}`);
    }
  }
});

test('what belongs to another device or tenant is not there', async () => {
  for (const row of ROWS) {
    const body = row.body === undefined ? {} : { body: JSON.stringify(VALID[row.id] ?? {}) };
    const wrong: Readonly<Record<string, readonly [string, number]>> = {
      tenant: ['other', 401],
      controllerId: ['dev2', 401],
      actionId: [othersAction, 404],
      moduleId: ['999', 404],
      deploymentId: [othersAction, row.auth === 'ticket' ? 401 : 404],
      ticket: ['y'.repeat(43), 401],
    };
    for (const [name, [value, status]] of Object.entries(wrong)) {
      if (!row.path.includes(`{${name}}`)) continue;
      // Who has a claim or a key says where he belongs: what does not hold in a tenant is refused by what he shows.
      const statuses = row.auth === 'claim' || row.auth === 'signature' ? [400, 403] : [status];
      assertRefused(await send(row, body, { [name]: value }), statuses, `${row.id} ${name}=${value}`);
    }
  }
});

const NUMBERS = [
  '0',
  '-1',
  '01',
  '1e1',
  '0x10',
  'NaN',
  '9'.repeat(40),
  '1%00',
  '%31%20',
  '..%2F1',
  '1;2',
  '1,2',
  '%EF%BC%91',
];
const HOSTILE_PARAMS: Readonly<Record<string, readonly string[]>> = {
  tenant: ['..', '%2e%2e', 'a%20b', "'--", 'x'.repeat(64), '-a', 'a%00', 'a%2Fb', '%ff', 'default%00', 'd%C3%A9fault'],
  controllerId: [
    '..',
    '.',
    '%2e%2e',
    '..%2fdev1',
    'a%5cb',
    'dev1%00',
    'dev1%0a',
    'x'.repeat(257),
    '%ff',
    '%c0%ae',
    '%zz',
    'DEV1',
  ],
  actionId: NUMBERS,
  moduleId: NUMBERS,
  deploymentId: NUMBERS,
  fileName: [
    '..',
    '%2e%2e%2fpawl.db',
    '..%5cx',
    '.secret',
    `${FILE_NAME}%00`,
    '%2Fetc%2Fpasswd',
    'x'.repeat(400),
    'x'.repeat(5000),
    'a%0d%0aX:1',
    '%zz',
  ],
  ticket: ['AA', '..%2F..', '%00', 'x'.repeat(5000), '%zz'],
};

test('names like paths, and numbers of another spelling or size, are refused by every operation', async () => {
  for (const row of ROWS) {
    const body = row.body === undefined ? {} : { body: JSON.stringify(VALID[row.id] ?? {}) };
    for (const [, name = ''] of row.path.matchAll(/\{(\w+)\}/g)) {
      for (const value of HOSTILE_PARAMS[name] ?? assert.fail(`no hostile values for ${name}`)) {
        const statuses = row.auth === 'claim' || row.auth === 'signature' ? [400, 403, 404] : [400, 401, 404, 414];
        assertRefused(await send(row, body, { [name]: value }), statuses, `${row.id} ${name}=${value}`);
      }
    }
  }
});

test('an address is taken as it stands: no step up, no doubled slash, no other spelling leads to one', async () => {
  const own = '/default/controller/v1/dev1';
  for (const path of [
    `${own}/../dev1`,
    `${own}/./configData/..`,
    `/x/..${own}`,
    `/${own}`,
    `${own}//configData`,
    `${own}/`,
    `${own}/%2e%2e/dev1`,
    '/default/controller/v1/..;/dev1',
    '/default/Controller/v1/dev1',
    '/default/controller/v1%2Fdev1',
    `${own}/../../../../api/v1/devices`,
    '/default/pawl/v1/trust/../../../../api/v1/me',
    '/api/devices/v1/../../v1/devices',
    `/${'a/'.repeat(5000)}`,
  ]) {
    for (const authorization of [`TargetToken ${token}`, `Bearer ${mender.token}`, `Bearer ${server.token}`]) {
      const answer = await exchange(`${server.url}${path}`, { headers: { authorization } });
      assertRefused(answer, [400, 401, 404], path);
    }
  }
});

test('a method that an address does not take is 405 and told which it takes', async () => {
  const patterns = ROWS.map(
    ({ method, path }) => [method, new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`)] as const,
  );
  for (const row of ROWS) {
    const path = pathOf(row);
    const taken = patterns.filter(([, pattern]) => pattern.test(path)).map(([method]) => method as string);
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']) {
      if (taken.includes(method)) continue;
      const answer = await send(row, { method, body: '{"half":' });
      assertRefused(answer, [405], `${method} ${row.id}`);
      assert.ok(answer.headers.allow?.split(', ').includes(row.method), `${method} ${row.id} ${answer.headers.allow}`);
    }
  }
});

/** Sends bytes, ends, and gives all that came back until the server closed. */
function sendBytes(bytes: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve) => {
    const socket = net.connect(Number(port), hostname);
    let received = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk;
    });
    // A server that cuts the line has said enough.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(received));
    socket.end(Buffer.from(bytes, 'latin1'));
  });
}

const JSON_TYPE = 'Content-Type: application/json';
/** What is wrong with the framing of a request: its header lines, and its body. */
const FRAMES: readonly (readonly [string, readonly string[], string])[] = [
  ['two lengths that differ', [JSON_TYPE, 'Content-Length: 2', 'Content-Length: 3'], '{} '],
  ['two lengths in one', [JSON_TYPE, 'Content-Length: 2, 2'], '{}'],
  ['a length and chunks', [JSON_TYPE, 'Content-Length: 2', 'Transfer-Encoding: chunked'], '0\r\n\r\n'],
  ['chunks that are not last', [JSON_TYPE, 'Transfer-Encoding: chunked, gzip'], '0\r\n\r\n'],
  ['a coding that nobody knows', [JSON_TYPE, 'Transfer-Encoding: xchunked'], '0\r\n\r\n'],
  ['chunks behind a space', [JSON_TYPE, 'Transfer-Encoding : chunked'], '0\r\n\r\n'],
  ...['-1', '+2', '0x2', '2.0', '1e0', '9'.repeat(30), 'two', ''].map(
    (length) => [`a length of ${length}`, [JSON_TYPE, `Content-Length: ${length}`], '{}'] as const,
  ),
  ['a length beyond what comes', [JSON_TYPE, 'Content-Length: 1000'], '{}'],
  ['a length short of what comes', [JSON_TYPE, 'Content-Length: 1'], '{}'],
  ['another request behind a short length', [JSON_TYPE, 'Content-Length: 1'], '{GET /x HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['a chunk of no size', [JSON_TYPE, 'Transfer-Encoding: chunked'], 'zz\r\n{}\r\n0\r\n\r\n'],
  ['a chunk of 2^64 bytes', [JSON_TYPE, 'Transfer-Encoding: chunked'], 'ffffffffffffffff\r\n{}\r\n0\r\n\r\n'],
  ['a chunk that goes on', [JSON_TYPE, 'Transfer-Encoding: chunked'], '1\r\n{}\r\n0\r\n\r\n'],
  ['a folded header', [JSON_TYPE, 'X-A: 1', ' Content-Length: 2'], '{}'],
  ['a zero byte in a header', [JSON_TYPE, 'X-A: a\0b', 'Content-Length: 2'], '{}'],
  ['a bare carriage return', [JSON_TYPE, 'X-A: a\rContent-Length: 2'], '{}'],
  ['a header without a name', [JSON_TYPE, ': x', 'Content-Length: 2'], '{}'],
  ['a head of 100,000 bytes', [JSON_TYPE, `X-A: ${'a'.repeat(100_000)}`], ''],
  ['5,000 headers', [JSON_TYPE, ...Array.from({ length: 5000 }, (_, index) => `X-${index}: 1`)], ''],
  ['an expectation that nobody meets', [JSON_TYPE, 'Expect: everything', 'Content-Length: 2'], '{}'],
  ['a second Host', [JSON_TYPE, 'Host: evil.example', 'Content-Length: 2'], '{}'],
  ['a second Content-Type', [JSON_TYPE, 'Content-Type: text/plain', 'Content-Length: 2'], '{}'],
  ['a second Authorization', [JSON_TYPE, 'AUTHORIZATION: TargetToken x', 'Content-Length: 2'], '{}'],
];

/** Every answer in it is a refusal; or there is none. */
function assertCutOff(received: string, what: string): void {
  const statuses = [...received.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
  assert.ok(
    statuses.every((status) => status >= 400 && status < 500),
    `${what}: ${received.slice(0, 400)}`,
  );
  assert.ok(received === '' || statuses.length > 0, `${what}: ${received.slice(0, 400)}`);
  assert.doesNotMatch(received, INSIDES, what);
}

test('where HTTP itself is broken the request is refused or cut off, for each API and past the framework', async () => {
  const rows = ROWS.filter(({ id }) => id === 'postDeploymentFeedback' || id === 'nextDeployment');
  const { host } = new URL(server.url);
  for (const row of rows) {
    const own = [`Host: ${host}`, `Authorization: ${authorizationOf(row)}`, 'Connection: close'];
    for (const [name, lines, body] of FRAMES) {
      const head = [`${row.method} ${pathOf(row)} HTTP/1.1`, ...own, ...lines].join('\r\n');
      assertCutOff(await sendBytes(`${head}\r\n\r\n${body}`), `${row.id}: ${name}`);
    }
  }
  const lines = `Host: ${host}\r\nAuthorization: TargetToken ${token}\r\nConnection: close\r\n`;
  const own = '/default/controller/v1/dev1';
  for (const bytes of [
    `GET ${own} HTTP/1.1\r\n${lines}Host: ${host}\r\n\r\n`,
    `GET ${own} HTTP/1.1\r\n${lines}Authorization: TargetToken ${token}\r\n\r\n`,
    `GET ${own} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: TargetToken x\r\nauthorization: TargetToken ${token}\r\nConnection: close\r\n\r\n`,
    `GET ${own} HTTP/1.1\r\nAuthorization: TargetToken ${token}\r\nConnection: close\r\n\r\n`,
    `GET ${own} HTTP/1.1 x\r\n${lines}\r\n`,
    `GET ${own}\tHTTP/1.1\r\n${lines}\r\n`,
    `G\0T ${own} HTTP/1.1\r\n${lines}\r\n`,
    `GET ${own} HTTP/9.9\r\n${lines}\r\n`,
    `OPTIONS * HTTP/1.1\r\n${lines}\r\n`,
    'CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    '\0'.repeat(1000),
    '\r\n'.repeat(1000),
  ]) {
    assertCutOff(await sendBytes(bytes), JSON.stringify(bytes.slice(0, 100)));
  }
});

test('nothing of it was stored, and who is honest is served', async () => {
  assert.equal(databaseDigest(server.folder), digestBefore);
  const polled = await exchange(`${server.url}/default/controller/v1/dev1`, {
    headers: { authorization: `TargetToken ${token}` },
  });
  assert.equal(polled.status, 200);
  assert.match(polled.text, new RegExp(`/deploymentBase/${params['actionId']}\\?`));
  assert.deepEqual(await device.linkNames(), ['configData', 'deploymentBase']);
  assert.equal((await mender.next()).status, 204);
  assert.equal((await exchange(`${server.url}/api/v1/ready`)).status, 200);
});

const RANGES = [
  'bytes=-',
  'bytes=',
  'bytes=a-b',
  'bytes=5-1',
  'bytes=-0',
  'bytes=0-0,',
  'lines=1-2',
  'bytes 0-1',
  'bytes=0-0\t',
  `bytes=${'9'.repeat(40)}-`,
  `bytes=0-${'9'.repeat(40)}`,
  `bytes=-${'9'.repeat(40)}`,
  'bytes=--1',
  'bytes=1-2-3',
  'bytes=0x0-0x9',
  `bytes=${'0-,'.repeat(2000)}0-`,
  `bytes=${Array.from({ length: 1500 }, (_, at) => `${at}-${at}`).join()}`,
  'bytes=0-99,50-149,0-',
];

test('an absurd range is ignored, answered in bounds, or refused; never more bytes than the file', async () => {
  const file = ROWS.find(({ api, id }) => api === 'device' && id === 'getArtifact') ?? assert.fail();
  for (const range of RANGES) {
    for (const method of ['GET', 'HEAD']) {
      const answer = await send(file, { method, headers: { range } });
      const what = `${method} ${range.slice(0, 60)}: ${answer.status}`;
      assert.ok([200, 206, 416].includes(answer.status), what);
      assert.ok(Number(answer.headers['content-length']) <= server.swu.length + 1000, what);
      if (method === 'HEAD') assert.equal(answer.body.length, 0, what);
      else if (answer.status === 200) assert.ok(answer.body.equals(server.swu), what);
    }
  }
});

type Documented = {
  readonly paths: Record<
    string,
    Record<string, { readonly operationId: string; readonly responses: Record<string, { $ref?: string }> }>
  >;
};

test('every refusal that there was stands in the OpenAPI document of its API, under its operation', () => {
  const documented = new Set<string>();
  for (const api of ['device', 'mender']) {
    const file = join(import.meta.dirname, `../../docs/reference/openapi-${api}.json`);
    const { paths } = JSON.parse(readFileSync(file, 'utf8')) as Documented;
    for (const { operationId, responses } of Object.values(paths).flatMap((one) => Object.values(one))) {
      for (const [status, { $ref }] of Object.entries(responses)) {
        const codes = $ref?.split('/').at(-1)?.split('.') ?? [];
        for (const code of codes) documented.add(`${api}.${operationId} ${status} ${code}`);
      }
    }
  }
  const missing = [...refusals].filter((one) => !documented.has(one));
  assert.deepEqual(missing, []);
  assert.ok(refusals.size > 100, `${refusals.size}`);
});
