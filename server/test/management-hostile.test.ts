/**
 * Hostile requests against every operation of the management API, from the table of operations: what is refused, that a
 * refusal is a problem document which gives nothing away, and that not one byte of the database changes.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MANAGEMENT_OPERATIONS, type ManagementOperation } from '@pawl/contract/management';
import { z } from 'zod';
import { CODINGS, databaseDigest, INSIDES, NO_BODY_OF_OURS, NO_STRICT_JSON, OF_EACH_TYPE } from './hostile-inputs.ts';
import { NEVER_UNKNOWN, UNKNOWN, VALID_BODIES } from './management-examples.ts';
import { exchange, type RawAnswer, type RawRequest } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

const KIB = 1024;
const BODY_BYTES_DEFAULT = 256 * KIB;
/** Between the default limit and the one that an operation has for itself, a body is larger than is sent here. */
const SENT_BYTES_MAX = 4 * KIB * KIB;
const UNKNOWN_ID = 2_000_000_000;
const VALID_PARAMS: Readonly<Record<string, string>> = {
  id: String(UNKNOWN_ID),
  index: '9',
  verb: 'start',
  line: 'gateway',
  name: 'envelope.suit',
  controllerId: 'unknown',
  tokenId: 'ab'.repeat(8),
  sessionId: 'ab'.repeat(8),
  passkeyId: 'ab'.repeat(32),
  keyId: 'ab'.repeat(32),
  sha256: 'ab'.repeat(32),
  product: 'unknown',
  market: 'EU',
  introductionId: 'pawl-200000000',
};
const OPERATIONS = Object.entries(MANAGEMENT_OPERATIONS) as [string, ManagementOperation][];
const WITH_JSON = OPERATIONS.filter(([, { body }]) => body !== undefined && body !== 'bytes');

let server: TestServer;
let digestBefore: string;

before(async () => {
  server = await startTestServer();
  const devices = [{ controllerId: 'known', model: 'hub', line: 'gateway' }];
  await server.operator.call('addDevices', { body: { devices } });
  // What was done so far has its place in the stream of events.
  while ((await server.operator.call('listEvents', { query: {} })).items.length < 3);
  // And the statements about the first person and the device their places in the ledger.
  while ((await server.operator.call('getCheckpoint', {})).size < 2);
  digestBefore = databaseDigest(server.folder);
});
after(async () => {
  const digestAfter = databaseDigest(server.folder);
  await server.close();
  assert.equal(digestAfter, digestBefore, 'something that was refused was stored');
});

function urlOf({ path }: ManagementOperation, params: Readonly<Record<string, string>> = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => params[name] ?? VALID_PARAMS[name] ?? '');
  return `${server.url}${filled}`;
}

function send(operation: ManagementOperation, request: RawRequest = {}, url = urlOf(operation)): Promise<RawAnswer> {
  const json = operation.body === undefined ? {} : { 'content-type': 'application/json' };
  const headers = { authorization: `Bearer ${server.token}`, ...json, ...request.headers };
  return exchange(url, { method: operation.method, ...request, headers });
}

/** A refusal has its code, the whole problem document, and nothing that helps an attacker. */
function assertProblem(answer: RawAnswer, status: number, code: string, what: string): void {
  assert.deepEqual([answer.status, answer.json()['code']], [status, code], what);
  assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json(;|$)/, what);
  const members = ['advice', 'code', 'requestId', 'status', 'title', 'type'];
  assert.deepEqual(Object.keys(answer.json()).sort(), members, what);
  assert.ok(!answer.text.includes(server.token), what);
  assert.ok(!answer.text.includes(server.folder), what);
  assert.doesNotMatch(answer.text, INSIDES, what);
}

test('a body of another media type is refused by every operation that takes JSON', async () => {
  for (const [id, operation] of WITH_JSON) {
    for (const type of ['text/plain', 'application/octet-stream', 'multipart/form-data; boundary=x', '']) {
      const answer = await send(operation, { body: '{}', headers: { 'content-type': type } });
      assertProblem(answer, 415, 'API_CONTENT_TYPE_UNSUPPORTED', `${id} ${type}`);
    }
  }
});

test('a body that is not strict JSON of the contract is refused by every operation that takes JSON', async () => {
  for (const [id, operation] of WITH_JSON) {
    for (const [name, body] of [...NO_STRICT_JSON, ...NO_BODY_OF_OURS]) {
      assertProblem(await send(operation, { body }), 400, 'API_REQUEST_INVALID', `${id}: ${name}`);
    }
  }
});

