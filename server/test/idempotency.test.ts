/**
 * Requests that come twice under one Idempotency-Key are done once: one after another, at the same time, to another process
 * or after a restart, with the line cut or a write lost in between. Over SQLite and PostgreSQL.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import net, { type AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { MANAGEMENT_OPERATIONS, takesIdempotencyKey } from '@pawl/contract/management';
import { forgetKeptAnswers } from '../src/jobs/kept-answers.ts';
import { startServer } from '../src/main.ts';
import { type FaultServer, startFaultServer } from './fault-server.ts';
import { PostgresCluster, skipWithoutPostgres } from './postgres.ts';
import { exchange, type RawAnswer } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

const HOUR_MS = 3_600_000;
const key = (name: string) => name.padEnd(20, '-');
const RELEASE_BODY = (version: string) => {
  const artifacts = [{ name: 'a.swu', sizeBytes: 1, sha256: 'ab'.repeat(32) }];
  return JSON.stringify({ line: 'idem', version, kind: 'foreign', artifacts });
};

function post(
  { url, token }: Pick<TestServer, 'url' | 'token'>,
  path: string,
  body: string,
  idempotencyKey: string,
): Promise<RawAnswer> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return exchange(`${url}/api/v1${path}`, {
    method: 'POST',
    headers: { ...headers, 'idempotency-key': idempotencyKey },
    body,
  });
}
const codeOf = (answer: RawAnswer) => [answer.status, answer.json()['code']];
const versions = async (operator: ManagementClient) =>
  (await operator.call('listReleases', { query: { line: 'idem', limit: 500 } })).items.map(({ version }) => version);

/** A relay that destroys the line at the first byte of the first answer, and passes on all that comes later. */
async function startFirstAnswerLost(upstream: string): Promise<{ readonly url: string; close(): void }> {
  let isLost = false;
  const server = net.createServer((client) => {
    const { hostname, port } = new URL(upstream);
    const line = net.connect(Number(port), hostname);
    const end = (): void => {
      client.destroy();
      line.destroy();
    };
    client.pipe(line);
    line.on('data', (chunk) => {
      if (isLost) return void client.write(chunk);
      isLost = true;
      end();
    });
    for (const each of [client, line]) each.on('error', end).on('close', end);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

let cluster: PostgresCluster | undefined;
before(async () => {
  if (skipWithoutPostgres() === false) cluster = await PostgresCluster.start();
});
after(() => cluster?.close());

describe('one server', () => {
  let server: TestServer;
  let atMs = Date.parse('2026-03-01T12:00:00.000Z');
  before(async () => {
    server = await startTestServer({ now: () => new Date(atMs) });
  });
  after(() => server.close());

  test('the same request under the same key has the same answer, secrets and all, and is done once', async () => {
    const body = '{"label":"twice","role":"viewer"}';
    const first = await post(server, '/tokens', body, key('token'));
    assert.deepEqual([first.status, first.headers['idempotent-replayed']], [200, undefined]);
    // Another spelling of the key and of the same JSON.
    for (const [spelled, same] of [
      [key('token'), body],
      [`"${key('token')}"`, '{ "role": "viewer", "label": "twice" }'],
    ] as const) {
      const again = await post(server, '/tokens', same, spelled);
      assert.deepEqual([again.status, again.text], [first.status, first.text]);
      assert.equal(again.headers['idempotent-replayed'], 'true');
      assert.equal(again.headers['cache-control'], 'no-store');
    }
    const { items } = await server.operator.call('listTokens', {});
    assert.equal(items.filter(({ label }) => label === 'twice').length, 1);
    const acts = await server.operator.call('listAudit', { query: { operation: 'createToken' } });
    assert.equal(acts.items.length, 1);
    const files = ['pawl.db', 'pawl.db-wal'].map((name) => readFile(`${server.folder}/data/${name}`));
    const stored = Buffer.concat(await Promise.all(files));
    if (process.env['PAWL_TEST_POSTGRES'] === undefined) assert.ok(stored.includes('twice'));
    assert.ok(!stored.includes(String(first.json()['token'])));
    assert.ok(!stored.includes(key('token')));
  });

  test('another request under the key is refused, and nothing is done; the key is its credential’s', async () => {
    assert.equal((await post(server, '/releases', RELEASE_BODY('1.0.0'), key('other'))).status, 200);
    assert.deepEqual(codeOf(await post(server, '/releases', RELEASE_BODY('1.0.1'), key('other'))), [
      422,
      'API_KEY_REUSED',
    ]);
    const tokens = await post(server, '/tokens', '{"label":"x","role":"viewer"}', key('other'));
    assert.deepEqual(codeOf(tokens), [422, 'API_KEY_REUSED']);
    const second = await server.operator.call('createToken', { body: { label: 'second', role: 'admin' } });
    const foreign = { url: server.url, token: second.token };
    assert.equal((await post(foreign, '/releases', RELEASE_BODY('1.0.2'), key('other'))).status, 200);
    assert.deepEqual(await versions(server.operator), ['1.0.2', '1.0.0']);
    // Whoever may not any more is not told again.
    await server.operator.call('revokeToken', { params: { tokenId: second.id } });
    assert.equal((await post(foreign, '/releases', RELEASE_BODY('1.0.2'), key('other'))).status, 401);
  });

  test('a refusal that changed nothing is not kept', async () => {
    const body = '{"name":"r","releaseId":99,"filter":""}';
    for (let turn = 0; turn < 2; turn += 1) {
      const refused = await post(server, '/rollouts', body, key('refused'));
      assert.deepEqual(codeOf(refused), [404, 'RELEASE_UNKNOWN']);
      assert.equal(refused.headers['idempotent-replayed'], undefined);
    }
    const made = await post(server, '/tokens', '{"label":"then","role":"viewer"}', key('refused'));
    assert.equal(made.status, 200);
  });

  test('what is no key is refused, and a key where none is taken', async () => {
    for (const bad of [
      '',
      'short',
      'a'.repeat(65),
      'with spaces in it here',
      '"half-a-quote-is-no-key',
      'ä'.repeat(20),
    ]) {
      const answer = await post(server, '/tokens', '{"label":"bad","role":"viewer"}', bad);
      assert.deepEqual(codeOf(answer), [400, 'API_REQUEST_INVALID'], bad);
    }
    const headers = { authorization: `Bearer ${server.token}`, 'idempotency-key': key('none') };
    const { listDevices, login } = MANAGEMENT_OPERATIONS;
    assert.deepEqual([listDevices, login].map(takesIdempotencyKey), [false, false]);
    assert.equal((await exchange(`${server.url}${listDevices.path}`, { headers })).status, 400);
    const claim = '{"claim":"guess","label":"x"}';
    assert.deepEqual(codeOf(await post(server, '/login', claim, key('none'))), [400, 'API_REQUEST_INVALID']);
  });

  test('after a restart it is the same; after a day it is forgotten', async () => {
    const first = await post(server, '/tokens', '{"label":"kept","role":"viewer"}', key('restart'));
    await server.running.close();
    server = await startTestServer({ now: () => new Date(atMs) }, server);
    atMs += 23 * HOUR_MS;
    const again = await post(server, '/tokens', '{"label":"kept","role":"viewer"}', key('restart'));
    assert.deepEqual([again.text, again.headers['idempotent-replayed']], [first.text, 'true']);
    atMs += HOUR_MS;
    const later = await post(server, '/tokens', '{"label":"later","role":"viewer"}', key('restart'));
    assert.deepEqual([later.status, later.headers['idempotent-replayed']], [200, undefined]);
  });
});

const STORES = [
  { name: 'SQLite', skip: false as const, url: () => undefined },
  { name: 'PostgreSQL', skip: skipWithoutPostgres(), url: () => cluster?.url('postgres') },
];
for (const { name, skip, url } of STORES) {
  describe(name, { skip }, () => {
    let server: FaultServer & { token: string };
    before(async () => {
      const started = await startFaultServer(url());
      const { token } = await started.operator.call('createToken', { body: { label: 'raw', role: 'admin' } });
      server = { ...started, token };
    });
    after(() => server.close());

    test('of many at the same time one is done; the others get its answer or are told to wait', async () => {
      const send = () => post(server, '/releases', RELEASE_BODY('2.0.0'), key('race'));
      const answers = await Promise.all(Array.from({ length: 12 }, send));
      const done = answers.filter(({ status }) => status === 200);
      assert.ok(done.length >= 1);
      assert.equal(done.filter(({ headers }) => headers['idempotent-replayed'] === undefined).length, 1);
      assert.equal(new Set(done.map(({ text }) => text)).size, 1);
      for (const answer of answers.filter(({ status }) => status !== 200)) {
        assert.deepEqual(codeOf(answer), [409, 'API_REPEAT_UNANSWERED']);
        assert.equal(answer.headers['retry-after'], '1');
      }
      assert.equal((await send()).text, done[0]?.text);
      assert.deepEqual(await versions(server.operator), ['2.0.0']);
    });

    test('a write that fails is made good by the request again; one whose answer was lost is not done twice', async () => {
      const body = '{"devices":[{"controllerId":"DEVICE","model":"hub"}]}';
      for (const [fault, status, code] of [
        ['before', 200, undefined],
        ['undone', 200, undefined],
        ['answer-lost', 409, 'API_REPEAT_UNANSWERED'],
      ] as const) {
        const send = () => post(server, '/devices', body.replace('DEVICE', fault), key(fault));
        server.database.arm(fault, 0);
        assert.ok([503, 409].includes((await send()).status), fault);
        const again = await send();
        assert.deepEqual([again.status, again.json()['code']], [status, code], fault);
        await server.operator.call('getDevice', { params: { controllerId: fault } });
      }
    });

    test('the job forgets what is older than a day, and nothing else', async () => {
      const { database, ports } = server;
      const count = async () => (await database.read.selectFrom('kept_answer').select('created_ms').execute()).length;
      const kept = await count();
      assert.ok(kept > 3);
      const at = (hours: number) => () => new Date(ports.now().getTime() + hours * HOUR_MS);
      await forgetKeptAnswers({ database, now: at(23) });
      assert.equal(await count(), kept);
      await forgetKeptAnswers({ database, now: at(24) });
      assert.equal(await count(), 0);
    });

    test('the client asks again after a cut line, and what it asked for is done once', async (t) => {
      const relay = await startFirstAnswerLost(server.url);
      t.after(() => relay.close());
      const client = new ManagementClient({ url: relay.url, token: server.token, patienceMs: 10_000 });
      const { devices } = await client.call('addDevices', {
        body: { devices: [{ controllerId: 'cut', model: 'hub' }] },
      });
      assert.equal(devices.length, 1);
    });
  });
}

test('a key is known to every process of one database', { skip: skipWithoutPostgres() }, async (t) => {
  const database = { url: (await cluster?.create('idem')) ?? '', connections: 4 };
  const first = await startTestServer({ database });
  t.after(() => first.close());
  const second = await startServer({
    dataDir: `${first.folder}/data`,
    host: '127.0.0.1',
    port: 0,
    pollIntervalS: 300,
    now: () => new Date(),
    logLevel: 'silent',
    database,
  });
  t.after(() => second.close());
  const at = (url: string, name: string) => post({ url, token: first.token }, '/releases', RELEASE_BODY('3.0.0'), name);
  const made = await at(first.url, key('two'));
  const again = await at(second.url, key('two'));
  assert.deepEqual([again.text, again.headers['idempotent-replayed']], [made.text, 'true']);
  const body = '{"label":"race","role":"viewer"}';
  const race = [first.url, second.url, first.url, second.url];
  const answers = await Promise.all(race.map((url) => post({ url, token: first.token }, '/tokens', body, key('race'))));
  assert.ok(answers.every(({ status }) => status === 200 || status === 409));
  const { items } = await first.operator.call('listTokens', {});
  assert.equal(items.filter(({ label }) => label === 'race').length, 1);
});
