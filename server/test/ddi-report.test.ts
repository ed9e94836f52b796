/** Enrolment and signed reports: what gets in, what is refused, and that a refusal stores nothing. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { DeviceReport } from '@pawl/contract/device';
import { keyIdOf } from '@pawl/core/cose';
import { PrivateKey } from '@pawl/core/crypto';
import { verifyBundle } from '@pawl/core/evidence';
import { feedback, ScriptedDevice } from './ddi-device.ts';
import { type DdiServer, startDdiServer } from './ddi-server.ts';
import { enrolBody, enrolDevice, newClaim, type PawlDevice, postEnrol, signReport } from './pawl-device.ts';
import type { RawAnswer } from './raw-http.ts';
import { lastAssignment, rollOut } from './running-server.ts';

let server: DdiServer;
const open: PawlDevice[] = [];

before(async () => {
  server = await startDdiServer();
});

after(async () => {
  for (const { script } of open) script.close();
  await server.close();
});

async function entries(): Promise<{ predicateType: string; subject: string; envelope: string }[]> {
  const all = [];
  for (let from = 0; ; ) {
    const { items } = await server.operator.call('listEntries', { query: { from, limit: 500 } });
    all.push(...items);
    from += items.length;
    if (items.length < 500) return all;
  }
}

const stateOf = async (name: string) => (await lastAssignment(server.operator, name)).state;
const deviceOf = (controllerId: string) => server.operator.call('getDevice', { params: { controllerId } });

/** An enrolled device with an assignment, and the report that it would send next. */
async function assigned(name: string) {
  const device = await enrolDevice(server, name);
  open.push(device);
  await rollOut(server.operator, server.releaseId, `name:${name}`);
  const assignmentId = (await lastAssignment(server.operator, name)).id;
  const report = (counter: number, state: DeviceReport['state'], more: Partial<DeviceReport> = {}): DeviceReport => ({
    assignmentId,
    counter,
    state,
    version: '1.2.0',
    sequenceNumber: 7,
    securityCounter: '3',
    floor: '2',
    slot: 0,
    journalHead: 'ab'.repeat(32),
    at: '2026-03-01T10:00:00.000Z',
    ...more,
  });
  const { href = '' } = (await device.script.poll())._links['report'] ?? {};
  const post = (body: Uint8Array, type = 'application/vnd.dsse+json'): Promise<RawAnswer> =>
    device.script.send(href, { method: 'POST', headers: { 'content-type': type }, body });
  const send = async (counter: number, state: DeviceReport['state'], more: Partial<DeviceReport> = {}) =>
    post(await signReport(device.key, report(counter, state, more)));
  return { device, assignmentId, report, post, send };
}

const codeOf = ({ status, text, json }: RawAnswer): unknown[] => [status, text === '' ? '' : json()['code']];

test('a claim enrols a key once, and its introduction stands in the ledger', async () => {
  const key = PrivateKey.generate('Ed25519');
  const claim = await newClaim(server, 'hub-1');
  const body = await enrolBody(claim, key);
  const answer = await postEnrol(server, body);
  assert.equal(answer.status, 200);
  const { controllerId, token, pollIntervalS } = answer.json();
  assert.deepEqual([controllerId, pollIntervalS], ['hub-1', 300]);
  assert.ok(String(token).length >= 43);
  const other = await enrolBody(claim, PrivateKey.generate('Ed25519'));
  assert.deepEqual(codeOf(await postEnrol(server, other)), [403, 'DEVICE_CLAIM_INVALID']);
  const device = await deviceOf('hub-1');
  assert.deepEqual([device.kind, device.keyId], ['pawl', keyIdOf(key.publicKey)]);
  const introduced = (await entries()).filter((entry) => entry.predicateType === 'urn:pawl:device-enrolled:1');
  assert.deepEqual(
    introduced.map((entry) => entry.subject),
    ['device/hub-1'],
  );
  assert.ok(!JSON.stringify(await entries()).includes(String(token)));
});

