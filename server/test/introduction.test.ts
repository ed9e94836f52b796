/** Devices that introduce themselves by a key: they wait, are let in or kept out by an operator, and cannot fill the database. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { introductionText } from '@pawl/contract/device';
import { toBase64, utf8 } from '@pawl/core/bytes';
import { keyIdOf } from '@pawl/core/cose';
import { PrivateKey } from '@pawl/core/crypto';
import { closeBeside, openBeside } from './beside.ts';
import { ScriptedDevice } from './ddi-device.ts';
import { issueCertificate, makeSelfSigned } from './device-certificates.ts';
import { predicatesOf } from './ledger-words.ts';
import { keyFromPem } from './pawl-device.ts';
import { PostgresCluster, skipWithoutPostgres } from './postgres.ts';
import { exchange } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';
import { eventsUntil } from './told-events.ts';

type Said = { name?: string; attributes?: Record<string, string>; certificate?: string; tenant?: string };
type Bench = { readonly server: TestServer; readonly clock: { ms: number } };

const DAY_MS = 86_400_000;

class Newcomer {
  readonly key: PrivateKey;
  readonly token: string;

  constructor(key: PrivateKey = PrivateKey.generate('ESP256'), token: string = crypto.randomUUID()) {
    this.key = key;
    this.token = token;
  }

  get keyId(): string {
    return keyIdOf(this.key.publicKey);
  }

  async body({ tenant = 'default', ...said }: Said = {}) {
    const publicKey = this.key.publicKey.toSpkiPem();
    const all = { ...said, publicKey, tokenSha256: createHash('sha256').update(this.token).digest('hex') };
    const proof = toBase64(await this.key.sign(utf8(introductionText(tenant, all))));
    return { ...all, proof };
  }

  async introduce(server: TestServer, said: Said = {}) {
    return await post(server, await this.body(said), said.tenant);
  }

  /** Whether its token opens the device of this name. */
  async polls(server: TestServer, controllerId: string): Promise<number> {
    const script = new ScriptedDevice(server.url, controllerId, this.token);
    const { status } = await script.send('');
    script.close();
    return status;
  }
}

