import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { TestLedger } from '../../test/ledger.ts';
import { loadCatalogues } from '../catalogue/index.ts';
import { Evidence, KIND_RULES, whyNot } from '../evidence/index.ts';
import { parseProductYaml } from '../product/index.ts';
import { parseLaboratories, parseTestResults, plannedRequirements, scheduleTests, testedKinds } from './index.ts';

const HEARTH = parseProductYaml(
  readFileSync(new URL('../../../examples/products/hearth.yaml', import.meta.url), 'utf8'),
  'hearth.yaml',
);
const LIBRARY = loadCatalogues();
const EDITION = 'V3.1.3 (2024-09)';
const CATALOGUE = 'ETSI-EN-303-645';

type Refusal = { readonly code?: string; readonly details?: Readonly<Record<string, unknown>> };
const refusal =
  (code: string, line: number, at: string) =>
  (error: Refusal): true => {
    assert.deepEqual([error.code, error.details?.['line'], error.details?.['at']], [code, line, at]);
    return true;
  };

const HEAD =
  'id,name,country,capabilities,editions,leadTimeWeeks,source,verifiedOn,notifiedLaw,notifiedNumber,notifiedSource,notifiedVerifiedOn';
const ROW = 'house,House GmbH,DE,update-simulation; policy-review,EN 303 645 V3.1.3,8,their mail,2026-11-01,,,,';

test('laboratories come from CSV and from YAML alike, each with its source and the day it was looked at', () => {
  const [one] = parseLaboratories(`${HEAD}\n${ROW}\n`, 'labs.csv');
  assert.deepEqual(
    [one?.capabilities, one?.leadTimeWeeks, one?.notifiedBody],
    [['update-simulation', 'policy-review'], 8, undefined],
  );
  const yaml = `laboratories:\n  - id: house\n    name: House GmbH\n    country: DE\n    capabilities: [update-simulation, policy-review]\n    editions: [EN 303 645 V3.1.3]\n    leadTimeWeeks: 8\n    source: their mail\n    verifiedOn: 2026-11-01\n`;
  assert.deepEqual(parseLaboratories(yaml, 'labs.yaml'), [one]);
  const notified = ROW.replace(',,,,', ',Directive 2014/53/EU,1234,NANDO,2026-11-02');
  assert.deepEqual(parseLaboratories(`${HEAD}\n${notified}\n`, 'labs.csv')[0]?.notifiedBody, {
    law: 'Directive 2014/53/EU',
    number: '1234',
    source: 'NANDO',
    verifiedOn: '2026-11-02',
  });
});

test('a fault in a directory is said with its line, and nothing of the file is taken', () => {
  const table: readonly (readonly [string, string, number, string])[] = [
    ['labs.csv', `${HEAD}\n${ROW}\n${ROW.replace('house', 'Big House')}\n`, 3, 'id'],
    ['labs.csv', `${HEAD}\n${ROW}\n${ROW}\n`, 3, ''],
    ['labs.csv', `${HEAD}\n${ROW.replace(',8,', ',soon,')}\n`, 2, 'leadTimeWeeks'],
    ['labs.csv', `${HEAD}\n${ROW.replace('their mail', '')}\n`, 2, 'source'],
    ['labs.csv', `${HEAD}\n${ROW.replace(',,,,', ',Directive 2014/53/EU,1234,,')}\n`, 2, 'notifiedBody.source'],
    ['labs.csv', `${HEAD},stars\n${ROW},5\n`, 1, 'stars'],
    ['labs.yaml', 'laboratories:\n  - id: house\n    country: Germany\n', 2, 'laboratories.0.name'],
  ];
  for (const [file, source, line, at] of table)
    assert.throws(() => parseLaboratories(source, file), refusal('LABORATORIES_INVALID', line, at), source);
});

const PLAN = { edition: EDITION, requirements: [`${CATALOGUE} 5.3-2`, `${CATALOGUE} 5.3-10`] };
const RESULT_HEAD = 'requirement,verdict,reference,testedOn,issuer,edition,note';
const RESULT = `${CATALOGUE} 5.3-2,pass,4.2,2026-10-01,house,${EDITION},`;

test('results come from CSV and JSON alike; another edition or an unplanned requirement is refused where it stands', () => {
  const [one] = parseTestResults(`${RESULT_HEAD}\n${RESULT}\n`, 'r.csv', PLAN);
  assert.deepEqual([one?.verdict, one?.edition, one?.note], ['pass', EDITION, undefined]);
  const json = JSON.stringify({ results: [one] }, undefined, 1);
  assert.deepEqual(parseTestResults(json, 'r.json', PLAN), [one]);
  const csv = (row: string): string => `${RESULT_HEAD}\n${RESULT}\n${row}\n`;
  const table: readonly (readonly [string, string, string, number, string])[] = [
    ['r.csv', csv(RESULT.replace(EDITION, 'V2.1.1 (2020-06)')), 'TEST_EDITION_OTHER', 3, 'edition'],
    ['r.csv', csv(RESULT.replace('5.3-2', '5.1-1')), 'TEST_RESULTS_INVALID', 3, 'requirement'],
    ['r.csv', csv(RESULT.replace('pass', 'passed')), 'TEST_RESULTS_INVALID', 3, 'verdict'],
    ['r.csv', csv(RESULT.replace('2026-10-01', '2026-02-29')), 'TEST_RESULTS_INVALID', 3, 'testedOn'],
    ['r.json', json.replace(EDITION, 'V1.1.1 (2019-02)'), 'TEST_EDITION_OTHER', 9, 'results.0.edition'],
    ['r.json', json.replace('"pass"', '"ok"'), 'TEST_RESULTS_INVALID', 5, 'results.0.verdict'],
  ];
  for (const [file, source, code, line, at] of table)
    assert.throws(() => parseTestResults(source, file, PLAN), refusal(code, line, at), source);
});

