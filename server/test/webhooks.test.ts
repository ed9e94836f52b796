/** Webhooks against a real receiver on loopback: signatures, order, retries, dead letters, restarts, and the egress guard. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import type { PawlEvent, Webhook } from '@pawl/contract/management';
import { startTestServer, type TestServer } from './running-server.ts';
import { type Received, type Receiver, startReceiver } from './webhook-receiver.ts';

let receiver: Receiver;
let server: TestServer;
let aheadMs = 0;
let devices = 0;
const config = () => ({
  now: () => new Date(Date.now() + aheadMs),
  egress: { networks: ['127.0.0.0/8'], isHttpAllowed: true, ports: [receiver.port] },
});

before(async () => {
  receiver = await startReceiver();
  server = await startTestServer(config());
});
after(async () => {
  await server.close();
  await receiver.close();
});
beforeEach(async () => {
  for (const { id } of (await server.operator.call('listWebhooks', {})).items)
    await server.operator.call('deleteWebhook', { params: { id } });
  receiver.received.length = 0;
  receiver.answer = () => 204;
});

const hook = (path: string, more: object = {}) =>
  server.operator.call('createWebhook', { body: { url: `http://127.0.0.1:${receiver.port}${path}`, ...more } });
const addDevice = async (line?: string) => {
  devices += 1;
  const device = { controllerId: `d${devices}`, model: 'box', ...(line === undefined ? {} : { line }) };
  await server.operator.call('addDevices', { body: { devices: [device] } });
  return `device/d${devices}`;
};
const subjectOf = ({ body }: Received) => (JSON.parse(body) as PawlEvent).subject;

async function untilHook(id: number, isThere: (webhook: Webhook) => boolean): Promise<Webhook> {
  for (let turn = 0; turn < 1000; turn += 1) {
    const webhook = await server.operator.call('getWebhook', { params: { id } });
    if (isThere(webhook)) return webhook;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('the webhook did not get there');
}

/** As the specification of Standard Webhooks says that a receiver computes it. */
function signatureBy(secret: string, { headers, body }: Received): string {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const content = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  return `v1,${createHmac('sha256', key).update(content).digest('base64')}`;
}

test('events come in order, each under its own id, signed with the secret that was shown once', async () => {
  const { secret, id } = await hook('/a', { types: ['pawl.device.enrolled'] });
  const subjects = [await addDevice(), await addDevice(), await addDevice()];
  const messages = await receiver.until(3);
  assert.deepEqual(messages.map(subjectOf), subjects);
  for (const message of messages) {
    assert.equal(message.headers['webhook-signature'], signatureBy(secret, message));
    assert.equal(message.headers['content-type'], 'application/cloudevents+json; charset=utf-8');
    const sentAt = Number(message.headers['webhook-timestamp']) * 1000;
    assert.ok(Math.abs(Date.now() - sentAt) < 60_000);
  }
  assert.equal(new Set(messages.map(({ headers }) => headers['webhook-id'])).size, 3);
  const shown = JSON.stringify(await server.operator.call('getWebhook', { params: { id } }));
  assert.ok(!shown.includes(secret.slice(6)));
});

test('only the types and the line that a webhook names are posted', async () => {
  await hook('/line', { line: 'kettle', types: ['pawl.device.enrolled'] });
  await addDevice();
  await addDevice('hub');
  const wanted = await addDevice('kettle');
  await server.operator.call('decommissionDevice', { params: { controllerId: wanted.slice(7) } });
  const last = await addDevice('kettle');
  assert.deepEqual((await receiver.until(2)).map(subjectOf), [wanted, last]);
});

test('what fails is tried again under the same id and later than before; what comes behind waits for it', async () => {
  const { id } = await hook('/retry');
  receiver.answer = () => 500;
  const subjects = [await addDevice(), await addDevice()];
  const waiting = await untilHook(id, ({ attempts }) => attempts === 1);
  assert.equal(waiting.lastOutcome, '500');
  const waitMs = Date.parse(waiting.nextAttemptAt ?? '') - Date.now() - aheadMs;
  assert.ok(waitMs > 1000 && waitMs <= 5000, String(waitMs));
  receiver.answer = () => 204;
  aheadMs += 5000;
  const messages = await receiver.until(3);
  assert.deepEqual(messages.map(subjectOf), [subjects[0], ...subjects]);
  assert.equal(messages[0]?.headers['webhook-id'], messages[1]?.headers['webhook-id']);
});

test('a slow receiver holds nobody else', async () => {
  await hook('/slow');
  await hook('/fast');
  let release = (): void => undefined;
  const held = new Promise<number>((resolve) => {
    release = () => resolve(204);
  });
  receiver.answer = ({ path }) => (path === '/slow' ? held : 204);
  for (let count = 0; count < 5; count += 1) await addDevice();
  assert.equal((await receiver.until(5, '/fast')).length, 5);
  assert.equal((await receiver.until(1, '/slow')).length, 1);
  release();
  assert.equal((await receiver.until(5, '/slow')).length, 5);
});

