/**
 * The technical documentation of Annex VII of the CRA, every point by its number: what the product record and the manufacturer
 * say, what evidence shows, and where the other documents of the same folder go on. A point is closed by evidence alone.
 */
import type { EvidenceKind } from '../catalogue/index.ts';
import { aboutModel, type Model } from '../product/index.ts';
import { answersTo, textBlock } from './answers.ts';
import { openDeclarationPoints, signingStanding } from './declaration.ts';
import { type Block, claim, type Document, orGap, type Section } from './document.ts';
import { bootChainTable, componentTable, hardwareTable, riskTable } from './fact-tables.ts';
import { modelDocument, OUT_OF_SCOPE, section } from './frame.ts';
import { cellFor, cellsOf, evidenceSentences, explain, isSoldInEu, matrixTable, type Records } from './records.ts';
import { openUserPoints } from './user-information.ts';

type Own = (records: Records, model: Model) => readonly Block[];

type Plan = {
  readonly id: string;
  readonly title: string;
  readonly kinds: readonly EvidenceKind[];
  readonly own?: Own;
};

const note = (text: string): Block => ({ kind: 'note', text });

const purpose: Own = ({ product }, model) =>
  textBlock([claim(product.purpose), claim(`For ${model.uses.join(', ')} use. ${model.craClassReason}`)]);

const userPointer: Own = (records, model) => {
  const open = openUserPoints(records, model);
  const pointer = note('The document user-information of this folder.');
  return open.length === 0 ? [pointer] : [pointer, { kind: 'gap', text: 'Points of Annex II are open.', wanted: open }];
};

const design: Own = (records, model) => [
  note('How parts build on each other: security architecture document, sections 2 to 13.'),
  bootChainTable(model),
  ...componentTable(records),
];

const handling: Own = ({ product: { manufacturer, papers } }) => [
  ...textBlock([
    claim(`Address for reports of vulnerabilities: ${manufacturer.securityContact}.`),
    ...(papers?.disclosure === undefined
      ? []
      : [
          claim(
            `Reports are acknowledged within ${papers.disclosure.acknowledgeDays} days and disclosed within ${papers.disclosure.publishDays} days.`,
          ),
        ]),
  ]),
  note(
    'How updates are distributed securely: security architecture document, sections 6 to 8. The policy: vulnerability-disclosure-policy.',
  ),
];

const risks: Own = (records, model) => [
  note('Which points of Annex I apply, and why not: the documents risk-assessment and threat-model.'),
  ...riskTable(records, model),
];

const support: Own = ({ product }) =>
  textBlock([claim(`Supported until ${product.support.until}.`), claim(product.support.reasoning)]);

const standards: Own = ({ product }, model) => {
  const all = aboutModel(product.papers?.declarations, model.id).flatMap((one) => one.standards ?? []);
  if (all.length === 0) {
    return [
      {
        kind: 'gap',
        text: 'No standard or specification is named.',
        wanted: ['standards applied, and to what extent'],
      },
    ];
  }
  return [
    {
      kind: 'table',
      caption: 'Standards and specifications',
      head: ['Reference', 'Applied in', 'Cited in the Official Journal'],
      rows: all.map(({ reference, extent, citation }) => [
        reference,
        extent,
        citation ?? 'no: no presumption of conformity',
      ]),
      grade: 'claimed',
    },
  ];
};

const declared: Own = (records, model) => {
  const open = openDeclarationPoints(records, model);
  const pointer = note('The document declaration-draft of this folder.');
  const gap: readonly Block[] =
    open.length === 0 ? [] : [{ kind: 'gap', text: 'The declaration is not whole.', wanted: open }];
  return [pointer, signingStanding(records, model), ...gap];
};

const PLANS: readonly Plan[] = [
  { id: 'AVII.1.a', title: 'Intended purpose', kinds: [], own: purpose },
  {
    id: 'AVII.1.b',
    title: 'Versions of software that affect compliance',
    kinds: ['inventory-record', 'signed-release'],
  },
  {
    id: 'AVII.1.c',
    title: 'Hardware: photographs or illustrations, marking, layout',
    kinds: ['hardware-capability-record'],
    own: (_records, model) => [hardwareTable(model)],
  },
  { id: 'AVII.1.d', title: 'Information and instructions to the user', kinds: ['user-instructions'], own: userPointer },
  {
    id: 'AVII.2.a',
    title: 'Design, development and system architecture',
    kinds: ['architecture-document'],
    own: design,
  },
  {
    id: 'AVII.2.b',
    title: 'Handling of vulnerabilities, and distribution of updates',
    kinds: ['sbom', 'policy-document', 'vulnerability-handling-record', 'campaign-record'],
    own: handling,
  },
  {
    id: 'AVII.2.c',
    title: 'Production and monitoring, and their validation',
    kinds: ['production-record', 'process-record'],
  },
  { id: 'AVII.3', title: 'Cybersecurity risk assessment', kinds: ['risk-assessment', 'threat-model'], own: risks },
  {
    id: 'AVII.4',
    title: 'What the support period rests on',
    kinds: ['support-period-statement', 'decision-record'],
    own: support,
  },
  { id: 'AVII.5', title: 'Standards and specifications applied', kinds: [], own: standards },
  {
    id: 'AVII.6',
    title: 'Reports of tests',
    kinds: [
      'test-report',
      'verify-reject-test',
      'anti-rollback-test',
      'rollback-test',
      'update-resilience-test',
      'credential-scan',
      'pen-test-report',
    ],
  },
  { id: 'AVII.7', title: 'EU declaration of conformity', kinds: ['declaration-of-conformity'], own: declared },
  { id: 'AVII.8', title: 'Software bill of materials', kinds: ['sbom'] },
];

function pointSection(records: Records, model: Model, { id, title, kinds, own }: Plan): Section {
  const reference = `EU-CRA ${id}`;
  const cell = cellFor(records, model, reference);
  const blocks = [
    ...(own?.(records, model) ?? []),
    ...textBlock(answersTo(records, model, reference)),
    ...textBlock(evidenceSentences(records, model, kinds)),
  ];
  const gap: readonly Block[] =
    cell === undefined || cell.state === 'met' || cell.state === 'not-applicable'
      ? []
      : [
          {
            kind: 'gap',
            text: 'Not closed by evidence.',
            wanted: [`${cell.entry.requirement.title}: ${explain(cell)}`],
          },
        ];
  return section(id.replace(/^AVII\./, ''), title, orGap([...blocks, ...gap], 'Nothing is recorded.', []), [reference]);
}

/** Annex VII. */
export function technicalFile(records: Records, model: Model): Document {
  const annexOne = cellsOf(records, model, 'EU-CRA').filter(({ entry }) => /^I{1,2}\./.test(entry.requirement.id));
  const sections = [
    ...PLANS.map((plan) => pointSection(records, model, plan)),
    section('Annex I', 'Essential requirements, point by point', [matrixTable('Essential requirements', annexOne)]),
  ];
  return modelDocument(records, model, {
    name: 'cra-technical-file',
    title: 'Technical file (CRA Annex VII)',
    sections: isSoldInEu(model) ? sections : [section('1', 'Scope', [OUT_OF_SCOPE])],
  });
}
