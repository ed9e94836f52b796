/** Claims of devices: for a time, for one device, once – by the clock of the server. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PrivateKey } from '@pawl/core/crypto';
import { enrolBody, postEnrol } from './pawl-device.ts';
import type { RawAnswer } from './raw-http.ts';
import { startTestServer, type TestServer } from './running-server.ts';

const START = Date.parse('2026-03-01T12:00:00.000Z');
let server: TestServer;
let atMs = START;

before(async () => {
  server = await startTestServer({ now: () => new Date(atMs) });
});
after(() => server.close());

const claimFor = (controllerId: string, validForS?: number) =>
  server.operator.call('createClaim', {
    body: { controllerId, model: 'hub', line: 'gateway', ...(validForS === undefined ? {} : { validForS }) },
  });
const enrol = async (claim: string) => await postEnrol(server, await enrolBody(claim, PrivateKey.generate('Ed25519')));
const codeOf = (answer: RawAnswer) => (answer.status === 200 ? 'ok' : answer.json()['code']);

test('a claim works until the moment that it names, and not at it', async () => {
  atMs = START;
  const early = await claimFor('early', 60);
  const late = await claimFor('late', 60);
  assert.equal(early.expiresAt, '2026-03-01T12:01:00.000Z');
  atMs = START + 59_999;
  assert.equal(codeOf(await enrol(early.claim)), 'ok');
  atMs = START + 60_000;
  assert.equal(codeOf(await enrol(late.claim)), 'DEVICE_CLAIM_INVALID');
  assert.equal(codeOf(await enrol((await claimFor('late')).claim)), 'ok');
});

test('without a word about it a claim is good for a day', async () => {
  const { expiresAt } = await claimFor('day');
  assert.equal(Date.parse(expiresAt) - atMs, 86_400_000);
});

test('of two claims for one device the first to be used counts', async () => {
  const [first, second] = [await claimFor('twin'), await claimFor('twin')];
  assert.equal(codeOf(await enrol(second.claim)), 'ok');
  assert.equal(codeOf(await enrol(first.claim)), 'DEVICE_CLAIM_INVALID');
});

test('a claim does not take over a device that came in another way, nor one that was decommissioned', async () => {
  const { claim } = await claimFor('taken');
  await server.operator.call('addDevices', { body: { devices: [{ controllerId: 'taken', model: 'box' }] } });
  assert.equal(codeOf(await enrol(claim)), 'DEVICE_CLAIM_INVALID');
  await server.operator.call('decommissionDevice', { params: { controllerId: 'taken' } });
  assert.equal(codeOf(await enrol(claim)), 'DEVICE_CLAIM_INVALID');
  const { kind, model } = await server.operator.call('getDevice', { params: { controllerId: 'taken' } });
  assert.deepEqual([kind, model], ['foreign', 'box']);
});

test('the claim of an operator enrols no device, and that of a device lets nobody in', async () => {
  assert.equal(codeOf(await enrol(server.running.claim ?? '')), 'DEVICE_CLAIM_INVALID');
  const { claim } = await claimFor('guest');
  await assert.rejects(server.operator.call('login', { body: { claim, label: 'x' } }), { code: 'CLAIM_INVALID' });
  assert.equal(codeOf(await enrol(claim)), 'ok');
});