test('a device that lost the answer may ask again with its key, until it is heard of', async () => {
  const key = PrivateKey.generate('ESP256');
  const body = await enrolBody(await newClaim(server, 'hub-lost'), key);
  const pollWith = async (token: string) => {
    const script = new ScriptedDevice(server.url, 'hub-lost', token);
    const { status } = await script.send('');
    script.close();
    return status;
  };
  const lost = String((await postEnrol(server, body)).json()['token']);
  const again = await postEnrol(server, body);
  assert.equal(again.status, 200);
  assert.equal(await pollWith(lost), 401);
  assert.equal(await pollWith(String(again.json()['token'])), 200);
  const introduced = (await entries()).filter((entry) => entry.subject === 'device/hub-lost');
  assert.equal(introduced.length, 1);
  assert.deepEqual(codeOf(await postEnrol(server, body)), [403, 'DEVICE_CLAIM_INVALID']);
});

test('a device with a key finds the links of Pawl in its poll', async () => {
  const { script } = await enrolDevice(server, 'hub-links');
  const { _links } = await script.poll();
  assert.equal(_links['trust']?.href, `${server.url}/default/pawl/v1/trust/`);
  assert.equal(_links['report']?.href, `${server.url}/default/pawl/v1/hub-links/report`);
  script.close();
});

test('false proofs and claims are refused, and leave the claim usable', async () => {
  const [key, other] = [PrivateKey.generate('ESP256'), PrivateKey.generate('ESP256')];
  const claim = await newClaim(server, 'hub-2');
  const good = await enrolBody(claim, key);
  const before = (await entries()).length;
  const TABLE: readonly (readonly [string, unknown, number, string])[] = [
    ['an unknown claim', await enrolBody(`${claim}x`, key), 403, 'DEVICE_CLAIM_INVALID'],
    ['a proof by another key', await enrolBody(claim, key, { proofBy: other }), 403, 'DEVICE_CLAIM_INVALID'],
    ['a proof for another claim', await enrolBody(claim, key, { proofClaim: 'x' }), 403, 'DEVICE_CLAIM_INVALID'],
    ['no proof', { claim, publicKey: good.publicKey }, 400, 'DEVICE_BODY_MALFORMED'],
    ['a proof that is not base64', { ...good, proof: '*' }, 400, 'DEVICE_BODY_MALFORMED'],
    ['a key that is none', { ...good, publicKey: 'x' }, 400, 'DEVICE_BODY_MALFORMED'],
    ['a member too many', { ...good, admin: true }, 400, 'DEVICE_BODY_MALFORMED'],
  ];
  for (const [name, body, status, code] of TABLE) {
    assert.deepEqual(codeOf(await postEnrol(server, body)), [status, code], name);
  }
  assert.deepEqual(codeOf(await postEnrol(server, good, 'other')), [403, 'DEVICE_CLAIM_INVALID']);
  assert.equal((await entries()).length, before);
  assert.equal((await postEnrol(server, good)).status, 200);
});

test('a key that another device enrolled is refused', async () => {
  const key = PrivateKey.generate('ESP256');
  await enrolDevice(server, 'hub-3', key);
  const body = await enrolBody(await newClaim(server, 'hub-4'), key);
  assert.deepEqual(codeOf(await postEnrol(server, body)), [403, 'DEVICE_CLAIM_INVALID']);
});

test('two that redeem one claim at the same time: one device', async () => {
  const claim = await newClaim(server, 'hub-race');
  const bodies = await Promise.all(Array.from({ length: 8 }, () => enrolBody(claim, PrivateKey.generate('ESP256'))));
  const statuses = (await Promise.all(bodies.map((body) => postEnrol(server, body)))).map(({ status }) => status);
  assert.deepEqual(
    statuses.sort((a, b) => a - b),
    [200, 403, 403, 403, 403, 403, 403, 403],
  );
});