test('a coded body is refused by every operation that takes one, whether the coding is true or not', async () => {
  for (const [id, operation] of OPERATIONS) {
    if (operation.body === undefined) continue;
    const type = operation.body === 'bytes' ? 'application/octet-stream' : 'application/json';
    for (const [coding, body] of CODINGS) {
      const url = id === 'putEvidenceFile' ? `${urlOf(operation)}?sizeBytes=2` : urlOf(operation);
      const headers = { 'content-type': type, 'content-encoding': coding };
      const answer = await send(operation, { body, headers }, url);
      assertProblem(answer, 415, 'API_CONTENT_TYPE_UNSUPPORTED', `${id} ${coding}`);
    }
  }
});

test('a member of any other type is refused by every operation, in the place of each member that it takes', async () => {
  let sent = 0;
  for (const [id, { body, ...operation }] of WITH_JSON) {
    if (!(body instanceof z.ZodObject)) continue;
    for (const [member, schema] of Object.entries(body.shape as Readonly<Record<string, z.ZodType>>)) {
      for (const value of OF_EACH_TYPE) {
        // No text of ours holds U+0000, whatever the contract says of the member.
        if (value !== '\0' && schema.safeParse(value).success) continue;
        const text = JSON.stringify({ ...(JSON.parse(VALID_BODIES[id] ?? '{}') as object), [member]: value });
        const answer = await send({ body, ...operation }, { body: text });
        assertProblem(answer, 400, 'API_REQUEST_INVALID', `${id} ${member} ${text.slice(0, 80)}`);
        sent += 1;
      }
    }
  }
  assert.ok(sent > 1000, `${sent}`);
});

test('a body over the limit of the operation is refused, announced or not', async () => {
  for (const [id, operation] of WITH_JSON) {
    const limit = operation.bodyBytesMax ?? BODY_BYTES_DEFAULT;
    const announced = await send(operation, { headers: { 'content-length': String(limit + 1) } });
    assertProblem(announced, 413, 'API_BODY_TOO_LARGE', id);
    if (limit >= SENT_BYTES_MAX) continue;
    const sent = await send(operation, { body: Buffer.alloc(limit + 1, 0x20) });
    assertProblem(sent, 413, 'API_BODY_TOO_LARGE', id);
  }
});

test('who has no token is refused before a byte of the body is read', async () => {
  for (const [id, operation] of OPERATIONS) {
    if (operation.allow === 'open' || operation.body === undefined) continue;
    const headers = { authorization: '', 'content-length': '1000000000' };
    assertProblem(await send(operation, { headers }), 401, 'API_UNAUTHENTICATED', id);
  }
});

test('a query that an operation does not know is refused, not dropped', async () => {
  for (const [id, operation] of OPERATIONS) {
    const body = operation.body === undefined ? {} : { body: '{}' };
    const answer = await send(operation, body, `${urlOf(operation)}?tenant=other`);
    assertProblem(answer, 400, 'API_REQUEST_INVALID', id);
  }
});

const HOSTILE_PARAMS: Readonly<Record<string, readonly string[]>> = {
  id: ['0', '-1', '01', '1e3', '0x10', '2147483648', '9007199254740993', 'NaN', '1%00', '%31%20', '..%2F1'],
  index: ['-1', '01', '1.0', '1e1', '9007199254740993', 'last'],
  verb: ['finish', 'START', 'start%20', '__proto__', 'constructor'],
  line: ['UPPER', '..%2Fetc', '-a', 'a_b', 'x'.repeat(64), '%C3%A4'],
  name: ['..%2F..%2Fpawl.db', '.hidden', '%2Fetc%2Fpasswd', 'a%00b', 'a%5Cb', 'a%20b', 'x'.repeat(129)],
  controllerId: ['..%2Fx', '.x', 'a%2Fb', 'a%00', 'a%0Ab', "a'--", 'x'.repeat(129), '%25'],
  tokenId: ['AB'.repeat(8), 'ab', 'x'.repeat(16), '..%2F..'],
  sessionId: ['AB'.repeat(8), 'ab', 'x'.repeat(16), '..%2F..'],
  passkeyId: ['AB'.repeat(32), 'ab', 'x'.repeat(64), '..%2F..'],
  introductionId: ['pawl-0', 'PAWL-1', 'pawl-1%20', 'other-1', 'pawl-1000000000', '1'],
  keyId: ['AB'.repeat(32), 'ab', 'x'.repeat(64), '..%2F..'],
  sha256: ['AB'.repeat(32), 'ab', 'x'.repeat(64), '..%2F..'],
  market: ['eu', 'E', 'EURO', '..%2F', '%C3%84U'],
  product: ['UPPER', '..%2Fetc', '-a', 'a_b', 'x'.repeat(64), '%C3%A4'],
};

