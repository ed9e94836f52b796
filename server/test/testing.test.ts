/** Laboratories, test plans and results over a listening server: what is tested, what is claimed, and what is refused. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { NewTestPlan, NewTestResults, TestResult } from '@pawl/contract/management';
import { verifyBundle } from '@pawl/core/evidence';
import { startTestServer, type TestServer } from './running-server.ts';

const SOURCE = readFileSync(new URL('../../examples/products/hearth.yaml', import.meta.url), 'utf8');
const EDITION = 'V3.1.3 (2024-09)';
const REQUIREMENT = 'ETSI-EN-303-645 5.3-10';
const HOUSE = {
  id: 'house',
  name: 'House GmbH',
  country: 'DE',
  capabilities: ['update-simulation'],
  editions: [],
  leadTimeWeeks: 8,
  source: 'their mail',
  verifiedOn: '2026-11-01',
};
const PLAN: NewTestPlan = {
  product: 'hearth',
  models: ['gateway'],
  catalogue: 'ETSI-EN-303-645',
  edition: EDITION,
  laboratory: 'house',
  doneBy: '2027-12-11',
};
let server: TestServer;

before(async () => {
  server = await startTestServer({ now: () => new Date('2026-11-21T12:00:00.000Z') });
  await server.operator.call('putProduct', { params: { product: 'hearth' }, body: { source: SOURCE } });
});
after(() => server.close());

const make = (more: Partial<NewTestPlan> = {}) => server.operator.call('makeTestPlan', { body: { ...PLAN, ...more } });
const result = (more: Partial<TestResult> = {}): TestResult => ({
  requirement: REQUIREMENT,
  verdict: 'pass',
  reference: 'section 4.2',
  testedOn: '2026-11-10',
  issuer: 'house',
  edition: EDITION,
  ...more,
});
const take = (id: number, results: TestResult[], report?: NewTestResults['report']) =>
  server.operator.call('importTestResults', {
    params: { id },
    body: { results, ...(report === undefined ? {} : { report }) },
  });
async function upload(text: string) {
  const bytes = Buffer.from(text);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const sizeBytes = bytes.length;
  await server.operator.call('putEvidenceFile', { params: { sha256 }, query: { sizeBytes }, body: bytes, sizeBytes });
  return { name: 'report.pdf', mediaType: 'application/pdf', sha256 } as const;
}
async function cell() {
  const query = { on: '2027-01-01' };
  const { cells } = await server.operator.call('getGap', { params: { product: 'hearth' }, query });
  return cells.find(({ model, requirement }) => model === 'gateway' && requirement === REQUIREMENT);
}

test('a plan needs a laboratory of the directory, the edition of its catalogue, and models and requirements that are there', async () => {
  assert.equal((await server.operator.call('listLaboratories', {})).version, 0);
  await assert.rejects(make(), { code: 'LABORATORY_UNKNOWN' });
  const laboratories = [HOUSE];
  const { version } = await server.operator.call('importLaboratories', { body: { laboratories } });
  assert.deepEqual([version, (await server.operator.call('listLaboratories', {})).laboratories], [1, laboratories]);
  await assert.rejects(make({ edition: 'V2.1.1 (2020-06)' }), { code: 'TEST_EDITION_OTHER' });
  await assert.rejects(make({ requirements: ['EU-CRA I.2.c'] }), { code: 'EVIDENCE_WORD_UNKNOWN' });
  await assert.rejects(make({ models: ['other'] }), { code: 'PRODUCT_MODEL_UNKNOWN' });
  await assert.rejects(make({ product: 'other' }), { code: 'PRODUCT_UNKNOWN' });
  const plan = await make();
  assert.ok(plan.open.includes(REQUIREMENT));
  assert.deepEqual(plan.schedule[0]?.startsOn, '2027-07-17');
  assert.deepEqual((await server.operator.call('listTestPlans', { query: {} })).items, [plan]);
});

test('a result is tested with its report and a known laboratory, and claimed without either; a fail shows nothing', async () => {
  const { id } = await make({ requirements: [REQUIREMENT] });
  const claimed = await take(id, [result()]);
  assert.deepEqual([claimed.results[0]?.grade, claimed.open], ['claimed', []]);
  assert.equal((await cell())?.proofs.length, 0);
  assert.match((await cell())?.missing[0]?.reason ?? '', /only claimed; tested is needed/);
  const report = await upload('%PDF-1.7 report');
  const stranger = await take(id, [result({ issuer: 'Somebody' })], report);
  assert.equal(stranger.results.at(-1)?.grade, 'claimed');
  assert.equal((await cell())?.proofs.length, 0);
  const tested = await take(id, [result({ testedOn: '2026-11-11' })], report);
  assert.equal(tested.results.at(-1)?.grade, 'tested');
  const proofs = (await cell())?.proofs ?? [];
  assert.ok(proofs.length > 0);
  for (const { grade, issuer, issuedOn } of proofs)
    assert.deepEqual([grade, issuer, issuedOn], ['tested', 'House GmbH', '2026-11-11']);
  await take(id, [result({ testedOn: '2026-11-12', verdict: 'fail', reference: 'section 9' })], report);
  assert.equal((await cell())?.proofs.length, 0);
  assert.match((await cell())?.missing[0]?.reason ?? '', /the verdict is fail \(section 9\)|only claimed/);
  await take(id, [result({ testedOn: '2026-11-13' })], report);
  assert.ok(((await cell())?.proofs.length ?? 0) > 0);
  const last = (await server.operator.call('getTestPlan', { params: { id } })).results.at(-1)?.evidence ?? 0;
  await server.operator.call('withdrawEvidence', { params: { id: last }, body: { reason: 'the lab recalled it' } });
  assert.equal((await cell())?.proofs.length, 0);
});

test('results come in all or none: another edition, an unplanned requirement or a report that is none leaves no trace', async () => {
  const { id } = await make({ requirements: [REQUIREMENT] });
  const good = result();
  const other = result({ edition: 'V2.1.1 (2020-06)' });
  await assert.rejects(take(id, [good, other]), { code: 'TEST_EDITION_OTHER' });
  const stray = result({ requirement: 'ETSI-EN-303-645 5.1-1' });
  await assert.rejects(take(id, [good, stray]), { code: 'TEST_UNPLANNED' });
  const missing = { name: 'r.pdf', mediaType: 'application/pdf', sha256: 'ab'.repeat(32) } as const;
  await assert.rejects(take(id, [good], missing), { code: 'EVIDENCE_FILE_MISSING' });
  await assert.rejects(take(id, [good], await upload('no pdf')), { code: 'EVIDENCE_FILE_NOT_OF_TYPE' });
  assert.deepEqual((await server.operator.call('getTestPlan', { params: { id } })).results, []);
  const { vkey } = await server.operator.call('getCheckpoint', {});
  const { counts, entries } = verifyBundle(await server.operator.call('exportBundle', {}), { vkey });
  assert.ok(
    entries.every(
      ({ predicateType, predicate }) => predicateType !== 'urn:pawl:test-result:1' || predicate['plan'] !== id,
    ),
  );
  assert.deepEqual([counts['urn:pawl:laboratories:1'], counts['urn:pawl:test-plan:1']], [1, 3]);
});
