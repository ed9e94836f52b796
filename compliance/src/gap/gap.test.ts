import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { TestLedger } from '../../test/ledger.ts';
import { EVIDENCE_KINDS, type EvidenceKind, loadCatalogues } from '../catalogue/index.ts';
import { countsUntil, Evidence, type EvidenceFacts, GRADES, isAtLeast, KIND_RULES, whyNot } from '../evidence/index.ts';
import { type Product, parseProductYaml } from '../product/index.ts';
import {
  type Cell,
  countStates,
  decideGate,
  decideIcs,
  gapMatrix,
  isHardToChange,
  type MatrixInput,
  remediationQueue,
  type Waiver,
} from './index.ts';

const LIBRARY = loadCatalogues();
const PRODUCT: Product = parseProductYaml(
  readFileSync(new URL('../../../examples/products/hearth.yaml', import.meta.url), 'utf8'),
  'hearth.yaml',
);
const ON = '2027-12-11';
const AT = '2026-11-21T10:00:00.000Z';

/** What a gateway's own run leaves in the ledger. */
async function ledgerOf(...reports: Record<string, string | number>[]): Promise<Evidence[]> {
  const ledger = new TestLedger();
  await ledger.enrol('gw-1', 'gateway', 'hearth', AT);
  await ledger.enrol('alien-1', 'gateway', 'other-line', AT);
  await ledger.record('urn:pawl:release:1', 'release/hearth/2.0.0', {
    line: 'hearth',
    version: '2.0.0',
    act: 'publish',
    at: AT,
  });
  await ledger.record('urn:pawl:rollout:1', 'release/hearth/2.0.0', { act: 'start', at: AT });
  await ledger.record('urn:pawl:release:1', 'release/else/2.0.0', { line: 'else', version: '2.0.0', at: AT });
  for (const report of reports) await ledger.report('gw-1', { version: '2.0.0', at: AT, ...report });
  await ledger.report('alien-1', { version: '9.9.9', state: 'confirmed', at: AT });
  return Evidence.fromBundle(await ledger.bundle(), PRODUCT);
}

const RUN = [
  { state: 'confirmed' },
  { state: 'refused', code: 'AGENT_PAYLOAD_DIGEST_MISMATCH' },
  { state: 'refused', code: 'AGENT_SECURITY_COUNTER_TOO_LOW' },
  { state: 'reverted', code: 'AGENT_BOOT_FAILED' },
  { state: 'refused', code: 'AGENT_SPACE_INSUFFICIENT' },
];
const OBSERVED = await ledgerOf(...RUN);

const matrixOf = (more: Partial<MatrixInput> = {}): Cell[] =>
  gapMatrix({ library: LIBRARY, product: PRODUCT, evidence: OBSERVED, waivers: [], on: ON, ...more });
const cellOf = (cells: readonly Cell[], model: string, reference: string): Cell => {
  const cell = cells.find((one) => one.model === model && one.entry.reference === reference);
  if (cell === undefined) throw new assert.AssertionError({ message: `no cell ${model} ${reference}` });
  return cell;
};

test('a device’s signed reports are evidence of its model, observed, and of no other', () => {
  const kinds = OBSERVED.filter(({ grade }) => grade === 'observed').map(({ facts }) => facts.kind);
  assert.deepEqual(
    new Set(kinds),
    new Set<EvidenceKind>([
      'signed-release',
      'campaign-record',
      'inventory-record',
      'verify-reject-test',
      'anti-rollback-test',
      'rollback-test',
    ]),
  );
  for (const { facts, grade, place } of OBSERVED) {
    assert.ok(place !== undefined && place.origin === 'test-ledger');
    if (grade === 'observed') assert.deepEqual([facts.models, facts.issuer], [['gateway'], 'device/gw-1']);
    else assert.equal(grade, 'configured');
    assert.ok(!facts.title.includes('9.9.9'));
  }
});

test('without a ledger behind it, evidence is claimed, whatever it is', () => {
  const facts: EvidenceFacts = { id: 'x', kind: 'rollback-test', title: 't', issuer: 'us', issuedOn: '2026-11-21' };
  const one = Evidence.claimed(facts);
  assert.deepEqual([one.grade, one.place], ['claimed', undefined]);
  assert.equal(whyNot(one, 'gateway', ON), 'only claimed; tested is needed');
});