test('after eight attempts an event is a dead letter, the next one goes out, and it can be delivered once more', async () => {
  const { id, secret } = await hook('/dead');
  const [lost, next] = [await addDevice(), await addDevice()];
  receiver.answer = (message) => (subjectOf(message) === lost ? 503 : 204);
  for (let attempt = 1; attempt <= 8; attempt += 1) {
    await receiver.until(attempt);
    if (attempt < 8) await untilHook(id, ({ attempts }) => attempts === attempt);
    aheadMs += 6 * 3_600_000;
  }
  assert.deepEqual((await receiver.until(9)).map(subjectOf), [...Array<string>(8).fill(lost), next]);
  const { items } = await server.operator.call('listDeadLetters', { params: { id } });
  assert.deepEqual(
    items.map(({ attempts, lastOutcome, isQueued }) => [attempts, lastOutcome, isQueued]),
    [[8, '503', false]],
  );
  receiver.answer = () => 200;
  assert.deepEqual(await server.operator.call('redeliver', { params: { id }, body: {} }), { queued: 1 });
  const again = (await receiver.until(10)).at(-1) ?? assert.fail();
  assert.equal(again.body, receiver.received[0]?.body);
  assert.equal(again.headers['webhook-id'], receiver.received[0]?.headers['webhook-id']);
  assert.equal(again.headers['webhook-signature'], signatureBy(secret, again));
  for (let left = 1; left > 0; )
    left = (await server.operator.call('listDeadLetters', { params: { id } })).items.length;
});

test('410 Gone and a redirect: the first suspends at once, the second is a failure that goes nowhere else', async () => {
  const gone = await hook('/gone');
  const moved = await hook('/moved');
  receiver.answer = ({ path }) => (path === '/gone' ? 410 : 302);
  await addDevice();
  assert.equal((await untilHook(gone.id, ({ state }) => state === 'suspended')).lastOutcome, '410');
  assert.equal((await untilHook(moved.id, ({ attempts }) => attempts === 1)).lastOutcome, '302');
  assert.ok(!receiver.received.some(({ path }) => path === '/elsewhere'));
  receiver.answer = () => 204;
  const body = { url: gone.url, state: 'active' as const };
  await server.operator.call('putWebhook', { ifMatch: '*', params: { id: gone.id }, body });
  const subject = await addDevice();
  assert.equal(subjectOf((await receiver.until(2, '/gone')).at(-1) ?? assert.fail()), subject);
});

test('after a rotation messages are signed with both secrets for a day, then with the new one', async () => {
  const { id, secret } = await hook('/rotate');
  const rotated = await server.operator.call('rotateWebhookSecret', { params: { id }, body: {} });
  await addDevice();
  const [both] = await receiver.until(1);
  assert.ok(both !== undefined && rotated.secret !== secret);
  const signatures = String(both.headers['webhook-signature']).split(' ');
  assert.deepEqual(signatures, [signatureBy(rotated.secret, both), signatureBy(secret, both)]);
  aheadMs += 86_400_000;
  await addDevice();
  const one = (await receiver.until(2))[1] ?? assert.fail();
  assert.equal(one.headers['webhook-signature'], signatureBy(rotated.secret, one));
});

test('a paused webhook posts nothing and goes on from where it was; how far it is survives a restart', async () => {
  const { id, url } = await hook('/paused');
  const first = await addDevice();
  await receiver.until(1);
  await server.operator.call('putWebhook', { ifMatch: '*', params: { id }, body: { url, state: 'paused' } });
  const second = await addDevice();
  await server.running.close();
  server = await startTestServer(config(), server);
  await server.operator.call('putWebhook', { ifMatch: '*', params: { id }, body: { url, state: 'active' } });
  assert.deepEqual((await receiver.until(2)).map(subjectOf), [first, second]);
});

test('addresses that the server must not post to are refused when they are set, and when a name turns out to be one', async () => {
  const refused = (url: string, code: string) =>
    assert.rejects(server.operator.call('createWebhook', { body: { url } }), { code }, url);
  await refused('https://169.254.169.254/latest/meta-data', 'EGRESS_ADDRESS_REFUSED');
  await refused('https://10.0.0.1/', 'EGRESS_ADDRESS_REFUSED');
  await refused('https://example.com:22/', 'EGRESS_PORT_REFUSED');
  await refused('https://user:secret@example.com/', 'EGRESS_URL_REFUSED');
  await refused('ftp://example.com/', 'API_REQUEST_INVALID');
  // What a hosts file says of its own name is judged like any other answer: ::1 is not in the network that is allowed.
  const { id } = await server.operator.call('createWebhook', {
    body: { url: `http://ip6-localhost:${receiver.port}/` },
  });
  await addDevice();
  const { lastOutcome } = await untilHook(id, ({ attempts }) => attempts === 1);
  assert.match(lastOutcome ?? '', /^EGRESS_(ADDRESS_REFUSED|NAME_UNRESOLVED)$/);
});

test('a tenant has a bounded number of webhooks', async () => {
  for (let count = 0; count < 50; count += 1) await hook(`/${count}`);
  await assert.rejects(hook('/more'), { code: 'WEBHOOK_LIMIT' });
});
