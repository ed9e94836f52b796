/** A rollout that counts attested devices only: who is asked, what is believed, what it means, and that the ledger shows why. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { DeviceReport } from '@pawl/contract/device';
import { type EatClaims, signEvidence, verifyEvidence } from '@pawl/core/attest';
import { fromBase64, fromBase64Url } from '@pawl/core/bytes';
import { keyIdOf } from '@pawl/core/cose';
import { PrivateKey, PublicKey, sha256 } from '@pawl/core/crypto';
import { type BundleEntry, verifyBundle } from '@pawl/core/evidence';
import { ScriptedDevice } from './ddi-device.ts';
import { LINE, LineRepository, publish } from './line-repository.ts';
import { enrolDevice, type PawlDevice, signReport } from './pawl-device.ts';
import type { RawAnswer } from './raw-http.ts';
import { lastAssignment, rollOut, startTestServer, type TestServer } from './running-server.ts';

const IMAGE = new Uint8Array(randomBytes(2000));
const RELEASE = { version: '1.2.0', sequenceNumber: 7n, securityCounter: 3n, image: IMAGE };
const EAT = 'application/eat+cwt';

let server: TestServer;
let releaseId: number;
let aheadMs = 0;
const now = (): Date => new Date(Date.now() + aheadMs);
const open: PawlDevice[] = [];

before(async () => {
  server = await startTestServer({ now });
  const repository = await LineRepository.of(server.operator, now);
  await repository.handIn(server.operator);
  releaseId = await publish(server.operator, repository, RELEASE);
});
after(async () => {
  for (const { script } of open) script.close();
  await server.close();
});

const codeOf = ({ status, text, json }: RawAnswer): unknown[] => [status, text === '' ? '' : json()['code']];
const showRollout = (id: number) => server.operator.call('getRollout', { params: { id } });
const assignmentOf = async (controllerId: string) => {
  const { items } = await server.operator.call('listAssignments', { query: { controllerId } });
  return items.at(-1);
};

function textOf(entry: BundleEntry | undefined, member: string): string {
  const value = entry?.predicate[member];
  return typeof value === 'string' ? value : '';
}

type Claims = Partial<Omit<EatClaims, 'nonce'>>;

/** A device with a key in a rollout of its own. */
async function inRollout(name: string, options: object = {}) {
  const device = await enrolDevice(server, name);
  open.push(device);
  const body = { name, releaseId, filter: `name:${name}`, successKind: 'attested' as const, ...options };
  const { id: rolloutId } = await server.operator.call('createRollout', { body });
  await server.operator.call('changeRollout', { params: { id: rolloutId, verb: 'start' }, body: {} });
  const assignmentId = (await lastAssignment(server.operator, name)).id;
  const { script, key } = device;
  const links = async () => (await script.poll())._links;
  const send = async (counter: number, state: DeviceReport['state'], more: Partial<DeviceReport> = {}) => {
    const report = { assignmentId, counter, state, version: '1.2.0', floor: '3', ...more };
    const { href = '' } = (await links())['report'] ?? {};
    const headers = { 'content-type': 'application/vnd.dsse+json' };
    const { status, text } = await script.send(href, { method: 'POST', headers, body: await signReport(key, report) });
    assert.equal(status, 200, text);
  };
  const nonce = async (): Promise<Uint8Array> => {
    const { href = '' } = (await links())['attest'] ?? {};
    return fromBase64Url(String((await script.send(href)).json()['nonce']));
  };
  const evidence = async (claims: Claims & { nonce: Uint8Array }, by = key): Promise<Uint8Array> => {
    const honest = { version: '1.2.0', imageDigest: sha256(IMAGE), sequenceNumber: 7n, securityFloor: 3n };
    return signEvidence({ ...honest, ...claims }, by);
  };
  const post = async (bytes: Uint8Array, type = EAT): Promise<RawAnswer> => {
    const href = `${server.url}/default/pawl/v1/${name}/attest`;
    return script.send(href, { method: 'POST', headers: { 'content-type': type }, body: bytes });
  };
  const confirm = async (): Promise<void> => {
    await send(1, 'trial');
    await send(2, 'confirmed');
  };
  return { ...device, rolloutId, assignmentId, links, send, nonce, evidence, post, confirm };
}