test('a plan is pinned to the edition of its catalogue, and holds requirements that ask for a test only', () => {
  const all = plannedRequirements(LIBRARY, { catalogue: CATALOGUE, edition: EDITION }) ?? [];
  assert.ok(all.includes(`${CATALOGUE} 5.3-10`));
  for (const one of all) {
    const entry = LIBRARY.find(one);
    assert.ok(entry !== undefined && !entry.isWatchItem && testedKinds(entry).length > 0, one);
  }
  const old = { catalogue: CATALOGUE, edition: 'V2.1.1 (2020-06)' };
  assert.throws(() => plannedRequirements(LIBRARY, old), { code: 'TEST_EDITION_OTHER' });
  assert.equal(plannedRequirements(LIBRARY, { catalogue: 'NONE', edition: EDITION }), undefined);
  const stray = { catalogue: CATALOGUE, edition: EDITION, requirements: ['EU-CRA I.2.c'] };
  assert.equal(plannedRequirements(LIBRARY, stray), undefined);
});

test('back-scheduling puts the lead time of the laboratory before three months of verification', () => {
  const [house] = parseLaboratories(`${HEAD}\n${ROW}\n`, 'labs.csv');
  const steps = scheduleTests(house, '2027-12-11', '2027-07-18');
  assert.deepEqual(
    steps.map(({ name, startsOn, endsOn, isLate }) => [name, startsOn, endsOn, isLate]),
    [
      ['wait for House GmbH', '2027-07-17', '2027-09-11', true],
      ['verification of security', '2027-09-11', '2027-12-11', false],
    ],
  );
  assert.match(steps[0]?.reason ?? '', /their mail, looked at on 2026-11-01/);
});

test('a result is tested only with its report and a known laboratory, and whatever fails or is withdrawn shows nothing', async () => {
  const said = fc.record({
    verdict: fc.constantFrom('pass', 'fail', 'inconclusive', 'not-applicable'),
    grade: fc.constantFrom('claimed', 'configured', 'tested', 'observed'),
    laboratory: fc.constantFrom('house', ''),
    report: fc.constantFrom('ab'.repeat(32), '', 'report.pdf'),
    isWithdrawn: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(said, async ({ isWithdrawn, ...result }) => {
      const ledger = new TestLedger();
      const requirement = `${CATALOGUE} 5.3-10`;
      const at = '2026-11-21T10:00:00.000Z';
      const about = { product: 'hearth', models: ['gateway'], requirement, reference: '4.2', issuer: 'House GmbH' };
      const dates = { testedOn: '2026-11-01', edition: EDITION, evidence: 7, at };
      const shows = ['verify-reject-test', 'no-such-kind'];
      await ledger.record('urn:pawl:test-result:1', 'test-plan/1', { ...about, ...dates, ...result, shows });
      if (isWithdrawn)
        await ledger.record('urn:pawl:evidence:1', 'evidence/7', {
          act: 'withdraw',
          evidence: 7,
          product: 'hearth',
          at,
        });
      const [one, ...more] = Evidence.fromBundle(await ledger.bundle(), HEARTH);
      const isTested = result.grade === 'tested' && result.laboratory !== '' && result.report.length === 64;
      assert.deepEqual([one?.grade, more.length], [isTested ? 'tested' : 'claimed', 0]);
      if (one === undefined) throw new TypeError('there is one');
      const counts = whyNot(one, 'gateway', '2027-01-01') === undefined;
      assert.equal(counts, isTested && result.verdict === 'pass' && !isWithdrawn);
      assert.equal(KIND_RULES[one.facts.kind].least, 'tested');
      assert.equal(whyNot(one, 'sensor', '2027-01-01'), 'about another model');
    }),
    { numRuns: 40 },
  );
});

test('the newest result of a requirement counts, of each issuer: a later fail is not hidden by an earlier pass', async () => {
  const ledger = new TestLedger();
  const requirement = `${CATALOGUE} 5.3-10`;
  const about = { product: 'hearth', models: ['gateway'], requirement, reference: '4.2', issuer: 'House', at: '' };
  const full = {
    ...about,
    grade: 'tested',
    laboratory: 'house',
    report: 'ab'.repeat(32),
    shows: ['verify-reject-test'],
  };
  const state = (verdict: string, testedOn: string) =>
    ledger.record('urn:pawl:test-result:1', 'test-plan/1', { ...full, verdict, testedOn });
  await state('fail', '2026-11-02');
  await state('pass', '2026-11-01');
  const [failed, ...none] = Evidence.fromBundle(await ledger.bundle(), HEARTH);
  assert.deepEqual([failed?.facts.objection, none.length], ['the verdict is fail (4.2)', 0]);
  await state('pass', '2026-11-03');
  const [passed] = Evidence.fromBundle(await ledger.bundle(), HEARTH);
  assert.equal(passed?.facts.objection, undefined);
});
