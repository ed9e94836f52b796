/** Two organisations on one server: what is of one is not there for the other, whatever operation asks. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { ManagementClient } from '@pawl/contract/client';
import { introductionText } from '@pawl/contract/device';
import { MANAGEMENT_OPERATIONS, type ManagementOperation, type NewEvidence } from '@pawl/contract/management';
import { toBase64, utf8 } from '@pawl/core/bytes';
import { PrivateKey } from '@pawl/core/crypto';
import { verifyBundle } from '@pawl/core/evidence';
import { ScriptedDevice } from './ddi-device.ts';
import { type DdiServer, startDdiServer } from './ddi-server.ts';
import { makeSelfSigned } from './device-certificates.ts';
import { exchange } from './raw-http.ts';
import { lastAssignment, rollOut } from './running-server.ts';

let server: DdiServer;
let other: ManagementClient;
let otherToken: string;
/** Names and numbers of what the first tenant has. */
const HEARTH = readFileSync(new URL('../../examples/products/hearth.yaml', import.meta.url), 'utf8');
let path: Readonly<Record<string, Readonly<Record<string, string>>>>;

const codeIs = (code: string) => (error: Error & { code?: string }) => {
  assert.equal(error.code, code);
  return true;
};

async function enter(claim: string): Promise<string> {
  const { token } = await new ManagementClient({ url: server.url }).call('login', { body: { claim, label: 'other' } });
  return token;
}

async function introduceSomebody(): Promise<void> {
  const key = PrivateKey.generate('ESP256');
  const said = { publicKey: key.publicKey.toSpkiPem(), tokenSha256: 'ab'.repeat(32) };
  const proof = toBase64(await key.sign(utf8(introductionText('default', said))));
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ ...said, proof });
  const answer = await exchange(`${server.url}/default/pawl/v1/introduce`, { method: 'POST', headers, body });
  assert.equal(answer.status, 200, answer.text);
}

async function fillCompliance(): Promise<Readonly<Record<'waiver' | 'vulnerability' | 'incident', number>>> {
  const { operator } = server;
  const params = { product: 'hearth' };
  await operator.call('putProduct', { params, body: { source: HEARTH } });
  const asked = { requirement: 'EU-CRA I.2.f', model: 'sensor', reason: 'no network of its own' };
  const waiver = (await operator.call('proposeWaiver', { params, body: asked })).id;
  const vulnerability = (await operator.call('createVulnerability', { body: { title: 't', description: 'd' } })).id;
  const aware = { track: 'severe-incident' as const, title: 't', awareAt: '2026-05-01T00:00:00Z', isDrill: true };
  const incident = (await operator.call('openIncident', { body: aware })).id;
  return { waiver, vulnerability, incident };
}

/** What suppliers were asked, and who may look. */
async function fillSupply(): Promise<Readonly<Record<'inquiry' | 'share' | 'plan', number>>> {
  const { operator } = server;
  const questions = [{ id: 'q', topic: 't', text: 'Is it?', kind: 'yes-no', attachment: false } as const];
  const template = { template: 'parts', edition: '1', title: 'Parts', questions };
  const asked = { supplier: 'Chip AG', product: 'hearth', parts: ['MCU'], dueOn: '2027-01-01', template };
  const inquiry = (await operator.call('makeInquiry', { body: asked })).inquiry.id;
  const seen = { product: 'hearth', audience: 'Import GmbH', role: 'importer' } as const;
  const house = { id: 'house', name: 'House', country: 'DE', capabilities: ['update-simulation'], editions: [] };
  const told = { leadTimeWeeks: 8, source: 'mail', verifiedOn: '2026-01-01' };
  await operator.call('importLaboratories', { body: { laboratories: [{ ...house, ...told }] } });
  const pinned = { catalogue: 'ETSI-EN-303-645', edition: 'V3.1.3 (2024-09)', laboratory: 'house' };
  const planned = { product: 'hearth', models: ['gateway'], doneBy: '2027-09-01', ...pinned };
  const plan = (await operator.call('makeTestPlan', { body: planned })).id;
  return { inquiry, plan, share: (await operator.call('makeShare', { body: seen })).share.id };
}