test('reports lead an assignment from offered to confirmed, raise the floor, and stand in the ledger', async () => {
  const { send, assignmentId } = await assigned('hub-5');
  for (const [index, state] of (['downloading', 'verified', 'staged', 'trial'] as const).entries()) {
    const answer = await send(index + 1, state);
    assert.deepEqual([answer.status, answer.json()], [200, { state, counter: index + 1 }]);
  }
  assert.equal((await send(9, 'confirmed', { floor: '18446744073709551615' })).status, 200);
  const device = await deviceOf('hub-5');
  assert.deepEqual(
    [device.state, device.installedVersion, device.floor],
    ['confirmed', '1.2.0', '18446744073709551615'],
  );
  const subjects = (await entries()).filter((entry) => entry.predicateType === 'urn:pawl:device-report:1');
  assert.ok(subjects.length >= 5);
  assert.equal((await lastAssignment(server.operator, 'hub-5')).id, assignmentId);
});

test('the same final report again is 200 and stores nothing; anything else that was seen is a replay', async () => {
  const { device, post, report } = await assigned('hub-6');
  const staged = await signReport(device.key, report(1, 'trial'));
  const final = await signReport(device.key, report(2, 'reverted', { code: 'BOOT_FAILED' }));
  assert.equal((await post(staged)).status, 200);
  assert.deepEqual(codeOf(await post(staged)), [409, 'REPORT_REPLAYED']);
  assert.equal((await post(final)).status, 200);
  const size = (await entries()).length;
  const again = await post(final);
  assert.deepEqual([again.status, again.json()], [200, { state: 'reverted', counter: 2 }]);
  assert.deepEqual(codeOf(await post(staged)), [409, 'REPORT_REPLAYED']);
  const sameCounter = await signReport(device.key, report(2, 'failed'));
  assert.deepEqual(codeOf(await post(sameCounter)), [409, 'REPORT_REPLAYED']);
  assert.equal((await entries()).length, size);
  assert.equal(await stateOf('hub-6'), 'reverted');
});

test('a refusal keeps the code and the step that the device names', async () => {
  const { send } = await assigned('hub-7');
  assert.equal((await send(1, 'refused', { code: 'SUIT_KEY_UNKNOWN', step: 3 })).status, 200);
  const { items } = await server.operator.call('listAssignments', { query: { controllerId: 'hub-7' } });
  assert.deepEqual([items[0]?.state, items[0]?.code, items[0]?.step], ['refused', 'SUIT_KEY_UNKNOWN', 3]);
});

test('a device cannot confirm what it did not try, nor another version', async () => {
  const { send } = await assigned('hub-8');
  const before = (await entries()).length;
  assert.deepEqual(codeOf(await send(1, 'confirmed')), [409, 'REPORT_OUT_OF_ORDER']);
  assert.equal((await entries()).length, before, 'the refused report is not in the ledger');
  assert.equal((await send(1, 'trial')).status, 200, 'nor did it use up its counter');
  assert.deepEqual(codeOf(await send(2, 'confirmed', { version: '9.9.9' })), [409, 'REPORT_DISAGREES']);
  assert.deepEqual([await stateOf('hub-8'), (await deviceOf('hub-8')).installedVersion], ['trial', null]);
});