test('a device that confirmed is asked, and counts when its evidence is affirmed', async () => {
  const { rolloutId, assignmentId, key, links, confirm, nonce, evidence, post } = await inRollout('good');
  assert.equal((await links())['attest'], undefined, 'not before it confirmed');
  await confirm();
  const link = (await links())['attest'];
  assert.equal(link?.href, `${server.url}/default/pawl/v1/good/attest`);
  let rollout = await showRollout(rolloutId);
  assert.deepEqual([rollout.state, rollout.succeeded, rollout.outcomes], ['running', 0, { proving: 1 }]);
  const signed = await evidence({ nonce: await nonce() });
  const answer = await post(signed);
  assert.deepEqual([answer.status, answer.json()], [200, { verdict: 'affirming', reasons: [] }]);
  rollout = await showRollout(rolloutId);
  assert.deepEqual([rollout.state, rollout.succeeded], ['finished', 1]);
  assert.equal((await links())['attest'], undefined, 'it is not asked again');
  assert.deepEqual(codeOf(await post(signed)), [404, 'DEVICE_NOT_FOUND'], 'and nothing more is taken');
  const { attestation } = (await assignmentOf('good')) ?? {};
  assert.deepEqual([attestation?.verdict, attestation?.reasons], ['affirming', []]);
  const params = { id: assignmentId };
  const { items } = await server.operator.call('listAssignmentLog', { params, query: { limit: 1 } });
  assert.equal(items[0]?.status, 'affirming');

  // Whoever has the bundle and nothing else judges for himself.
  const { vkey } = await server.operator.call('getCheckpoint', {});
  const { entries } = verifyBundle(await server.operator.call('exportBundle', {}), { vkey });
  const verdict = entries.find(({ predicateType }) => predicateType === 'urn:pawl:attestation-verdict:1');
  const enrolled = entries.find(({ predicate }) => predicate['controllerId'] === 'good' && predicate['publicKey']);
  assert.deepEqual(verdict?.subject, [{ name: 'device/good', digest: { sha256: keyIdOf(key.publicKey) } }]);
  assert.deepEqual([verdict?.predicate['verdict'], verdict?.predicate['assignmentId']], ['affirming', assignmentId]);
  assert.match(textOf(verdict, 'basis'), /in software.*no root in hardware/);
  const kept = verifyEvidence(
    fromBase64(textOf(verdict, 'evidence')),
    PublicKey.fromSpki(textOf(enrolled, 'publicKey')),
  );
  assert.deepEqual(kept.claims.imageDigest, sha256(IMAGE));
});

test('a slot that was altered after the confirmation speaks against the device, and the rollout counts an error', async () => {
  const { rolloutId, confirm, nonce, evidence, post, links } = await inRollout('altered');
  await confirm();
  const altered = sha256(Uint8Array.of(...IMAGE, 0));
  const answer = await post(await evidence({ nonce: await nonce(), imageDigest: altered }));
  assert.deepEqual(answer.json(), { verdict: 'contraindicated', reasons: ['ATTEST_DIGEST_DIFFERS'] });
  const rollout = await showRollout(rolloutId);
  assert.deepEqual([rollout.succeeded, rollout.outcomes], [0, { failed: 1 }]);
  const { state, attestation } = (await assignmentOf('altered')) ?? {};
  assert.deepEqual([state, attestation?.verdict], ['confirmed', 'contraindicated']);
  assert.deepEqual(attestation?.reasons, ['ATTEST_DIGEST_DIFFERS']);
  assert.equal((await links())['attest'], undefined);
  // Whoever watches hears of it.
  const told = async () => {
    const { items } = await server.operator.call('listEvents', { query: { type: 'pawl.device.attested' } });
    const all = items.flatMap((event) => (event.type === 'pawl.device.attested' ? [event.data] : []));
    return all.find(({ controllerId }) => controllerId === 'altered');
  };
  await until(async () => (await told()) !== undefined);
  const { verdict, reasons, rolloutId: of } = (await told()) ?? {};
  assert.deepEqual([verdict, reasons, of], ['contraindicated', ['ATTEST_DIGEST_DIFFERS'], rolloutId]);
});

