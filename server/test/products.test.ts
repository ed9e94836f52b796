/** Products on the server: versions, what does not apply and who said so, and a matrix that one device's signed report changes. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { Evidence } from '@pawl/compliance/evidence';
import { waiversOfEntries } from '@pawl/compliance/gap';
import { parseProductYaml } from '@pawl/compliance/product';
import { ManagementClient } from '@pawl/contract/client';
import type { EnrolResponse } from '@pawl/contract/device';
import type { LedgerPart, Role } from '@pawl/contract/management';
import { PrivateKey } from '@pawl/core/crypto';
import { verifyBundle } from '@pawl/core/evidence';
import { evidenceKeptUntil, RETENTION } from '../src/domain/retention.ts';
import { tickRollouts } from '../src/jobs/rollouts.ts';
import { ScriptedDevice } from './ddi-device.ts';
import { type FaultServer, signImage, startFaultServer } from './fault-server.ts';
import { sha256Hex } from './line-repository.ts';
import { enrolBody, signReport } from './pawl-device.ts';
import { exchange } from './raw-http.ts';

const SOURCE = readFileSync(new URL('../../examples/products/hearth.yaml', import.meta.url), 'utf8');
const HEARTH = { product: 'hearth' };
const ON = '2027-12-11';
let server: FaultServer;

before(async () => {
  server = await startFaultServer(undefined);
});
after(() => server.close());

const put = (source: string, product = 'hearth') =>
  server.operator.call('putProduct', { params: { product }, body: { source } });

async function person(role: Role): Promise<ManagementClient> {
  const { claim } = await server.operator.call('invitePerson', { body: { name: role, roles: [role] } });
  const { token } = await new ManagementClient({ url: server.url }).call('login', { body: { claim, label: role } });
  return new ManagementClient({ url: server.url, token });
}

async function enrol(controllerId: string, model: string, line = 'hearth') {
  const { claim } = await server.operator.call('createClaim', { body: { controllerId, model, line } });
  const key = PrivateKey.generate('ESP256');
  const answer = await exchange(`${server.url}/default/pawl/v1/enrol`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(await enrolBody(claim, key)),
  });
  return { key, script: new ScriptedDevice(server.url, controllerId, answer.json<EnrolResponse>().token) };
}

/** Brings a release to the device, which refuses it as older than what it runs, and signs that. */
async function refuseOlder(controllerId: string, device: Awaited<ReturnType<typeof enrol>>): Promise<void> {
  const { swu, certificatePem } = signImage(server);
  const { operator } = server;
  await operator.call('putLine', { params: { line: 'hearth' }, body: { certificatesPem: [certificatePem] } });
  const artifacts = [{ name: 'image.swu', sizeBytes: swu.length, sha256: sha256Hex(swu) }];
  const body = { line: 'hearth', version: '1.0.0', kind: 'foreign' as const, artifacts };
  const { id } = await operator.call('createRelease', { body });
  await operator.call('putArtifact', { params: { id, name: 'image.swu' }, body: swu, sizeBytes: swu.length });
  await operator.call('publishRelease', { params: { id }, body: {} });
  const rollout = { name: 'older', releaseId: id, filter: `name:${controllerId}` };
  const { id: rolloutId } = await operator.call('createRollout', { body: rollout });
  await operator.call('changeRollout', { params: { id: rolloutId, verb: 'start' }, body: {} });
  await tickRollouts(server.ports);
  const poll = (await device.script.send('')).json<{ _links: Record<string, { href: string }> }>();
  const { items } = await operator.call('listAssignments', { query: { controllerId } });
  const report = await signReport(
    device.key,
    {
      assignmentId: items[0]?.id ?? 0,
      counter: 1,
      state: 'refused',
      code: 'AGENT_SECURITY_COUNTER_TOO_LOW',
      version: '1.0.0',
      floor: '2',
      sequenceNumber: 1,
      securityCounter: '1',
      slot: 0,
      journalHead: 'ab'.repeat(32),
      at: server.ports.now().toISOString(),
    },
    { subject: [{ name: `device/${controllerId}`, digest: { sha256: 'ab'.repeat(32) } }] },
  );
  const headers = { 'content-type': 'application/vnd.dsse+json' };
  const answer = await device.script.send(poll._links['report']?.href ?? '', { method: 'POST', headers, body: report });
  assert.equal(answer.status, 200, answer.text);
  device.script.close();
}

