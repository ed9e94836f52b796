/**
 * Update and rollback test report of a model: the object under test, each negative condition with what devices signed, the
 * requirements that it answers, and what nobody has shown yet. A line of a result is a statement of the ledger.
 */
import type { EvidenceKind } from '../catalogue/index.ts';
import type { Model } from '../product/index.ts';
import type { Block, Document, Section } from './document.ts';
import { evidenceTable } from './evidence-table.ts';
import { hardwareTable } from './fact-tables.ts';
import { modelDocument, section } from './frame.ts';
import { countingEvidence, evidenceSentences, type Records } from './records.ts';

type Test = {
  readonly title: string;
  readonly kind: EvidenceKind;
  readonly expected: string;
  readonly answers: readonly string[];
};

const TESTS: readonly Test[] = [
  {
    title: 'What is genuine is installed',
    kind: 'campaign-record',
    expected: 'the device verifies, installs, boots and confirms the release',
    answers: ['EU-CRA I.2.c', 'ETSI-EN-303-645 5.3-2'],
  },
  {
    title: 'What is not genuine is refused',
    kind: 'verify-reject-test',
    expected: 'changed, truncated, unsigned, foreign: refused before it is activated, with a code',
    answers: ['EU-CRA I.2.f', 'ETSI-EN-303-645 5.3-9', 'EN-18031 SUM-2', 'RFC-9124 REQ.SEC.AUTHENTIC'],
  },
  {
    title: 'What is older is refused',
    kind: 'anti-rollback-test',
    expected: 'a lower security counter or sequence number: refused',
    answers: ['RFC-9124 REQ.SEC.SEQUENCE', 'NIST-SP-800-193 4.4.1'],
  },
  {
    title: 'What does not start is undone',
    kind: 'rollback-test',
    expected: 'the image before runs again, the floor has not moved, the device reports it',
    answers: ['EU-CRA I.2.h', 'ETSI-EN-303-645 5.9-1'],
  },
  {
    title: 'Interrupted updates',
    kind: 'update-resilience-test',
    expected: 'after a cut at any moment the old image or the new one runs, never neither',
    answers: ['EU-CRA I.2.h', 'ETSI-EN-303-645 5.9-2'],
  },
  {
    title: 'A changed boot stage does not run',
    kind: 'boot-tamper-test',
    expected: 'a stage with a changed byte is not started',
    answers: ['ETSI-EN-303-645 5.7-1', 'RFC-9124 REQ.SEC.AUTH.EXEC'],
  },
];

function verdict(records: Records, model: Model, { kind }: Test): string {
  const all = countingEvidence(records, model, [kind]);
  if (all.length === 0) return 'not shown';
  const observed = all.filter(({ grade }) => grade === 'observed').length;
  const tested = all.filter(({ grade }) => grade === 'tested').length;
  if (observed === 0 && tested === 0) return 'recorded only';
  return `shown: ${[observed === 0 ? '' : `${observed} signed by devices`, tested === 0 ? '' : `${tested} test results`].filter((one) => one !== '').join(', ')}`;
}

function summary(records: Records, model: Model): Block {
  return {
    kind: 'table',
    caption: 'Results',
    head: ['Test', 'Expected', 'By the records', 'Requirements'],
    rows: TESTS.map((test, at) => [
      `${at + 2} ${test.title}`,
      test.expected,
      verdict(records, model, test),
      test.answers.filter((one) => records.library.find(one) !== undefined).join('; '),
    ]),
    grade: 'configured',
  };
}

/** Counting pieces of a kind; of campaign records only what devices said. */
function resultsOf(records: Records, model: Model, { kind }: Test): ReturnType<typeof countingEvidence> {
  const all = countingEvidence(records, model, [kind]);
  return kind === 'campaign-record' ? all.filter(({ grade }) => grade === 'observed') : all;
}

function testSection(records: Records, model: Model, test: Test, at: number): Section {
  const results = resultsOf(records, model, test);
  const sentences = evidenceSentences(records, model, [test.kind]).filter(
    ({ grade }) => test.kind !== 'campaign-record' || grade === 'observed',
  );
  const blocks: readonly Block[] =
    results.length === 0
      ? [
          {
            kind: 'gap',
            text: `No ${test.kind} counts on ${records.on}.`,
            wanted: [`expected: ${test.expected}`, `evidence: ${test.kind}, tested or observed`],
          },
        ]
      : [
          { kind: 'note', text: `Expected: ${test.expected}.` },
          { kind: 'text', sentences },
          evidenceTable('Statements', results),
        ];
  return section(String(at + 2), test.title, blocks, test.answers);
}

/** Update and rollback tests: what devices signed, and what nobody has shown yet. */
export function testReport(records: Records, model: Model): Document {
  const versions = evidenceSentences(records, model, ['inventory-record']);
  const object: readonly Block[] = [
    hardwareTable(model),
    ...(versions.length === 0
      ? [{ kind: 'gap', text: 'No device has said which firmware it runs.', wanted: ['a signed report'] } as const]
      : [{ kind: 'text', sentences: versions } as const]),
    {
      kind: 'note',
      text: 'Method: each result is a report that the device under test signed with its own key, taken from a ledger that was verified; the code of a refusal says which check refused. A refusal of a genuine update would be found in the first test.',
    },
    summary(records, model),
  ];
  return modelDocument(records, model, {
    name: 'update-test-report',
    title: 'Update and rollback test report',
    sections: [
      section('1', 'Object, method, results', object, ['EU-CRA AVII.6']),
      ...TESTS.map((test, at) => testSection(records, model, test, at)),
    ],
  });
}