test('names like paths, and numbers of another spelling or size, are refused by every operation', async () => {
  for (const [id, operation] of OPERATIONS) {
    const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
    for (const name of names) {
      for (const value of HOSTILE_PARAMS[name] ?? assert.fail(`no hostile values for ${name}`)) {
        const request = operation.body === undefined ? {} : { body: '{}' };
        const answer = await send(operation, request, urlOf(operation, { [name]: value }));
        assertProblem(answer, 400, 'API_REQUEST_INVALID', `${id} ${name}=${value}`);
      }
    }
  }
});

test('what does not exist is 404 with a code of its own', async () => {
  for (const [id, operation] of OPERATIONS) {
    if (!operation.path.includes('{') || NEVER_UNKNOWN.has(id)) continue;
    const octets = operation.body === 'bytes' ? { headers: { 'content-type': 'application/octet-stream' } } : {};
    const answer = await send(
      operation,
      operation.body === undefined ? {} : { body: VALID_BODIES[id] ?? '{}', ...octets },
    );
    assertProblem(answer, 404, UNKNOWN[id] ?? assert.fail(`${id} is not in the table`), id);
  }
});

test('a method that an address does not take is 405 and told which it takes; an address that is not there is 404', async () => {
  const known = new Set(OPERATIONS.map(([, { method, path }]) => `${method} ${path}`));
  for (const [id, operation] of OPERATIONS) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      if (known.has(`${method} ${operation.path}`)) continue;
      for (const body of ['', '{"half":', '{}']) {
        const answer = await send(operation, { method, body });
        assertProblem(answer, 405, 'API_METHOD_NOT_ALLOWED', `${method} ${id} ${body}`);
        const allowed = answer.headers.allow?.split(', ') ?? [];
        assert.ok(allowed.includes(operation.method) && !allowed.includes(method), `${method} ${id} ${allowed.join()}`);
        assert.equal(allowed.includes('HEAD'), allowed.includes('GET'), id);
      }
    }
  }
  for (const path of [
    '/pages',
    '/pages/index.html',
    '/pages/../main.ts',
    '/pages/%2e%2e/main.ts',
    '/api',
    '/api/v1',
    '/api/v1/',
    '/api/v2/devices',
    '/api/v1/DEVICES',
  ]) {
    const anonymous = await exchange(`${server.url}${path}`);
    assertProblem(anonymous, 404, 'API_NOT_FOUND', path);
    const headers = { 'content-type': 'application/xml', 'content-length': '1000000000' };
    const announced = await exchange(`${server.url}${path}`, { method: 'POST', headers });
    assertProblem(announced, 404, 'API_NOT_FOUND', path);
  }
});

test('an address that cannot be read is refused in the same form', async () => {
  for (const path of ['/api/v1/devices/%zz', '/%', '/api/v1/devices/%c3', `/api/v1/devices/${'x'.repeat(5000)}`]) {
    assertProblem(await exchange(`${server.url}${path}`), 400, 'API_REQUEST_INVALID', path);
  }
});

test('HEAD asks for the same token as GET', async () => {
  for (const [id, operation] of OPERATIONS) {
    if (operation.method !== 'GET' || operation.allow === 'open') continue;
    const { status } = await exchange(urlOf(operation), { method: 'HEAD' });
    assert.equal(status, 401, id);
  }
});

test('a filter is refused with its code, and cannot be made SQL', async () => {
  const devices = MANAGEMENT_OPERATIONS.listDevices;
  for (const filter of ['name:\0', '\0']) {
    const answer = await send(devices, {}, `${urlOf(devices)}?filter=${encodeURIComponent(filter)}`);
    assertProblem(answer, 400, 'API_REQUEST_INVALID', JSON.stringify(filter));
  }
  for (const filter of [
    "name:a' or 1=1--",
    'name:%',
    'name:a_b"',
    'name:a\\',
    'name:[a-z]',
    'name:?',
    'id:1',
    ':',
    'a',
  ]) {
    const answer = await send(devices, {}, `${urlOf(devices)}?filter=${encodeURIComponent(filter)}`);
    assertProblem(answer, 400, 'FILTER_MALFORMED', filter);
  }
  // Characters of the grammar that mean something to LIKE or GLOB stand for themselves.
  for (const filter of ['name:know_', 'name:k-n', 'name:KNOWN', 'name:*KNOWN*']) {
    const answer = await send(devices, {}, `${urlOf(devices)}?filter=${encodeURIComponent(filter)}`);
    assert.deepEqual([answer.status, answer.json()['items']], [200, []], filter);
  }
});