test('every version of a product is kept with its digest, and a fault is said with its line', async () => {
  const first = await put(SOURCE);
  assert.deepEqual([first.version, first.line, first.models], [1, 'hearth', ['gateway', 'sensor', 'gateway-lumen']]);
  assert.equal((await put(SOURCE)).version, 1);
  const second = await put(SOURCE.replace('name: Hearth Gateway', 'name: Hearth Gateway 2'));
  assert.equal(second.version, 2);
  const { items } = await server.operator.call('getProduct', { params: HEARTH });
  assert.deepEqual(
    items.map(({ version }) => version),
    [2, 1],
  );
  const record = await server.operator.call('exportProduct', { params: HEARTH, query: { version: 1 } });
  assert.equal(createHash('sha256').update(record).digest('hex'), first.sha256);
  // What is exported is a product file, and the same product.
  assert.equal((await put(Buffer.from(record).toString())).version, 3);
  assert.deepEqual(
    (await server.operator.call('listProducts', {})).items.map(({ version }) => version),
    [3],
  );
  const line = SOURCE.split('\n').findIndex((text) => text.includes('core: Cortex-M0')) + 1;
  await assert.rejects(
    put(SOURCE.replace('core: Cortex-M0', 'kore: Cortex-M0')),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, 'PRODUCT_INVALID');
      // The fault is named at the item that holds it, at most three lines above.
      const said = Number(/line (\d+)/.exec(error.message)?.[1]);
      return said <= line && said >= line - 3;
    },
  );
  await assert.rejects(put(SOURCE, 'other'), { code: 'PRODUCT_MISNAMED' });
  await assert.rejects(server.operator.call('getProduct', { params: { product: 'none' } }), {
    code: 'PRODUCT_UNKNOWN',
  });
});

test('one signed report of a device changes the cell that asks for it, for its model only, and says which entry proves it', async () => {
  const device = await enrol('gw-1', 'gateway');
  const cells = async (model: string, on = ON) => {
    const answer = await server.operator.call('getGap', { params: HEARTH, query: { on, model } });
    return answer.cells.flatMap((cell) =>
      cell.proofs.filter(({ kind }) => kind === 'anti-rollback-test').map((proof) => ({ ...proof, of: cell.model })),
    );
  };
  assert.deepEqual(await cells('gateway'), []);
  await refuseOlder('gw-1', device);
  const [proof] = await cells('gateway');
  assert.deepEqual([proof?.grade, proof?.issuer, proof?.of], ['observed', 'device/gw-1', 'gateway']);
  const today = server.ports.now().toISOString().slice(0, 10);
  assert.equal(proof?.issuedOn, today);
  assert.equal(proof.ageDays, (Date.parse(ON) - Date.parse(today)) / 86_400_000);
  const entry = await server.operator.call('listEntries', { query: { from: proof.entry ?? -1, limit: 1 } });
  assert.equal(entry.items[0]?.predicateType, 'urn:pawl:device-report:1');
  assert.deepEqual(await cells('sensor'), []);
  // Before it happened it shows nothing.
  assert.deepEqual(await cells('gateway', '2020-01-01'), []);
  const { tasks } = await server.operator.call('getTasks', { params: HEARTH, query: { on: ON, limit: 3 } });
  assert.deepEqual(
    tasks.map(({ model }) => model),
    ['sensor', 'sensor', 'sensor'],
  );
  const gate = (model: string, market: string) =>
    server.operator.call('getMarketGate', { params: HEARTH, query: { model, market, on: ON } });
  const held = await gate('sensor', 'EU');
  assert.ok(held.isHeld && held.holding.length > 0);
  assert.equal((await gate('sensor', 'UK')).isHeld, false);
  await assert.rejects(gate('none', 'EU'), { code: 'PRODUCT_MODEL_UNKNOWN' });
});