test('evidence counts for its models, from its day on, until it ends or is too old', () => {
  const facts: EvidenceFacts = {
    id: 'p',
    kind: 'policy-document',
    title: 'policy',
    issuer: 'us',
    issuedOn: '2026-02-28',
    models: ['gateway'],
  };
  const one = Evidence.claimed(facts);
  assert.equal(countsUntil(one), '2028-02-28');
  assert.equal(whyNot(one, 'gateway', '2028-02-28'), undefined);
  assert.equal(whyNot(one, 'gateway', '2028-02-29'), 'too old since 2028-02-28');
  assert.equal(whyNot(one, 'gateway', '2026-02-27'), 'made on 2026-02-28');
  assert.equal(whyNot(one, 'sensor', '2027-01-01'), 'about another model');
  const ends = Evidence.claimed({ ...facts, validUntil: '2026-12-31' });
  assert.equal(whyNot(ends, 'gateway', '2027-01-01'), 'too old since 2026-12-31');
  const leap = Evidence.claimed({ ...facts, kind: 'policy-document', issuedOn: '2028-02-29' });
  assert.equal(countsUntil(leap), '2030-02-28');
});

test('the matrix tells the three models apart', () => {
  const cells = matrixOf();
  const states = PRODUCT.models.map(({ id }) => cellOf(cells, id, 'RFC-9124 REQ.SEC.SEQUENCE').state);
  assert.deepEqual(states, ['met', 'gap', 'gap']);
  const boot = cellOf(cells, 'sensor', 'EU-CRA I.2.f');
  const why = new Map(boot.kinds.map(({ kind, reason }) => [kind, reason]));
  assert.equal(why.get('secure-boot-chain'), 'the boot chain has a stage that no signature protects');
  const variant = cellOf(cells, 'gateway-lumen', 'RFC-9124 REQ.SEC.SEQUENCE');
  assert.equal(variant.reason, undefined);
  const gateway = cellOf(cells, 'gateway', 'EU-CRA I.2.f');
  assert.equal(gateway.state, 'partial');
  assert.ok(gateway.kinds.some(({ proof }) => proof?.grade === 'observed'));
});

test('one signed report of one device changes the matrix, and only where it proves something', async () => {
  const without = matrixOf({ evidence: await ledgerOf(...RUN.filter(({ state }) => state !== 'reverted')) });
  const changed = matrixOf().filter((cell, at) => {
    const before = without[at];
    return (
      JSON.stringify(cell.kinds.map(({ proof }) => proof === undefined)) !==
      JSON.stringify(before?.kinds.map(({ proof }) => proof === undefined))
    );
  });
  assert.ok(changed.length > 0);
  for (const cell of changed) {
    assert.equal(cell.model, 'gateway');
    assert.ok(cell.entry.requirement.evidenceKinds.includes('rollback-test'));
  }
});

test('a claim about a capability that the model lacks does not count', () => {
  const claim = (kind: EvidenceKind): Evidence =>
    Evidence.claimed({ id: kind, kind, title: 'we say so', issuer: 'us', issuedOn: '2026-11-21' });
  const cells = matrixOf({ evidence: EVIDENCE_KINDS.map(claim) });
  for (const cell of cells) {
    for (const { kind, proof } of cell.kinds) {
      if (KIND_RULES[kind].least !== 'claimed') assert.equal(proof, undefined, `${cell.entry.reference} ${kind}`);
    }
  }
});

test('watch items are shown with their counterparts, and never met, open or holding', () => {
  const cells = matrixOf();
  const watched = cells.filter(({ state }) => state === 'watch');
  assert.ok(watched.length > 0);
  for (const cell of watched) {
    assert.ok(cell.entry.isWatchItem && !cell.isApplicable);
    assert.deepEqual(cell.counterparts, cell.entry.requirement.realCounterparts);
  }
  assert.ok(cells.every(({ entry, state }) => entry.isWatchItem === (state === 'watch')));
  const queue = remediationQueue(cells, PRODUCT, ON);
  assert.ok(queue.every(({ cell }) => !cell.entry.isWatchItem));
});

