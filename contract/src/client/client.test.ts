import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManagementClient } from './client.ts';

type Sent = { readonly url: string; readonly init: RequestInit };

/** A client whose answers are given, and what it sent. */
function clientOf(answer: () => Response): { client: ManagementClient; sent: Sent[] } {
  const sent: Sent[] = [];
  const fetcher: typeof fetch = (url, init = {}) => {
    sent.push({ url: url instanceof Request ? url.url : url.toString(), init });
    return Promise.resolve(answer());
  };
  return { client: new ManagementClient({ url: 'http://pawl.example/', token: 'abc', fetch: fetcher }), sent };
}

const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status });
const codeOf = (code: string) => (error: Error & { code?: string }) => error.code === code;

test('puts parameters into the path and the query, escaped, and the token into its header', async () => {
  const { client, sent } = clientOf(() => json({ items: [], next: null }));
  await client.call('listDevices', { query: { filter: 'name:a* tag:b&c', cursor: undefined, limit: 5 } });
  assert.equal(sent[0]?.url, 'http://pawl.example/api/v1/devices?filter=name%3Aa*+tag%3Ab%26c&limit=5');
  assert.equal(new Headers(sent[0]?.init.headers).get('authorization'), 'Bearer abc');
  const gone = clientOf(() => json({ isDone: true }));
  await gone.client.call('decommissionDevice', { params: { controllerId: 'a/../b?' } });
  assert.equal(gone.sent[0]?.url, 'http://pawl.example/api/v1/devices/a%2F..%2Fb%3F');
  assert.equal(gone.sent[0]?.init.method, 'DELETE');
});

test('a problem document becomes an error with the code, the advice and the status of the server', async () => {
  const problem = { type: 'about:blank', title: 'no such device', status: 404, code: 'DEVICE_UNKNOWN', advice: 'look' };
  const { client } = clientOf(() => json({ ...problem, requestId: 'req-1' }, 404));
  await assert.rejects(client.call('getDevice', { params: { controllerId: 'x' } }), {
    name: 'RemoteError',
    code: 'DEVICE_UNKNOWN',
    advice: 'look',
    status: 404,
  });
});

test('an answer that is not of the contract is refused, whatever its status', async () => {
  const answers: readonly (() => Response)[] = [
    () => json({ status: 'ok' }),
    () => json({ status: 'ok', ledgerSize: 1, extra: true }),
    () => new Response('<html>', { status: 200 }),
    () => new Response('<html>', { status: 502 }),
    () => json({ code: 7 }, 500),
  ];
  for (const answer of answers) {
    await assert.rejects(clientOf(answer).client.call('health', {}), codeOf('CLIENT_ANSWER_UNEXPECTED'));
  }
});

test('a server that does not answer has a code of its own', async () => {
  const client = new ManagementClient({ url: 'http://127.0.0.1:1', fetch: () => Promise.reject(new TypeError('no')) });
  await assert.rejects(client.call('health', {}), codeOf('CLIENT_UNREACHABLE'));
});

test('bytes come back as bytes', async () => {
  const { client } = clientOf(() => new Response(new Uint8Array([80, 75, 3, 4])));
  assert.deepEqual(await client.call('exportBundle', {}), new Uint8Array([80, 75, 3, 4]));
});

const UNREACHABLE = { type: 'about:blank', title: 'away', status: 503, code: 'STORE_UNREACHABLE', advice: 'Wait.' };
const claims = [
  () => new Response(JSON.stringify(UNREACHABLE), { status: 503, headers: { 'retry-after': '0' } }),
  () => json({ claim: 'abc', expiresAt: '2026-03-01T12:00:00.000Z' }),
];
const asked = { body: { controllerId: 'c', model: 'hub', line: 'hub' } };

/** A client that waits; each call is answered by the next of the answers, the last one for ever. */
function patientOf(answers: readonly (() => Response | Promise<Response>)[]): {
  client: ManagementClient;
  sent: Sent[];
} {
  const sent: Sent[] = [];
  const fetcher: typeof fetch = async (url, init = {}) => {
    sent.push({ url: url instanceof Request ? url.url : url.toString(), init });
    return await (answers[Math.min(sent.length, answers.length) - 1] ?? assert.fail)();
  };
  return { client: new ManagementClient({ url: 'http://pawl.example/', fetch: fetcher, patienceMs: 2000 }), sent };
}

test('who is patient asks for something new again under the same key, and for the next thing under another', async () => {
  const lost = () => Promise.reject(new TypeError('fetch failed', { cause: new Error('other side closed') }));
  const { client, sent } = patientOf([lost, claims[0] ?? assert.fail, claims[1] ?? assert.fail]);
  assert.equal((await client.call('createClaim', asked)).claim, 'abc');
  await client.call('createClaim', asked);
  const keys = sent.map(({ init }) => new Headers(init.headers).get('idempotency-key'));
  assert.equal(keys.length, 4);
  assert.match(keys[0] ?? '', /^"[0-9a-f-]{36}"$/);
  assert.deepEqual([keys[1], keys[2]], [keys[0], keys[0]]);
  assert.notEqual(keys[3], keys[0]);
});

test('what may do harm twice is asked once, and so is a server where nobody listens', async () => {
  const away = claims[0] ?? assert.fail;
  for (const ask of [
    (client: ManagementClient) => client.call('decommissionDevice', { params: { controllerId: 'x' } }),
    (client: ManagementClient) => client.call('login', { body: { claim: 'a'.repeat(43), label: 'x' } }),
  ]) {
    const { client, sent } = patientOf([away]);
    await assert.rejects(ask(client), codeOf('STORE_UNREACHABLE'));
    assert.equal(sent.length, 1);
  }
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  const { client, sent } = patientOf([() => Promise.reject(new TypeError('fetch failed', { cause }))]);
  await assert.rejects(client.call('health', {}), codeOf('CLIENT_UNREACHABLE'));
  assert.equal(sent.length, 1);
});

test('patience ends: with its time, and at once when the server names a longer one', async () => {
  const late = () => new Response(JSON.stringify(UNREACHABLE), { status: 503, headers: { 'retry-after': '10' } });
  const once = patientOf([late]);
  await assert.rejects(once.client.call('health', {}), codeOf('STORE_UNREACHABLE'));
  assert.equal(once.sent.length, 1);
  const refusing = patientOf([() => new Response(JSON.stringify({ ...UNREACHABLE, status: 500 }), { status: 500 })]);
  await assert.rejects(refusing.client.call('createClaim', asked), codeOf('STORE_UNREACHABLE'));
  assert.equal(refusing.sent.length, 1);
});