test('a part of the ledger proves itself offline: a product with its devices, a release, some days', async () => {
  const { vkey } = await server.operator.call('getCheckpoint', {});
  const part = async (query: LedgerPart) =>
    verifyBundle(await server.operator.call('exportBundle', { query }), { vkey });
  await enrol('elsewhere', 'hub', 'other-line');
  const whole = await part({});
  const ofProduct = await part(HEARTH);
  assert.deepEqual([whole.isComplete, ofProduct.isComplete], [true, false]);
  const subjects = ofProduct.entries.map(({ subject }) => subject[0]?.name ?? '');
  for (const name of ['product/hearth', 'device/gw-1', 'release/hearth/1.0.0'])
    assert.ok(subjects.includes(name), name);
  assert.ok(!subjects.includes('device/elsewhere'));
  assert.ok(whole.entries.some(({ subject }) => subject[0]?.name === 'device/elsewhere'));
  // The report is there with the entry that let its device in, and so shows what it shows in the whole.
  const kinds = Evidence.fromBundle(ofProduct, parseProductYaml(SOURCE, 'hearth.yaml')).map(({ facts }) => facts.kind);
  assert.ok(kinds.includes('anti-rollback-test'));
  const ofRelease = await part({ line: 'hearth', version: '1.0.0' });
  assert.ok(ofRelease.entries.length > 0 && ofRelease.entries.length < ofProduct.entries.length);
  const today = server.ports.now().toISOString().slice(0, 10);
  assert.equal((await part({ since: '2000-01-01', until: '2000-12-31' })).entries.length, 0);
  assert.equal((await part({ until: today })).entries.length, whole.entries.length);
  await assert.rejects(part({ version: '1.0.0' }), { code: 'API_REQUEST_INVALID' });
  await assert.rejects(part({ product: 'none' }), { code: 'PRODUCT_UNKNOWN' });
});

test('a gate holds a rollout to the devices of its market, says what is missing, and is passed by another person only', async () => {
  (await enrol('sensor-1', 'sensor')).script.close();
  const filter = 'name:sensor-1';
  const gate = (of: string | null) =>
    server.operator.call('setMarketGate', { params: { ...HEARTH, market: 'EU' }, body: { filter: of } });
  await assert.rejects(gate(':'), { code: 'FILTER_MALFORMED' });
  await gate(filter);
  const author = await person('admin');
  const approver = await person('approver');
  const [release] = (await author.call('listReleases', { query: { line: 'hearth' } })).items;
  const make = async () => {
    const body = { name: 'to the market', releaseId: release?.id ?? 0, filter };
    return { params: { id: (await author.call('createRollout', { body })).id } };
  };
  const start = ({ params }: { params: { id: number } }) =>
    author.call('changeRollout', { params: { ...params, verb: 'start' }, body: {} });
  const held = await make();
  await assert.rejects(start(held), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'MARKET_GATE_HELD');
    return /sensor.*EU.*missing/.test(error.message);
  });
  assert.equal((await author.call('getRollout', held)).state, 'ready');
  const body = { market: 'EU', reason: 'ten devices for the test house' };
  await assert.rejects(author.call('passMarketGate', { ...held, body }), { code: 'APPROVAL_BY_AUTHOR' });
  await approver.call('passMarketGate', { ...held, body });
  assert.equal((await start(held)).state, 'running');
  // Another rollout is held again, until the gate is gone.
  const next = await make();
  await assert.rejects(start(next), { code: 'MARKET_GATE_HELD' });
  await gate(null);
  assert.equal((await start(next)).state, 'running');
  const { vkey } = await server.operator.call('getCheckpoint', {});
  const { entries } = verifyBundle(await server.operator.call('exportBundle', {}), { vkey });
  const said = entries.filter(({ predicateType }) => predicateType === 'urn:pawl:market-gate:1');
  assert.deepEqual(
    said.map(({ predicate }) => predicate['act']),
    ['set', 'pass', 'set'],
  );
  assert.equal(said[1]?.predicate['reason'], body.reason);
});