test('what speaks against a device is tried again where the rollout tries again: installing anew puts it right', async () => {
  const again = await inRollout('again', { retry: { attempts: 2 } });
  await again.confirm();
  await again.post(await again.evidence({ nonce: await again.nonce(), securityFloor: 2n }));
  const next = await lastAssignment(server.operator, 'again');
  assert.notEqual(next.id, again.assignmentId);
  await again.send(3, 'trial', { assignmentId: next.id });
  await again.send(4, 'confirmed', { assignmentId: next.id });
  const answer = await again.post(await again.evidence({ nonce: await again.nonce() }));
  assert.equal(answer.json()['verdict'], 'affirming');
  assert.equal((await showRollout(again.rolloutId)).succeeded, 1);
});

test('evidence that is not authentic or not fresh gets no verdict, and changes nothing', async () => {
  const { rolloutId, key, confirm, nonce, evidence, post, links } = await inRollout('doubtful');
  const other = await inRollout('other');
  const early = await evidence({ nonce: new Uint8Array(56) });
  assert.deepEqual(codeOf(await post(early)), [404, 'DEVICE_NOT_FOUND'], 'nobody asked');
  await confirm();
  await other.confirm();
  const given = await nonce();
  const good = await evidence({ nonce: given });
  const changed = given.slice();
  changed[0] = changed[0]! ^ 1;
  const REFUSED = [422, 'EVIDENCE_REFUSED'];
  const { size } = await server.operator.call('getCheckpoint', {});
  const TABLE: readonly (readonly [string, Uint8Array, string])[] = [
    ['a nonce of nobody', await evidence({ nonce: new Uint8Array(randomBytes(56)) }), 'ATTEST_NONCE_UNKNOWN'],
    ['a changed nonce', await evidence({ nonce: changed }), 'ATTEST_NONCE_UNKNOWN'],
    ['the nonce of another device', await evidence({ nonce: await other.nonce() }), 'ATTEST_NONCE_UNKNOWN'],
    ["another device's key", await evidence({ nonce: given }, other.key), 'ATTEST_SIGNATURE_INVALID'],
    ['a key of nobody', await evidence({ nonce: given }, PrivateKey.generate('ESP256')), 'ATTEST_SIGNATURE_INVALID'],
    ['half of it', good.subarray(0, good.length / 2), 'ATTEST_EVIDENCE_MALFORMED'],
    ['a byte too many', Buffer.concat([good, Buffer.alloc(1)]), 'ATTEST_EVIDENCE_MALFORMED'],
    ['nothing', new Uint8Array(), 'ATTEST_EVIDENCE_MALFORMED'],
  ];
  for (const [name, bytes, reason] of TABLE) {
    const answer = await post(bytes);
    assert.deepEqual(codeOf(answer), REFUSED, name);
    assert.match(String(answer.json()['message']), new RegExp(reason), name);
  }
  assert.deepEqual(codeOf(await post(good, 'text/plain')), [415, 'DEVICE_CONTENT_TYPE_UNSUPPORTED']);
  assert.deepEqual(codeOf(await post(new Uint8Array(16_385))), [413, 'DEVICE_BODY_TOO_LARGE']);
  // The nonce ends.
  aheadMs += 301_000;
  assert.deepEqual(codeOf(await post(good)), REFUSED, 'too late');
  assert.deepEqual((await showRollout(rolloutId)).outcomes, { proving: 1 });
  assert.equal((await server.operator.call('getCheckpoint', {})).size, size);
  assert.notEqual((await links())['attest'], undefined, 'it is still asked');
  const fresh = await evidence({ nonce: await nonce() });
  const both = await Promise.all([post(fresh), post(fresh)]);
  assert.deepEqual(
    both.map(({ status }) => status).toSorted((a, b) => a - b),
    [200, 404],
    'a nonce counts once',
  );
  assert.equal((await showRollout(rolloutId)).succeeded, 1);
  assert.equal(key.publicKey.algorithm, 'ESP256');
});