/** One of everything that has an address. */
async function fill(): Promise<typeof path> {
  const { operator } = server;
  await operator.call('addDevices', { body: { devices: [{ controllerId: 'd-1', model: 'hub', line: 'gateway' }] } });
  const rollout = await rollOut(operator, server.releaseId, 'name:d-1');
  const assignment = (await lastAssignment(operator, 'd-1')).id;
  const gateway = (await operator.call('createGateway', { body: { name: 'g', controllerIds: ['d-1'] } })).id;
  await operator.call('putGroup', { params: { name: 'pilots' }, body: { filter: 'name:d-1' } });
  const { person } = await operator.call('invitePerson', { body: { name: 'Ada', roles: ['viewer'] } });
  const token = (await operator.call('createToken', { body: { label: 'ci', permissions: ['device:read'] } })).id;
  const events = { url: 'https://example.com/hook', types: ['pawl.device.enrolled' as const] };
  const webhook = (await operator.call('createWebhook', { body: events })).id;
  const ca = makeSelfSigned(server.folder, 'factory', { isAuthority: true });
  const rules = { name: 'factory', certificatePem: ca.certificatePem, namePattern: '*', model: 'hub' };
  const authority = (await operator.call('addAuthority', { body: rules })).id;
  await introduceSomebody();
  const introduction = (await operator.call('listIntroductions', {})).items[0]?.id ?? '';
  await operator.call('addDevices', { body: { devices: [{ controllerId: 'd-2', model: 'hub' }] } });
  const offer = (await operator.call('offerDevices', { body: { controllerIds: ['d-2'] } })).id;
  const bytes = utf8('%PDF-1.7');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const sizeBytes = bytes.length;
  await operator.call('putEvidenceFile', { params: { sha256 }, query: { sizeBytes }, body: bytes, sizeBytes });
  const file = { name: 'report.pdf', mediaType: 'application/pdf', sha256 };
  const report = { product: 'hearth', models: ['hub'], kind: 'lab-report', title: 'Test report', issuer: 'Test House' };
  const dates = { edition: 'EN 303 645 V3.1.3', issuedOn: '2026-01-01', validUntil: '2027-01-01' };
  const evidence = (await operator.call('addEvidence', { body: { ...report, ...dates, file } as NewEvidence })).id;
  const { waiver, vulnerability, incident } = await fillCompliance();
  const { inquiry, share, plan } = await fillSupply();
  return {
    products: { product: 'hearth', market: 'EU' },
    waivers: { id: String(waiver) },
    vulnerabilities: { id: String(vulnerability) },
    incidents: { id: String(incident) },
    inquiries: { id: String(inquiry), sha256: 'ab'.repeat(32) },
    shares: { id: String(share) },
    'test-plans': { id: String(plan) },
    evidence: { id: String(evidence) },
    'device-offers': { id: String(offer) },
    'device-authorities': { id: String(authority) },
    introductions: { introductionId: introduction },
    devices: { controllerId: 'd-1' },
    ledger: { index: '0' },
    releases: { id: String(server.releaseId), name: 'a.swu' },
    rollouts: { id: String(rollout), verb: 'pause' },
    assignments: { id: String(assignment) },
    gateways: { id: String(gateway) },
    groups: { name: 'pilots' },
    people: { id: String(person.id) },
    tokens: { tokenId: token },
    webhooks: { id: String(webhook) },
  };
}

before(async () => {
  server = await startDdiServer();
  const { claim } = await server.operator.call('createTenant', { body: { name: 'other' } });
  otherToken = await enter(claim);
  other = new ManagementClient({ url: server.url, token: otherToken });
  path = await fill();
});
after(() => server.close());

const WHY_NOT: Readonly<Record<string, string>> = {
  putGroup: 'makes a group of its own of this name',
  putEvidenceFile: 'keeps a file of its own under its digest',
  putProduct: 'keeps a product of its own of this name',
  putLine: 'makes a line of its own of this name',
  acceptMenderRequest: 'numbers of requests; see the tests of Mender clients',
  rejectMenderRequest: 'numbers of requests; see the tests of Mender clients',
  revokeOwnToken: "the person's own",
  endSession: "the person's own",
  removePasskey: "the person's own",
  revokeApprovalKey: "the person's own",
};