test('what does not apply is asked by one person and approved by another, or it counts for nothing', async () => {
  const author = await person('compliance');
  const approver = await person('approver');
  const asked = { model: 'sensor', requirement: 'EU-CRA I.2.f', reason: 'it stores and sends nothing' };
  const stateOf = async () => {
    const { cells } = await server.operator.call('getGap', { params: HEARTH, query: { on: ON, model: 'sensor' } });
    return cells.find(({ requirement }) => requirement === asked.requirement);
  };
  const before = (await stateOf())?.state;
  assert.notEqual(before, 'not-applicable');
  const { id } = await author.call('proposeWaiver', { params: HEARTH, body: asked });
  assert.equal((await stateOf())?.state, before);
  const approve = { params: { id }, body: { verdict: 'approve' as const } };
  await assert.rejects(author.call('decideWaiver', approve), { code: 'API_FORBIDDEN' });
  const machine = await server.operator.call('createToken', { body: { label: 'm', role: 'admin' } });
  const robot = new ManagementClient({ url: server.url, token: machine.token });
  await assert.rejects(robot.call('decideWaiver', approve), { code: 'WAIVER_BY_MACHINE' });
  assert.equal((await approver.call('decideWaiver', approve)).state, 'approved');
  await assert.rejects(approver.call('decideWaiver', approve), { code: 'WAIVER_DECIDED' });
  assert.deepEqual([(await stateOf())?.state, (await stateOf())?.reason], ['not-applicable', asked.reason]);
  const own = await server.operator.call('proposeWaiver', { params: HEARTH, body: asked });
  const ownApprove = { params: { id: own.id }, body: { verdict: 'approve' as const } };
  await assert.rejects(server.operator.call('decideWaiver', ownApprove), { code: 'WAIVER_BY_AUTHOR' });
  const { vkey } = await server.operator.call('getCheckpoint', {});
  const offline = async () =>
    waiversOfEntries(verifyBundle(await server.operator.call('exportBundle', {}), { vkey }).entries, 'hearth');
  assert.deepEqual(
    (await offline()).map(({ reference, model }) => [reference, model]),
    [[asked.requirement, 'sensor']],
  );
  await approver.call('decideWaiver', { params: { id }, body: { verdict: 'withdraw', reason: 'it sends now' } });
  assert.equal((await stateOf())?.state, before);
  assert.deepEqual(await offline(), []);
  const misplaced = [
    { ...asked, model: 'none' },
    { ...asked, requirement: 'EU-CRA X.1' },
  ];
  for (const body of misplaced) {
    await assert.rejects(author.call('proposeWaiver', { params: HEARTH, body }), { code: 'WAIVER_MISPLACED' });
  }
  await assert.rejects(approver.call('decideWaiver', { ...approve, params: { id: 9999 } }), { code: 'WAIVER_UNKNOWN' });
});

test('evidence of a product that is still sold has no end; of one that is not, ten years from its last day', () => {
  const dates = { recordedMs: Date.parse('2026-01-01'), validUntilMs: null };
  assert.equal(evidenceKeptUntil({ ...dates, productEndMs: null }, RETENTION), Number.POSITIVE_INFINITY);
  const ended = { ...dates, productEndMs: Date.parse('2033-07-01') };
  assert.equal(new Date(evidenceKeptUntil(ended, RETENTION)).toISOString().slice(0, 10), '2043-07-02');
  assert.equal(new Date(evidenceKeptUntil(dates, RETENTION)).toISOString().slice(0, 10), '2036-01-02');
});