test('a device that does not answer has failed when its time is over; what it proves late still counts', async () => {
  const late = await inRollout('late', { timeOutS: { install: 3600 } });
  await late.confirm();
  const before = await late.nonce();
  aheadMs += 3600 * 1000 + 1000;
  await until(async () => (await showRollout(late.rolloutId)).outcomes.failed === 1);
  assert.deepEqual(codeOf(await late.post(await late.evidence({ nonce: before }))), [422, 'EVIDENCE_REFUSED']);
  assert.equal((await late.post(await late.evidence({ nonce: await late.nonce() }))).json()['verdict'], 'affirming');
  assert.equal((await showRollout(late.rolloutId)).succeeded, 1);
});

test('the version that a device shows is no attestation', async () => {
  const { rolloutId, confirm, script } = await inRollout('talker');
  await confirm();
  await script.post('/configData', { mode: 'merge', data: { version: '1.2.0' } }, 'PUT');
  assert.deepEqual((await showRollout(rolloutId)).outcomes, { proving: 1 });
});

test('foreign devices and other rollouts are never asked', async () => {
  const device = await enrolDevice(server, 'plain');
  open.push(device);
  await rollOut(server.operator, releaseId, 'name:plain');
  const { id: assignmentId } = await lastAssignment(server.operator, 'plain');
  for (const [index, state] of (['trial', 'confirmed'] as const).entries()) {
    const report = { assignmentId, counter: index + 1, state, version: '1.2.0', floor: '3' };
    const headers = { 'content-type': 'application/vnd.dsse+json' };
    const body = await signReport(device.key, report);
    await device.script.send(`${server.url}/default/pawl/v1/plain/report`, { method: 'POST', headers, body });
  }
  assert.equal((await device.script.poll())._links['attest'], undefined);
  const address = `${server.url}/default/pawl/v1/plain/attest`;
  assert.deepEqual(codeOf(await device.script.send(address)), [404, 'DEVICE_NOT_FOUND']);
  const body = { devices: [{ controllerId: 'foreign', model: 'm', line: LINE }] };
  const token = (await server.operator.call('addDevices', { body })).devices[0]?.token ?? '';
  const foreign = new ScriptedDevice(server.url, 'foreign', token);
  const href = `${server.url}/default/pawl/v1/foreign/attest`;
  assert.deepEqual(codeOf(await foreign.send(href)), [404, 'DEVICE_NOT_FOUND']);
  const post = { method: 'POST' as const, headers: { 'content-type': EAT }, body: new Uint8Array(8) };
  assert.deepEqual(codeOf(await foreign.send(href, post)), [403, 'DEVICE_PROOF_REQUIRED']);
  foreign.close();
});

test('the verdicts are evidence of the product, observed, and each says which entry proves it', async () => {
  const hearth = readFileSync(new URL('../../examples/products/hearth.yaml', import.meta.url), 'utf8');
  const source = hearth
    .replace('line: hearth', `line: ${LINE}`)
    .replace('  - id: gateway\n', '  - id: gateway\n    controllerModel: hub\n');
  await server.operator.call('putProduct', { params: { product: 'hearth' }, body: { source } });
  const on = '2027-12-11';
  const { cells } = await server.operator.call('getGap', { params: { product: 'hearth' }, query: { on } });
  const proofs = cells.flatMap(({ model, proofs: all }) =>
    all.flatMap((proof) => (proof.kind === 'attestation-report' ? [{ ...proof, model }] : [])),
  );
  assert.ok(proofs.length > 0);
  assert.deepEqual([...new Set(proofs.map(({ model, grade }) => `${model} ${grade}`))], ['gateway observed']);
  const { items } = await server.operator.call('listEntries', { query: { limit: 500 } });
  const proven = items.filter(({ index }) => proofs.some(({ entry }) => entry === index));
  assert.deepEqual([...new Set(proven.map(({ predicateType }) => predicateType))], ['urn:pawl:attestation-verdict:1']);
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const endMs = Date.now() + 30_000; Date.now() < endMs; ) {
    if (await isSo()) return;
    await server.operator.call('getPolicy', {});
  }
  assert.fail('it did not become so');
}