const KEY = PrivateKey.generate('ESP256').publicKey.toSpkiPem();
const BODIES: Readonly<Record<string, unknown>> = {
  recordDocuments: { release: '1.0.0', on: '2027-12-11', files: 1, sha256: 'ab'.repeat(32) },
  proposeWaiver: { requirement: 'EU-CRA I.2.f', model: 'sensor', reason: 'r' },
  decideWaiver: { verdict: 'approve' },
  setMarketGate: { filter: 'name:*' },
  passMarketGate: { market: 'EU', reason: 'r' },
  changeVulnerability: { title: 'other' },
  moveVulnerability: { step: 'triage' },
  changeIncident: { usersInformedAt: '2026-05-01T00:00:00Z' },
  recordSubmission: {
    stage: 'early-warning',
    at: '2026-05-01T00:00:00Z',
    sentBy: 'x',
    reference: 'y',
    dossierSha256: 'ab'.repeat(32),
  },
  barCertificate: { serialNumber: '1' },
  approveIntroduction: { controllerId: 'taken', model: 'hub' },
  approveRollout: { signature: { kind: 'statement', envelope: 'e30=' } },
  returnRollout: { releaseId: 1 },
  denyRollout: { reason: 'no' },
  withdrawEvidence: { reason: 'it was of another product' },
  reviewInquiry: { verdict: 'accept' },
  withdrawInquiry: { reason: 'r' },
  revokeShare: { reason: 'r' },
  importTestResults: {
    results: [
      {
        requirement: 'ETSI-EN-303-645 5.3-10',
        verdict: 'pass',
        reference: '1',
        testedOn: '2026-01-01',
        issuer: 'house',
        edition: 'V3.1.3 (2024-09)',
      },
    ],
  },
  setRoles: { roles: ['viewer'] },
  registerApprovalKeyFor: { label: 'k', publicKeyPem: KEY },
  putWebhook: { url: 'https://example.com/other', state: 'active', types: ['pawl.device.enrolled'] },
};

const QUERIES: Readonly<Record<string, string>> = {
  getMarketGate: '?model=hub&market=EU',
};

const WITH_ID = Object.entries(MANAGEMENT_OPERATIONS as Readonly<Record<string, ManagementOperation>>).filter(
  ([id, operation]) => operation.path.includes('{') && WHY_NOT[id] === undefined,
);

test('what is of another tenant is not there, for every operation with an id in its path', async () => {
  assert.ok(WITH_ID.length > 20);
  const there: string[] = [];
  for (const [id, operation] of WITH_ID) {
    const area = operation.path.split('/')[3] ?? '';
    const address = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => path[area]?.[name] ?? `no-${name}`);
    assert.doesNotMatch(address, /no-/, `${id}: say what of ${area} the first tenant has`);
    const isBytes = operation.body === 'bytes';
    const answer = await exchange(`${server.url}${address}${QUERIES[id] ?? ''}`, {
      method: operation.method,
      headers: {
        authorization: `Bearer ${otherToken}`,
        'content-type': isBytes ? 'application/octet-stream' : 'application/json',
      },
      ...(operation.body === undefined ? {} : { body: isBytes ? 'x' : JSON.stringify(BODIES[id] ?? {}) }),
    });
    if (answer.status !== 404) there.push(`${id} ${address}: ${answer.text}`);
  }
  assert.deepEqual(there, []);
});

test('lists of one tenant hold nothing of the other', async () => {
  assert.deepEqual((await other.call('listDevices', {})).items, []);
  assert.deepEqual((await other.call('listReleases', {})).items, []);
  assert.deepEqual((await other.call('listRollouts', {})).items, []);
  assert.deepEqual((await other.call('listAssignments', { query: { controllerId: 'd-1' } })).items, []);
  assert.deepEqual((await other.call('listGateways', {})).items, []);
  assert.deepEqual((await other.call('listGroups', {})).items, []);
  assert.deepEqual((await other.call('listAuthorities', {})).items, []);
  assert.deepEqual((await other.call('listIntroductions', {})).items, []);
  assert.deepEqual(await other.call('countDevices', {}), { devices: 0, isExact: true });
  const gateway = { name: 'g', controllerIds: ['d-1'] };
  await assert.rejects(other.call('createGateway', { body: gateway }), codeIs('DEVICE_UNKNOWN'));
});

