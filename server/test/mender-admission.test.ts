/** How Mender clients come in, exchange by exchange: what is signed, who is let in, and who never is. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { MenderRequest } from '@pawl/contract/management';
import { dropOldestPending, insertMenderAuth, queryMenderAuths } from '../src/store/mender.ts';
import { openSqlite } from '../src/store/sqlite-database.ts';
import { MenderScript, makeScriptKey, preauthorised, signBody } from './mender-script.ts';
import { startTestServer, type TestServer } from './running-server.ts';
import { eventsUntil } from './told-events.ts';

let server: TestServer;
before(async () => {
  server = await startTestServer();
});
after(() => server.close());

const UNAUTHORIZED = { error: 'dev auth: unauthorized', code: 'MENDER_UNAUTHORIZED' };

async function requestOf(serial: string): Promise<MenderRequest> {
  const { items } = await server.operator.call('listMenderRequests', { query: { limit: 500 } });
  const found = items.filter(({ identity }) => identity.includes(`"${serial}"`));
  assert.equal(found.length, 1, `${serial} is one request`);
  return found[0] as MenderRequest;
}

for (const kind of ['rsa', 'ec', 'ed25519'] as const) {
  test(`a client with an ${kind} key waits until the operator says its name`, async () => {
    const script = new MenderScript(server.url, `{"serial":"${kind}","mac":"00:11"}`, makeScriptKey(kind));
    const refused = await script.authenticate();
    assert.deepEqual([refused.status, refused.json()], [401, UNAUTHORIZED]);
    assert.equal((await script.authenticate()).status, 401);
    const request = await requestOf(kind);
    assert.deepEqual([request.state, request.identity], ['pending', `{"mac":"00:11","serial":"${kind}"}`]);
    const body = { controllerId: `by-${kind}`, model: 'gw' };
    const accepted = await server.operator.call('acceptMenderRequest', { params: { id: request.id }, body });
    assert.deepEqual([accepted.state, accepted.controllerId], ['accepted', `by-${kind}`]);
    const answer = await script.authenticate();
    assert.deepEqual([answer.status, answer.headers['content-type']], [200, 'application/jwt']);
    assert.ok(answer.text.length > 32 && answer.text.length < 4096);
    assert.equal((await script.next()).status, 204);
  });
}

test('the order of the identity and the line ends of the key make no other device', async () => {
  const script = await preauthorised(server, 'same');
  const key = script.key.publicKeyPem.replaceAll('\n', '\r\n');
  const body = JSON.stringify({ pubkey: key, id_data: ' { "serial" : "same" } ', tier: 'standard' });
  assert.equal((await script.authenticate(body)).status, 200);
});

test('nothing that is not signed by the key that it shows is let in, or remembered', async () => {
  const script = await preauthorised(server, 'signed');
  const other = makeScriptKey('ed25519');
  const body = script.authBody();
  const table: readonly (readonly [string, string, string, number])[] = [
    ['another key', body, signBody(body, other), 401],
    ['a byte more', `${body} `, signBody(body, script.key), 401],
    ['no base64', body, '!!!', 401],
    ['a signature too long', body, 'A'.repeat(4096), 401],
    ['no JSON', '{', signBody('{', script.key), 400],
    ['a member twice', '{"id_data":"{}","id_data":"{}","pubkey":""}', 'AAAA', 400],
    ['no identity', script.authBody({ id_data: '{}' }), signBody(script.authBody({ id_data: '{}' }), script.key), 400],
    [
      'an identity that is a list',
      script.authBody({ id_data: '[]' }),
      signBody(script.authBody({ id_data: '[]' }), script.key),
      400,
    ],
    ['no key', script.authBody({ pubkey: 'x' }), 'AAAA', 401],
  ];
  const count = async () => (await server.operator.call('listMenderRequests', { query: {} })).items.length;
  const before = await count();
  for (const [what, text, signature, status] of table) {
    assert.equal((await script.authenticate(text, signature)).status, status, what);
  }
  const weak = new MenderScript(server.url, '{"serial":"weak"}', makeScriptKey('rsa1024'));
  assert.equal((await weak.authenticate()).status, 401);
  assert.equal(await count(), before);
  assert.equal(
    (await script.authenticate(`{"id_data":"${'x'.repeat(70_000)}"}`)).json()['code'],
    'MENDER_BODY_TOO_LARGE',
  );
});

test('a one-time claim as tenant token lets one key in, and no second one', async () => {
  const made = await server.operator.call('createClaim', {
    body: { controllerId: 'claimed', model: 'gw', line: 'gateway', tags: ['lab'] },
  });
  const first = new MenderScript(server.url, '{"serial":"c1"}');
  const second = new MenderScript(server.url, '{"serial":"c2"}');
  assert.equal((await first.authenticate(first.authBody({ tenant_token: made.claim }))).status, 200);
  assert.equal((await second.authenticate(second.authBody({ tenant_token: made.claim }))).status, 401);
  // The configuration keeps the claim for ever; the key is known now.
  assert.equal((await first.authenticate(first.authBody({ tenant_token: made.claim }))).status, 200);
  const device = await server.operator.call('getDevice', { params: { controllerId: 'claimed' } });
  assert.deepEqual([device.kind, device.line, device.tags], ['foreign', 'gateway', ['lab']]);
  const { items } = await server.operator.call('listEntries', { query: { limit: 500 } });
  const subjects = items.filter(({ predicateType }) => predicateType === 'urn:pawl:device-enrolled:1');
  assert.ok(subjects.length > 0, 'the key stands in the ledger');
});

test('who asks is told to the operator as an event, once; who comes by a claim is not', async () => {
  const script = new MenderScript(server.url, '{"serial":"waiting"}');
  for (let turn = 0; turn < 2; turn += 1) assert.equal((await script.authenticate()).status, 401);
  const { claim } = await server.operator.call('createClaim', {
    body: { controllerId: 'straight', model: 'gw', line: 'gateway' },
  });
  const straight = new MenderScript(server.url, '{"serial":"straight"}');
  assert.equal((await straight.authenticate(straight.authBody({ tenant_token: claim }))).status, 200);
  const events = await eventsUntil(server.operator, (all) => all.some(({ subject }) => subject === 'device/straight'));
  const { items } = await server.operator.call('listIntroductions', { query: { state: 'pending', limit: 500 } });
  const [asked] = items.filter(({ attributes }) => attributes['serial'] === 'waiting');
  const told = events.flatMap(({ type, data }) => (type === 'pawl.device.waiting' ? [data] : []));
  assert.deepEqual(told.at(-1), { introductionId: asked?.id, client: 'mender', keyId: asked?.keyId, name: null });
  assert.equal(new Set(told.map(({ keyId }) => keyId)).size, told.length);
});

test('a rejected key stays out, and its token opens nothing from then on', async () => {
  const script = await preauthorised(server, 'rejected');
  assert.equal((await script.next()).status, 204);
  const { id } = await requestOf('rejected');
  await server.operator.call('rejectMenderRequest', { params: { id }, body: {} });
  assert.equal((await script.next()).status, 401);
  assert.equal((await script.authenticate()).status, 401);
});

test('a decommissioned device is out at once, and asks as a new one', async () => {
  const script = await preauthorised(server, 'gone');
  await server.operator.call('decommissionDevice', { params: { controllerId: 'gone' } });
  assert.equal((await script.next()).status, 401);
  assert.equal((await script.authenticate()).status, 401);
  assert.equal((await requestOf('gone')).state, 'pending');
});

test('a device with a new key is accepted as what it was, and the old key stops working', async () => {
  const old = await preauthorised(server, 'rekeyed');
  const renewed = new MenderScript(server.url, '{"serial":"rekeyed","generation":"2"}');
  assert.equal((await renewed.authenticate()).status, 401);
  const { items } = await server.operator.call('listMenderRequests', { query: { state: 'pending', limit: 500 } });
  const id = items.find(({ identity }) => identity.includes('"generation"'))?.id ?? 0;
  const body = { controllerId: 'rekeyed', model: 'gw' };
  const accept = (more: object) =>
    server.operator.call('acceptMenderRequest', { params: { id }, body: { ...body, ...more } });
  await assert.rejects(accept({}), { code: 'DEVICE_EXISTS' });
  await assert.rejects(accept({ isKeyChange: true, controllerId: 'nobody' }), { code: 'DEVICE_UNKNOWN' });
  await accept({ isKeyChange: true });
  assert.equal((await renewed.authenticate()).status, 200);
  assert.deepEqual([(await old.next()).status, (await old.authenticate()).status], [401, 401]);
});

test('what the operator may not do says why', async () => {
  const id = 2_000_000;
  const call = server.operator.call.bind(server.operator);
  await assert.rejects(call('rejectMenderRequest', { params: { id }, body: {} }), { code: 'MENDER_REQUEST_UNKNOWN' });
  const script = await preauthorised(server, 'twice');
  const body = {
    controllerId: 'other',
    model: 'gw',
    identity: { serial: 'twice' },
    publicKey: script.key.publicKeyPem,
  };
  await assert.rejects(call('preauthoriseMender', { body }), { code: 'MENDER_REQUEST_EXISTS' });
  const weak = { ...body, publicKey: makeScriptKey('rsa1024').publicKeyPem };
  await assert.rejects(call('preauthoriseMender', { body: weak }), { code: 'MENDER_KEY_UNSUITABLE' });
});

test('of those whom nobody accepted, the ones that were not heard of for longest are forgotten', async (t) => {
  mkdirSync(`${server.folder}/other-store`);
  const database = openSqlite(`${server.folder}/other-store`);
  t.after(() => database.close());
  const tenantId = await database.write(async (trx) => {
    const { id } = await trx.insertInto('tenant').values({ name: 'x' }).returning('id').executeTakeFirstOrThrow();
    for (const [index, state] of (['pending', 'accepted', 'pending', 'pending'] as const).entries()) {
      const identitySha256 = new Uint8Array(32).fill(index);
      const row = { tenantId: id, identity: String(index), identitySha256, publicKeyPem: '', keyId: String(index) };
      await insertMenderAuth(trx, { ...row, state, deviceId: undefined, nowMs: index, heardMs: index });
    }
    await dropOldestPending(trx, id, 2);
    return id;
  });
  const rows = await queryMenderAuths(database.read, { tenantId, limit: 10 });
  assert.deepEqual(
    rows.map(({ identity }) => identity),
    ['1', '2', '3'],
  );
});
