import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ANSWER_WORTHS, type InquiryQuestion } from '@pawl/contract/management';
import fc from 'fast-check';
import { TestLedger } from '../../test/ledger.ts';
import { loadCatalogues } from '../catalogue/index.ts';
import { buildDocuments, recordsOf, sentencesOf } from '../document/index.ts';
import { Evidence, whyNot } from '../evidence/index.ts';
import { parseProductYaml } from '../product/index.ts';
import {
  faultOfAnswer,
  isFavourable,
  isWorthAtLeast,
  loadInquiryTemplate,
  parseInquiryTemplate,
  worthOf,
} from './index.ts';

const HEARTH = parseProductYaml(
  readFileSync(new URL('../../../examples/products/hearth.yaml', import.meta.url), 'utf8'),
  'hearth.yaml',
);
const LIBRARY = loadCatalogues();
const AT = '2026-11-21T10:00:00.000Z';
const question = (more: Partial<InquiryQuestion>): InquiryQuestion => ({
  id: 'q',
  topic: 't',
  text: 'Is it?',
  kind: 'yes-no',
  attachment: true,
  ...more,
});

test('the template that comes with the product asks what S0-36 and S4-19 to S4-21 name, for requirements that exist', () => {
  const { questions } = loadInquiryTemplate();
  const topics = new Set(questions.map(({ topic }) => topic));
  for (const wanted of [
    'secure-boot-chain',
    'signature-verification',
    'rollback-protection',
    'credentials',
    'update-mechanism',
    'delivery',
  ])
    assert.ok(topics.has(wanted), wanted);
  for (const { requirements = [] } of questions) {
    for (const one of requirements) {
      const entry = LIBRARY.find(one);
      assert.ok(entry?.requirement.evidenceKinds.includes('supplier-evidence'), one);
    }
  }
});

test('a template with a fault is refused with its line, and nothing of it is used', () => {
  const good =
    'template: parts\nedition: "1"\ntitle: Parts\nquestions:\n  - id: a\n    topic: t\n    text: Is it?\n    kind: yes-no\n    attachment: true\n';
  assert.equal(parseInquiryTemplate(good, 'a.yaml').questions.length, 1);
  const table: readonly (readonly [string, number, string])[] = [
    [good.replace('yes-no', 'maybe'), 8, 'questions.0.kind'],
    [good.replace('kind: yes-no', 'kind: choice'), 5, 'questions.0.choices'],
    [`${good}  - id: a\n    topic: t\n    text: Again?\n    kind: text\n    attachment: false\n`, 4, 'questions'],
    [good.replace('title: Parts', 'title: ""'), 3, 'title'],
    [good.replace('topic: t', 'topic: t\n    no: such'), 5, 'questions.0'],
  ];
  for (const [source, line, at] of table) {
    assert.throws(
      () => parseInquiryTemplate(source, 'a.yaml'),
      (error: { code?: string; details?: Record<string, unknown> }) => {
        assert.deepEqual(
          [error.code, error.details?.['line'], error.details?.['at']],
          ['INQUIRY_TEMPLATE_INVALID', line, at],
        );
        return true;
      },
    );
  }
});

test('an answer is of the kind of its question, and speaks for the part or does not', () => {
  const choice = question({ kind: 'choice', choices: ['a', 'b'], favourable: ['a'] });
  const table: readonly (readonly [InquiryQuestion, string, boolean, boolean])[] = [
    [question({}), 'yes', true, true],
    [question({}), 'no', true, false],
    [question({}), 'unknown', true, false],
    [question({}), 'Yes', false, false],
    [choice, 'a', true, true],
    [choice, 'b', true, false],
    [choice, 'c', false, false],
    [question({ kind: 'date' }), '2028-02-29', true, true],
    [question({ kind: 'date' }), '2027-02-29', false, true],
    [question({ kind: 'date' }), '29.02.2028', false, true],
    [question({ kind: 'text' }), 'x'.repeat(4000), true, true],
    [question({ kind: 'text' }), 'x'.repeat(4001), false, true],
    [question({ kind: 'text' }), '', true, false],
  ];
  for (const [asked, value, isTaken, speaks] of table) {
    assert.equal(faultOfAnswer(asked, value) === undefined, isTaken, value);
    if (isTaken) assert.equal(isFavourable(asked, value), speaks, value);
  }
});

test('the worth of an answer is that of the strongest thing that came with it', () => {
  assert.equal(worthOf([]), 'assurance');
  fc.assert(
    fc.property(fc.array(fc.constantFrom('document', 'test-evidence', 'verified-bundle'), { minLength: 1 }), (all) => {
      const files = all.map((worth) => ({ worth }) as const);
      const worth = worthOf(files);
      assert.ok(files.some((one) => one.worth === worth) && files.every((one) => isWorthAtLeast(worth, one.worth)));
    }),
  );
});

test('whatever a supplier answers, it is claimed, counts for nothing below a document, and is never more in a document', async () => {
  const answer = fc.record({
    topic: fc.constantFrom('boot', 'update'),
    worth: fc.constantFrom(...ANSWER_WORTHS, 'observed', ''),
    grade: fc.constantFrom('tested', 'observed'),
    isFavourable: fc.boolean(),
  });
  const story = fc.record({ answers: fc.array(answer, { maxLength: 4 }), isAccepted: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(story, async ({ answers, isAccepted }) => {
      const ledger = new TestLedger();
      const about = { inquiry: 1, round: 1, product: 'hearth', at: AT };
      const asked = { ...about, supplier: 'Chip AG', parts: ['MCU'], models: [], requirements: ['EU-CRA 13.5'] };
      const state = (act: string) => ledger.record('urn:pawl:inquiry:1', 'inquiry/1', { ...asked, act });
      await state('make');
      for (const [at, one] of answers.entries()) {
        const said = { ...about, ...one, question: `q${at}`, requirements: ['EU-CRA 13.5'] };
        await ledger.record('urn:pawl:supplier-answer:1', `inquiry/1/q${at}`, said);
      }
      await state('submit');
      if (isAccepted) await state('accept');
      const evidence = Evidence.fromBundle(await ledger.bundle(), HEARTH);
      assert.equal(evidence.length, HEARTH.models.length);
      const backed = (topic: string) =>
        !answers.some((one) => one.topic === topic) ||
        answers.some(
          (one) => one.topic === topic && ['document', 'test-evidence', 'verified-bundle'].includes(one.worth),
        );
      const isGood =
        answers.length > 0 && answers.every((one) => one.isFavourable) && backed('boot') && backed('update');
      for (const one of evidence) {
        assert.equal(one.grade, 'claimed');
        const [model = ''] = one.facts.models ?? [];
        assert.equal(whyNot(one, model, '2027-01-01') === undefined, isAccepted && isGood);
      }
      const records = recordsOf({ library: LIBRARY, product: HEARTH, evidence, waivers: [], on: '2027-01-01' });
      const paper = buildDocuments(records).find(({ name }) => name === 'supplier-inquiry');
      if (paper === undefined) throw new TypeError('there is one');
      assert.equal([...sentencesOf(paper)].length, isAccepted && isGood ? 1 : 0);
      for (const { grade, backing } of sentencesOf(paper))
        assert.deepEqual([grade, backing.length], ['claimed', HEARTH.models.length]);
    }),
    { numRuns: 25 },
  );
});