test('the same names may stand in both, and a token of one opens nothing of the other', async () => {
  const { devices } = await other.call('addDevices', { body: { devices: [{ controllerId: 'd-1', model: 'kettle' }] } });
  const theirs = new ScriptedDevice(server.url, 'd-1', devices[0]?.token ?? '');
  assert.equal((await theirs.send('')).status, 401);
  const own = await exchange(`${server.url}/other/controller/v1/d-1`, {
    method: 'GET',
    headers: { authorization: `TargetToken ${devices[0]?.token ?? ''}` },
  });
  assert.equal(own.status, 200);
  theirs.close();
  assert.equal((await server.operator.call('getDevice', { params: { controllerId: 'd-1' } })).model, 'hub');
});

test('tenants are for the first tenant only, whatever role an admin of another has', async () => {
  await assert.rejects(other.call('listTenants', {}), codeIs('API_FORBIDDEN'));
  await assert.rejects(other.call('createTenant', { body: { name: 'third' } }), codeIs('API_FORBIDDEN'));
  const token = await other.call('createToken', {
    body: { label: 'all', permissions: ['tenant:write'] },
  });
  const machine = new ManagementClient({ url: server.url, token: token.token });
  await assert.rejects(machine.call('listTenants', {}), codeIs('API_FORBIDDEN'));
  const { items } = await server.operator.call('listTenants', {});
  assert.deepEqual(items, [
    { name: 'default', isFirst: true },
    { name: 'other', isFirst: false },
  ]);
});

test('a tenant reads and takes away its own entries of the ledger, proven against the checkpoint of all', async () => {
  const entriesOf = async (client: ManagementClient) =>
    (await client.call('listEntries', { query: { limit: 500 } })).items;
  const all = new Map((await entriesOf(server.operator)).map((entry) => [entry.index, entry]));
  const own = await entriesOf(other);
  assert.ok(own.length > 0 && own.length < all.size, `${own.length} of ${all.size}`);
  const models: unknown[] = [];
  for (const entry of own) {
    assert.deepEqual(entry, all.get(entry.index));
    const { payload } = JSON.parse(Buffer.from(entry.envelope, 'base64').toString()) as { payload: string };
    const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString()) as { predicate: { model?: string } };
    if (entry.subject === 'device/d-1') models.push(predicate.model);
  }
  assert.deepEqual(models, ['kettle']);
  const indexes = own.map(({ index }) => index);
  for (const index of all.keys()) {
    const asked = other.call('getProof', { params: { index } });
    if (indexes.includes(index)) assert.equal((await asked).index, index);
    else await assert.rejects(asked, codeIs('LEDGER_ENTRY_UNKNOWN'));
  }
  const { vkey } = await other.call('getCheckpoint', {});
  const bundle = verifyBundle(await other.call('exportBundle', {}), { vkey });
  assert.deepEqual([bundle.isComplete, bundle.entries.map(({ index }) => index)], [false, indexes]);
  const part = verifyBundle(await server.operator.call('exportBundle', { query: { since: '2020-01-01' } }), { vkey });
  assert.deepEqual(
    part.entries.filter(({ index }) => indexes.includes(index)),
    [],
  );
  assert.equal(verifyBundle(await server.operator.call('exportBundle', {}), { vkey }).isComplete, true);
});

test('a tenant whose claim nobody used gets a new one; one that has an admin gets none', async () => {
  const make = (name: string) => server.operator.call('createTenant', { body: { name } });
  const first = await make('late');
  const second = await make('late');
  await assert.rejects(enter(first.claim), codeIs('CLAIM_INVALID'));
  await enter(second.claim);
  for (const name of ['late', 'other', 'default']) await assert.rejects(make(name), codeIs('TENANT_EXISTS'), name);
  await assert.rejects(make('api'), codeIs('API_REQUEST_INVALID'));
  await assert.rejects(make('Upper'), codeIs('API_REQUEST_INVALID'));
});