test('false reports are refused and store nothing', async () => {
  const { device, post, report } = await assigned('hub-9');
  const other = await assigned('hub-10');
  const before = (await entries()).length;
  const sign = (more: Partial<DeviceReport>) => signReport(device.key, { ...report(1, 'downloading'), ...more });
  const good = await sign({});
  const text = Buffer.from(good).toString();
  const loose = (value: object): DeviceReport => value as DeviceReport;
  const TABLE: readonly (readonly [string, Uint8Array, unknown[]])[] = [
    [
      "another device's key",
      await signReport(other.device.key, report(1, 'downloading')),
      [422, 'REPORT_SIGNATURE_INVALID'],
    ],
    ["another device's assignment", await sign({ assignmentId: other.assignmentId }), [404, 'DEVICE_NOT_FOUND']],
    ['no such assignment', await sign({ assignmentId: 2_147_483_647 }), [404, 'DEVICE_NOT_FOUND']],
    ['an id beyond 32 bits', await sign({ assignmentId: '9999999999' }), [404, 'DEVICE_NOT_FOUND']],
    [
      'a changed payload',
      Buffer.from(text.replace('"payload":"ey', '"payload":"fy')),
      [422, 'REPORT_SIGNATURE_INVALID'],
    ],
    ['a second signature', Buffer.from(text.replace(']', `,${text.slice(text.indexOf('[') + 1)}`)), [400]],
    ['trailing bytes', Buffer.from(`${text} `), [400, 'DEVICE_BODY_MALFORMED']],
    ['half of it', good.subarray(0, good.length / 2), [400, 'DEVICE_BODY_MALFORMED']],
    ['nothing', new Uint8Array(), [400, 'DEVICE_BODY_MALFORMED']],
    [
      'another predicate type',
      await signReport(device.key, report(1, 'trial'), { predicateType: 'urn:pawl:rollout:1' }),
      [400, 'DEVICE_BODY_MALFORMED'],
    ],
    ['a member too many', await sign(loose({ admin: true })), [400, 'DEVICE_BODY_MALFORMED']],
    ['an unknown state', await sign(loose({ state: 'reported' })), [400, 'DEVICE_BODY_MALFORMED']],
    ['a counter below zero', await sign({ counter: -1 }), [400, 'DEVICE_BODY_MALFORMED']],
    ['a counter of zero', await sign({ counter: 0 }), [409, 'REPORT_REPLAYED']],
  ];
  for (const [name, body, expected] of TABLE) {
    assert.deepEqual(codeOf(await post(body)).slice(0, expected.length), expected, name);
  }
  assert.deepEqual(codeOf(await post(good, 'text/plain')), [415, 'DEVICE_CONTENT_TYPE_UNSUPPORTED']);
  assert.deepEqual(codeOf(await post(Buffer.alloc(65_537, 0x20))), [413, 'DEVICE_BODY_TOO_LARGE']);
  for (let cut = 0; cut < good.length; cut += 41) assert.equal((await post(good.subarray(0, cut))).status, 400);
  assert.equal((await entries()).length, before);
  assert.equal(await stateOf('hub-9'), 'offered');
  assert.equal((await post(good)).status, 200);
});

test('a foreign client has no report to make; one with a key has nothing to claim', async () => {
  const { device, send } = await assigned('hub-11');
  const body = { devices: [{ controllerId: 'foreign', model: 'm' }] };
  const token = (await server.operator.call('addDevices', { body })).devices[0]?.token ?? '';
  const answer = await device.script.send(`${server.url}/default/pawl/v1/foreign/report`, {
    method: 'POST',
    headers: { authorization: `TargetToken ${token}`, 'content-type': 'application/json' },
    body: '{}',
  });
  assert.deepEqual(codeOf(answer), [403, 'DEVICE_PROOF_REQUIRED']);
  const { id } = await lastAssignment(server.operator, 'hub-11');
  assert.equal((await device.script.post(`/deploymentBase/${id}/feedback`, feedback('closed', 'success'))).status, 200);
  assert.equal(await stateOf('hub-11'), 'offered', 'its word alone ends nothing');
  const installed = await device.script.post('/installedBase', { name: 'gateway', version: '1.2.0' }, 'PUT');
  assert.deepEqual(codeOf(installed), [403, 'DEVICE_PROOF_REQUIRED']);
  assert.equal((await send(1, 'trial')).status, 200);
  assert.equal((await send(2, 'confirmed')).status, 200);
  assert.equal(await stateOf('hub-11'), 'confirmed');
});

test('the exported ledger proves itself, with every report in it', async () => {
  const { vkey, size } = await server.operator.call('getCheckpoint', {});
  const bundle = await server.operator.call('exportBundle', {});
  const report = verifyBundle(bundle, { vkey });
  assert.deepEqual([report.checkpoint.size, report.isComplete], [size, true]);
  assert.ok((report.counts['urn:pawl:device-report:1'] ?? 0) >= 10);
});