test('a provision of EN 303 645 is for a model by its own features and conditions', () => {
  const [gateway, sensor] = PRODUCT.models;
  const texts = { features: { a: 'passwords', g: 'updates', e: 'network' }, conditions: { '3': 'fixed', '14': 'x' } };
  if (gateway === undefined || sensor === undefined) throw new TypeError('models');
  assert.deepEqual(decideIcs('M', gateway, texts), { kind: 'applies' });
  assert.deepEqual(decideIcs('M F(a)', gateway, texts), { kind: 'applies' });
  assert.deepEqual(decideIcs('M F(a)', sensor, texts), { kind: 'not-applicable', reason: 'does not hold: passwords' });
  assert.deepEqual(decideIcs('R C(3)', gateway, texts), { kind: 'unanswered', names: ['3'] });
  assert.deepEqual(decideIcs('M C F(14,e)', gateway, texts), { kind: 'unanswered', names: ['14'] });
  const cells = matrixOf();
  assert.equal(cellOf(cells, 'sensor', 'ETSI-EN-303-645 5.1-1').state, 'not-applicable');
  assert.equal(cellOf(cells, 'gateway', 'ETSI-EN-303-645 5.1-1').state, 'gap');
});

test('a decision with reason and approver makes a requirement not applicable, for its model, from its day on', () => {
  const waiver: Waiver = {
    reference: 'EU-CRA I.2.m',
    model: 'sensor',
    reason: 'stores no data of users',
    approver: 'person/7',
    decidedOn: '2027-06-01',
  };
  const cell = cellOf(matrixOf({ waivers: [waiver] }), 'sensor', 'EU-CRA I.2.m');
  assert.deepEqual([cell.state, cell.reason, cell.approver], ['not-applicable', waiver.reason, 'person/7']);
  assert.notEqual(cellOf(matrixOf({ waivers: [waiver] }), 'gateway', 'EU-CRA I.2.m').state, 'not-applicable');
  assert.notEqual(
    cellOf(matrixOf({ waivers: [waiver], on: '2027-05-31' }), 'sensor', 'EU-CRA I.2.m').state,
    'not-applicable',
  );
});

test('what-if by date: duties of December 2027 hold from that day on, and the market gate with them', () => {
  const gate = (on: string): ReturnType<typeof decideGate> =>
    decideGate(matrixOf({ on }), PRODUCT, { model: 'sensor', market: 'EU', on });
  const before = gate('2027-12-10');
  const after = gate('2027-12-11');
  assert.ok(before.holding.every(({ entry }) => !/^EU-CRA I{1,2}\./.test(entry.reference)));
  assert.equal(after.isHeld, true);
  assert.ok(after.holding.some(({ entry }) => entry.reference === 'EU-CRA I.2.f'));
  for (const { entry } of after.holding) {
    assert.match(entry.requirement.source.status, /^law-/);
    assert.notEqual(entry.requirement.obligation, 'recommended');
    assert.ok(entry.requirement.verification === 'primary' || entry.requirement.verification === 'secondary');
  }
  assert.equal(decideGate(matrixOf(), PRODUCT, { model: 'sensor', market: 'UK', on: ON }).isHeld, false);
  assert.equal(decideGate(matrixOf(), PRODUCT, { model: 'none', market: 'EU', on: ON }).isHeld, false);
});

test('the queue takes hard models first, then what applies soonest, duties before recommendations', () => {
  const queue = remediationQueue(matrixOf(), PRODUCT, ON);
  assert.deepEqual(PRODUCT.models.map(isHardToChange), [false, true, false]);
  const firstEasy = queue.findIndex(({ isHardToChange: isHard }) => !isHard);
  assert.ok(firstEasy > 0 && queue.slice(firstEasy).every(({ isHardToChange: isHard }) => !isHard));
  const hard = queue.slice(0, firstEasy);
  const dates = hard.map(({ cell }) => cell.application.from ?? '9999');
  assert.deepEqual(dates, dates.toSorted());
  assert.ok(
    queue.every(({ cell }) => cell.entry.catalogue.catalogue !== 'EN-18031'),
    'ended the day before',
  );
});

const anyEvidence = fc
  .record({
    kind: fc.constantFrom(...EVIDENCE_KINDS),
    models: fc.option(fc.subarray(['gateway', 'sensor', 'gateway-lumen']), { nil: undefined }),
    issuedOn: fc.constantFrom('2024-01-01', '2026-11-21', '2028-01-01'),
    validUntil: fc.option(fc.constantFrom('2026-12-31', '2030-01-01'), { nil: undefined }),
  })
  .map((one) => Evidence.claimed({ id: JSON.stringify(one), title: 't', issuer: 'us', ...one }));