async function post(server: TestServer, body: unknown, tenant = 'default'): Promise<Record<string, unknown>> {
  const url = `${server.url}/${tenant}/pawl/v1/introduce`;
  const headers = { 'content-type': 'application/json' };
  const answer = await exchange(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return answer.status === 200 ? answer.json() : { status: answer.status, code: answer.json()['code'] };
}

const REFUSED = { status: 403, code: 'DEVICE_INTRODUCTION_REFUSED' };
const TOO_MANY = { status: 429, code: 'DEVICE_INTRODUCTIONS_TOO_MANY' };
const fails = (code: string) => (error: unknown) => {
  assert.equal((error as { code?: unknown }).code, code, String(error));
  return true;
};

async function only({ operator }: TestServer, keyId: string) {
  const { items } = await operator.call('listIntroductions', { query: {} });
  return items.find((item) => item.keyId === keyId) ?? assert.fail('nobody of this key');
}

/** From the first word to the end; over each store. */
async function life({ server }: Bench): Promise<void> {
  const { operator } = server;
  const device = new Newcomer();
  const said = { name: 'kettle-1', attributes: { serial: '4711' } };
  for (let turn = 0; turn < 2; turn += 1) {
    assert.deepEqual(await device.introduce(server, said), { state: 'pending', askAgainS: 60 });
  }
  const waiting = await only(server, device.keyId);
  assert.deepEqual(
    [waiting.client, waiting.state, waiting.name, waiting.attributes],
    ['pawl', 'pending', said.name, said.attributes],
  );
  assert.equal(await device.polls(server, 'kettle-1'), 401);
  const params = { introductionId: waiting.id };
  const body = { controllerId: 'kettle-1', model: 'kettle-2', line: 'kettle', tags: ['new'] };
  const other = { ...body, keyId: 'ab'.repeat(32) };
  await assert.rejects(
    operator.call('approveIntroduction', { params, body: other }),
    fails('INTRODUCTION_KEY_DIFFERS'),
  );
  const accepted = await operator.call('approveIntroduction', { params, body: { ...body, keyId: device.keyId } });
  assert.deepEqual([accepted.state, accepted.controllerId], ['accepted', 'kettle-1']);
  const events = await eventsUntil(operator, (all) => all.some(({ type }) => type === 'pawl.device.enrolled'));
  assert.deepEqual(
    events.flatMap(({ type, subject, data }) => (type === 'pawl.device.waiting' ? [[subject, data]] : [])),
    [
      [
        `introduction/${waiting.id}`,
        { introductionId: waiting.id, client: 'pawl', keyId: device.keyId, name: said.name },
      ],
    ],
  );
  for (const act of ['approveIntroduction', 'rejectIntroduction'] as const) {
    const again =
      act === 'approveIntroduction' ? operator.call(act, { params, body }) : operator.call(act, { params, body: {} });
    await assert.rejects(again, fails('INTRODUCTION_ANSWERED'));
  }
  const enrolled = { state: 'enrolled', controllerId: 'kettle-1', pollIntervalS: 300 };
  // Heard by somebody else: said again it opens nothing but what its token opens.
  assert.deepEqual(await device.introduce(server, said), enrolled);
  assert.equal(await device.polls(server, 'kettle-1'), 200);
  assert.deepEqual(await device.introduce(server, said), enrolled);
  const forgetful = new Newcomer(device.key);
  assert.deepEqual(await forgetful.introduce(server, said), REFUSED, 'another token, once the first one was heard');
  assert.equal(await device.polls(server, 'kettle-1'), 200);

  const me = (await predicatesOf(server, 'device/kettle-1')).map(({ type, predicate }) => [
    type,
    predicate['act'],
    predicate['by'],
  ]);
  assert.equal(me.length, 1);
  assert.deepEqual(me[0]?.slice(0, 2), ['urn:pawl:device-enrolled:1', undefined]);
  assert.match(String(me[0]?.[2]), /^person\//);

  // A new board under the old name.
  const board = new Newcomer();
  await board.introduce(server, { name: 'kettle-1' });
  const place = { introductionId: (await only(server, board.keyId)).id };
  await assert.rejects(operator.call('approveIntroduction', { params: place, body }), fails('DEVICE_EXISTS'));
  await operator.call('approveIntroduction', { params: place, body: { ...body, isKeyChange: true } });
  assert.deepEqual(await board.introduce(server), enrolled);
  assert.deepEqual([await device.polls(server, 'kettle-1'), await board.polls(server, 'kettle-1')], [401, 200]);
  assert.deepEqual(await device.introduce(server), REFUSED);
  await operator.call('decommissionDevice', { params: { controllerId: 'kettle-1' } });
  assert.deepEqual(await board.introduce(server), REFUSED);
  const words = (await predicatesOf(server, 'device/kettle-1')).map(({ predicate }) => predicate['act']);
  assert.deepEqual(words, [undefined, 'change-key', 'decommission']);
  const nobody = { controllerId: 'nobody', model: 'm', isKeyChange: true };
  const late = new Newcomer();
  await late.introduce(server);
  const latePlace = { introductionId: (await only(server, late.keyId)).id };
  await assert.rejects(
    operator.call('approveIntroduction', { params: latePlace, body: nobody }),
    fails('DEVICE_UNKNOWN'),
  );
  await operator.call('rejectIntroduction', { params: latePlace, body: {} });
  assert.deepEqual(await late.introduce(server), REFUSED);
  // On second thoughts.
  await operator.call('approveIntroduction', { params: latePlace, body: { controllerId: 'late', model: 'm' } });
  assert.deepEqual(await late.introduce(server), { ...enrolled, controllerId: 'late' });
}

const STORES = [
  { name: 'SQLite', start: () => Promise.resolve(undefined), skip: false as const },
  { name: 'PostgreSQL', start: () => PostgresCluster.start(), skip: skipWithoutPostgres() },
];

for (const { name, start, skip } of STORES) {
  describe(name, { skip }, () => {
    test('a device that introduces itself waits, is let in, gets another key, and ends', async (t) => {
      const cluster = await start();
      const database = cluster === undefined ? {} : { database: { url: await cluster.create(), connections: 4 } };
      const clock = { ms: 0 };
      const rateLimits = { introductions: { burst: 8, perS: 1 } };
      const much = { burst: 1_000_000, perS: 1 };
      const server = await startTestServer({
        ...database,
        now: () => new Date(Date.now() + clock.ms),
        rateLimits: { ...rateLimits, failures: much, requests: much },
      });
      t.after(async () => {
        await server.close();
        await cluster?.close();
      });
      await life({ server, clock });
      if (cluster !== undefined) return;
      await t.test('what is not proven is refused, and nothing is kept of it', () => notProven({ server, clock }));
      await t.test('a certificate of its manufacturer lets it in at once', () => certified({ server, clock }));
      await t.test('a flood is slowed down by source, bounded, and forgotten', () => flood({ server, clock }));
      await t.test('a Mender client stands in the same list', () => mender({ server, clock }));
    });
  });
}

async function notProven({ server, clock }: Bench): Promise<void> {
  clock.ms += 60_000;
  const before = (await server.operator.call('listIntroductions', { query: {} })).items.length;
  const device = new Newcomer();
  const body = await device.body({ name: 'a', attributes: { x: '1' } });
  const TABLE: readonly (readonly [string, object, object, string?])[] = [
    ['another name', { ...body, name: 'b' }, REFUSED],
    ['another attribute', { ...body, attributes: { x: '2' } }, REFUSED],
    ['another token', { ...body, tokenSha256: 'ab'.repeat(32) }, REFUSED],
    ['the key of somebody else', { ...body, publicKey: new Newcomer().key.publicKey.toSpkiPem() }, REFUSED],
    ['another tenant', body, REFUSED, 'other'],
    ['a tenant that is not there', await device.body({ tenant: 'nowhere' }), REFUSED, 'nowhere'],
    ['no key', { ...body, publicKey: 'x' }, { status: 400, code: 'DEVICE_BODY_MALFORMED' }],
    ['no certificate', await device.body({ certificate: 'x' }), { status: 400, code: 'DEVICE_BODY_MALFORMED' }],
    ['more than was asked', { ...body, admin: true }, { status: 400, code: 'DEVICE_BODY_MALFORMED' }],
  ];
  for (const [what, sent, told, tenant] of TABLE) assert.deepEqual(await post(server, sent, tenant), told, what);
  assert.equal((await server.operator.call('listIntroductions', { query: {} })).items.length, before);
}

async function certified({ server, clock }: Bench): Promise<void> {
  clock.ms += 60_000;
  const folder = mkdtempSync(join(tmpdir(), 'pawl-introduction-'));
  const ca = makeSelfSigned(folder, 'factory', { isAuthority: true });
  const rules = { name: 'factory', certificatePem: ca.certificatePem, namePattern: 'pot-*', model: 'pot' };
  const { id } = await server.operator.call('addAuthority', { body: rules });
  const made = issueCertificate(folder, 'pot-1', ca);
  const device = new Newcomer(keyFromPem(made.keyPem));
  const enrolled = { state: 'enrolled', controllerId: 'pot-1', pollIntervalS: 300 };
  assert.deepEqual(await device.introduce(server, { certificate: made.certificatePem }), enrolled);
  assert.equal(await device.polls(server, 'pot-1'), 200);
  const stolen = new Newcomer();
  const differs = { status: 403, code: 'DEVICE_CERTIFICATE_KEY_DIFFERS' };
  assert.deepEqual(await stolen.introduce(server, { certificate: made.certificatePem }), differs);
  const wrong = issueCertificate(folder, 'pan-1', ca);
  const named = { status: 403, code: 'DEVICE_CERTIFICATE_NAME_REFUSED' };
  assert.deepEqual(
    await new Newcomer(keyFromPem(wrong.keyPem)).introduce(server, { certificate: wrong.certificatePem }),
    named,
  );
  // The token goes with the certificate.
  await server.operator.call('removeAuthority', { params: { id } });
  assert.equal(await device.polls(server, 'pot-1'), 401);
  rmSync(folder, { recursive: true });
}

async function flood({ server, clock }: Bench): Promise<void> {
  clock.ms += 60_000;
  const told = [];
  for (let no = 0; no < 10; no += 1) told.push(await new Newcomer().introduce(server));
  // The bucket fills while they come: at least one is refused, and eight were taken.
  assert.ok(told.slice(0, 8).every((answer) => answer['state'] === 'pending'));
  assert.deepEqual(told.at(-1), TOO_MANY);
  const db = await openBeside(server.folder);
  const row =
    db.prepare(`INSERT INTO introduction (tenant_id, key_id, public_key_pem, attributes, token_sha256, state, created_ms,
    heard_ms) VALUES (1, ?, '', '{}', x'00', ?, ?, ?)`);
  const nowMs = Date.now() + clock.ms;
  for (let no = 0; no < 1000; no += 1) row.run(`a${String(no).padStart(63, '0')}`, 'pending', nowMs, nowMs);
  for (let no = 0; no < 1005; no += 1) row.run(`b${String(no).padStart(63, '0')}`, 'rejected', nowMs, nowMs + no);
  closeBeside(db);
  clock.ms += 60_000;
  const device = new Newcomer();
  assert.deepEqual(await device.introduce(server), TOO_MANY, 'a thousand wait');
  clock.ms += 8 * DAY_MS;
  assert.equal((await device.introduce(server))['state'], 'pending', 'who fell silent is forgotten');
  const { items } = await server.operator.call('listIntroductions', { query: { state: 'pending', limit: 500 } });
  assert.deepEqual(
    items.map(({ keyId }) => keyId),
    [device.keyId],
  );
  const introductionId = items[0]?.id ?? '';
  await server.operator.call('rejectIntroduction', { params: { introductionId }, body: {} });
  const counted = new DatabaseSync(`${server.folder}/data/pawl.db`, { readOnly: true });
  const { count } = counted.prepare("SELECT count(*) AS count FROM introduction WHERE state = 'rejected'").get() ?? {};
  counted.close();
  assert.equal(count, 1000);
}

async function mender({ server }: Bench): Promise<void> {
  const publicKey = PrivateKey.generate('ESP256').publicKey.toSpkiPem();
  const body = { identity: { mac: '00:11' }, publicKey, controllerId: 'm-1', model: 'm' };
  const { id, keyId } = await server.operator.call('preauthoriseMender', { body });
  const pages = [];
  for (let cursor: string | undefined; ; ) {
    const query = { limit: 400, ...(cursor === undefined ? {} : { cursor }) };
    const page = await server.operator.call('listIntroductions', { query });
    pages.push(...page.items);
    if (page.next === null) break;
    cursor = page.next;
  }
  assert.equal(new Set(pages.map((item) => item.id)).size, pages.length);
  const last = pages.at(-1);
  assert.deepEqual(
    [last?.id, last?.client, last?.keyId, last?.attributes],
    [`mender-${id}`, 'mender', keyId, { mac: '00:11' }],
  );
  const params = { introductionId: `mender-${id}` };
  assert.equal((await server.operator.call('rejectIntroduction', { params, body: {} })).state, 'rejected');
  const wrong = { controllerId: 'm-2', model: 'm', keyId: 'ab'.repeat(32) };
  await assert.rejects(
    server.operator.call('approveIntroduction', { params, body: wrong }),
    fails('INTRODUCTION_KEY_DIFFERS'),
  );
  const unknown = { params: { introductionId: 'pawl-999' }, body: {} };
  await assert.rejects(server.operator.call('rejectIntroduction', unknown), fails('INTRODUCTION_UNKNOWN'));
}