test('whatever the evidence: what counts is strong enough and in time, states follow from it, and counts add up', () => {
  fc.assert(
    fc.property(
      fc.array(anyEvidence, { maxLength: 30 }),
      fc.constantFrom('2026-11-21', ON, '2029-01-01'),
      (more, on) => {
        const cells = matrixOf({ evidence: [...OBSERVED, ...more], on });
        for (const cell of cells) {
          const proofs = cell.kinds.flatMap(({ proof }) => (proof === undefined ? [] : [proof]));
          for (const proof of proofs) {
            assert.equal(whyNot(proof, cell.model, on), undefined);
            assert.ok(isAtLeast(proof.grade, KIND_RULES[proof.facts.kind].least));
            if (GRADES.indexOf(proof.grade) > 0) assert.ok(proof.place !== undefined);
          }
          if (cell.state === 'met') assert.equal(proofs.length, cell.kinds.length);
          if (cell.state === 'gap') assert.equal(proofs.length, 0);
        }
        for (const { id } of PRODUCT.models) {
          const sum = Object.values(countStates(cells, id)).reduce((total, one) => total + one, 0);
          assert.equal(sum, cells.filter(({ model }) => model === id).length);
        }
      },
    ),
    { numRuns: 30 },
  );
});

test('a bill of materials of the line counts, cases and reports only when the ledger says whose product it is', async () => {
  const line = { line: 'hearth', version: '2.0.0', format: 'CycloneDX', specVersion: '1.6', components: 3, at: AT };
  const kindsWith = async (tenant: string | undefined, named: readonly string[]): Promise<EvidenceKind[]> => {
    const ledger = new TestLedger();
    await ledger.record('urn:pawl:sbom:1', 'sbom/hearth/2.0.0', line);
    await ledger.record('urn:pawl:sbom:1', 'sbom/else/2.0.0', { ...line, line: 'else' });
    const handled = tenant === undefined ? { at: AT } : { at: AT, tenant };
    await ledger.record('urn:pawl:vulnerability:1', 'vulnerability/r1', { act: 'report', state: 'new', ...handled });
    await ledger.record('urn:pawl:incident-report:1', 'incident/1', { act: 'open', track: 'incident', ...handled });
    await ledger.record('urn:pawl:incident-report:1', 'incident/1', { act: 'submit', track: 'incident', ...handled });
    await ledger.record('urn:pawl:incident-drill:1', 'drill/2', { act: 'submit', track: 'incident', ...handled });
    for (const owner of named) {
      await ledger.record('urn:pawl:product:1', 'product/hearth', {
        act: 'put',
        product: 'hearth',
        tenant: owner,
        at: AT,
      });
    }
    return Evidence.fromBundle(await ledger.bundle(), PRODUCT).map(({ facts }) => facts.kind);
  };
  const own = await kindsWith('a', ['a']);
  assert.deepEqual(own.toSorted(), ['incident-report', 'incident-report', 'sbom', 'vulnerability-handling-record']);
  for (const [tenant, named] of [
    ['b', ['a']],
    [undefined, ['a']],
    ['a', []],
    ['a', ['a', 'b']],
  ] as const) {
    assert.deepEqual(await kindsWith(tenant, named), ['sbom'], `${tenant ?? 'none'} ${named.join()}`);
  }
});

test('duties that an event sets off are not open without one, open while a report is not sent, and met when it was', async () => {
  const stateWith = async (...acts: string[]): Promise<string[]> => {
    const ledger = new TestLedger();
    const put = { act: 'put', product: 'hearth', tenant: 'a', at: AT };
    await ledger.record('urn:pawl:product:1', 'product/hearth', put);
    for (const act of acts)
      await ledger.record('urn:pawl:incident-report:1', 'incident/1', { act, track: 'incident', tenant: 'a', at: AT });
    const cells = matrixOf({ evidence: Evidence.fromBundle(await ledger.bundle(), PRODUCT) });
    return ['EU-CRA 14.1', 'EU-CRA 14.8', 'EU-CRA 14.7'].map((one) => cellOf(cells, 'gateway', one).state);
  };
  assert.deepEqual(await stateWith(), ['not-applicable', 'not-applicable', 'gap']);
  assert.deepEqual(await stateWith('open'), ['gap', 'gap', 'gap']);
  assert.deepEqual(await stateWith('open', 'submit'), ['met', 'gap', 'gap']);
  const quiet = cellOf(matrixOf(), 'gateway', 'EU-CRA 14.4.a');
  assert.equal(quiet.reason, 'set off by an event; the records have none');
  assert.equal(quiet.approver, undefined);
});
