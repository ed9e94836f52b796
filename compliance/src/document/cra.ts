/**
 * What the Cyber Resilience Act asks for on paper: the technical file (Annex VII), the declaration of conformity as a draft
 * (Annex V, and the simplified one of Annex VI), and the information for users (Annex II). A declaration is signed by a person
 * who answers for it; this only lays it out.
 */
import type { EvidenceKind } from '../catalogue/index.ts';
import { decideGate } from '../gap/index.ts';
import type { Model } from '../product/index.ts';
import { type Block, claim, type Document, orGap, type Section } from './document.ts';
import { modelDocument, section } from './frame.ts';
import { cellFor, cellsOf, evidenceSentences, explain, matrixTable, type Records } from './records.ts';

const CATALOGUE = 'EU-CRA';

type Plan = {
  readonly no: string;
  readonly title: string;
  readonly ids: readonly string[];
  readonly kinds: readonly EvidenceKind[];
};

const TECHNICAL_FILE: readonly Plan[] = [
  {
    no: '1',
    title: 'General description',
    ids: ['AVII.1.a', 'AVII.1.b', 'AVII.1.c', 'AVII.1.d'],
    kinds: ['inventory-record', 'signed-release'],
  },
  {
    no: '2',
    title: 'Design, development, production, vulnerability handling',
    ids: ['AVII.2.a', 'AVII.2.b', 'AVII.2.c'],
    kinds: ['architecture-document', 'sbom', 'policy-document', 'production-record'],
  },
  { no: '3', title: 'Cybersecurity risk assessment', ids: ['AVII.3'], kinds: ['risk-assessment', 'threat-model'] },
  { no: '4', title: 'Support period', ids: ['AVII.4'], kinds: ['support-period-statement', 'decision-record'] },
  { no: '5', title: 'Standards and specifications applied', ids: ['AVII.5'], kinds: [] },
  {
    no: '6',
    title: 'Test reports',
    ids: ['AVII.6'],
    kinds: ['test-report', 'verify-reject-test', 'anti-rollback-test', 'rollback-test', 'pen-test-report'],
  },
  { no: '7', title: 'EU declaration of conformity', ids: ['AVII.7'], kinds: ['declaration-of-conformity'] },
  { no: '8', title: 'Software bill of materials', ids: ['AVII.8'], kinds: ['sbom'] },
];

function references(ids: readonly string[]): string[] {
  return ids.map((id) => `${CATALOGUE} ${id}`);
}

function fileSection(records: Records, model: Model, { no, title, ids, kinds }: Plan): Section {
  const cells = references(ids).flatMap((one) => cellFor(records, model, one) ?? []);
  const sentences = evidenceSentences(records, model, kinds);
  const evidence: readonly Block[] = sentences.length === 0 ? [] : [{ kind: 'text', sentences }];
  const wanted = cells
    .filter(({ state }) => state !== 'met')
    .map((cell) => `${cell.entry.requirement.title}: ${explain(cell)}`);
  const gap: readonly Block[] = wanted.length === 0 ? [] : [{ kind: 'gap', text: 'Not complete.', wanted }];
  return section(no, title, orGap([...evidence, ...gap], 'Nothing is recorded.', wanted), references(ids));
}

const isSoldInEu = (model: Model): boolean => model.markets.some(({ market }) => market === 'EU');
const OUT_OF_SCOPE: Block = { kind: 'note', text: 'The model is not sold in the EU; the regulation is not about it.' };

/** Annex VII. */
export function technicalFile(records: Records, model: Model): Document {
  const annexOne = cellsOf(records, model, CATALOGUE).filter(({ entry }) => /^I{1,2}\./.test(entry.requirement.id));
  const sections = isSoldInEu(model)
    ? [
        ...TECHNICAL_FILE.map((plan) => fileSection(records, model, plan)),
        section('9', 'Annex I, point by point', [matrixTable('Essential requirements', annexOne)]),
      ]
    : [section('1', 'Scope', [OUT_OF_SCOPE])];
  return modelDocument(records, model, {
    name: 'cra-technical-file',
    title: 'Technical file (CRA Annex VII)',
    sections,
  });
}

function declarationRows(records: Records, model: Model): readonly (readonly [string, string])[] {
  const { manufacturer } = records.product;
  return [
    [
      '1 Name and type',
      `${model.name} (${model.id}), hardware revisions ${model.hardware.map((one) => one.revision).join(', ')}`,
    ],
    ['2 Manufacturer', `${manufacturer.name}, ${manufacturer.address}`],
    ['3 Responsibility', 'This declaration is issued under the sole responsibility of the provider.'],
    ['4 Object', `${records.product.name}, ${model.name}`],
    ['5 Legislation', 'Regulation (EU) 2024/2847; others that apply to the product, to be listed'],
    [
      '6 Standards and specifications',
      'to be listed by the manufacturer; standards whose references are cited give a presumption, others do not',
    ],
    [
      '7 Notified body',
      model.craClass === 'default'
        ? 'not needed for this class, unless chosen'
        : 'to be stated where the class asks for one',
    ],
    ['8 Place, date, name, function, signature', ''],
  ];
}

function standing(records: Records, model: Model): Block {
  const gate = decideGate(records.cells, records.product, { model: model.id, market: 'EU', on: records.on });
  if (!gate.isHeld)
    return {
      kind: 'note',
      text: `By the records of ${records.on}, no duty of law that applies is open. That is no verdict.`,
    };
  return {
    kind: 'gap',
    text: `Do not sign: duties of law that apply on ${records.on} are open by the records.`,
    wanted: gate.holding.map((cell) => `${cell.entry.reference} ${cell.entry.requirement.title}: ${explain(cell)}`),
  };
}

/** Annex V and VI, as drafts. */
export function declarationDraft(records: Records, model: Model): Document {
  const full: Block = {
    kind: 'table',
    caption: 'EU declaration of conformity (Annex V) – DRAFT, not signed',
    head: ['Point', 'Content'],
    rows: declarationRows(records, model),
    grade: 'claimed',
  };
  const simplified = claim(
    `DRAFT: ${records.product.manufacturer.name} hereby declares that the product with digital elements type ${model.name} is in compliance with Regulation (EU) 2024/2847. The full text of the EU declaration of conformity is available at an internet address that is to be given.`,
  );
  const sections = isSoldInEu(model)
    ? [
        section('1', 'Before anybody signs', [standing(records, model)]),
        section(
          '2',
          'Full declaration',
          [full],
          references(['AV.1', 'AV.2', 'AV.3', 'AV.4', 'AV.5', 'AV.6', 'AV.7', 'AV.8']),
        ),
        section('3', 'Simplified declaration', [{ kind: 'text', sentences: [simplified] }], references(['AVI'])),
      ]
    : [section('1', 'Scope', [OUT_OF_SCOPE])];
  return modelDocument(records, model, {
    name: 'declaration-draft',
    title: 'EU declaration of conformity – draft',
    sections,
  });
}

const USER_POINTS: readonly (readonly [string, string])[] = [
  ['AII.4', 'Purpose, essential functions and security properties'],
  ['AII.5', 'Circumstances that may lead to risk'],
  ['AII.6', 'Where the declaration of conformity is'],
  ['AII.8.a', 'Setting up and using it securely'],
  ['AII.8.b', 'How changes affect the security of data'],
  ['AII.8.c', 'How security updates are installed'],
  ['AII.8.d', 'Taking it out of use and removing data'],
  ['AII.8.e', 'Switching automatic security updates off'],
];

/** Annex II. */
export function userInformation(records: Records, model: Model): Document {
  const { manufacturer, support, purpose } = records.product;
  const known: readonly Block[] = [
    {
      kind: 'text',
      sentences: [
        claim(`Manufacturer: ${manufacturer.name}, ${manufacturer.address}, ${manufacturer.contact}.`),
        claim(`Reports of vulnerabilities: ${manufacturer.securityContact}.`),
        claim(`Product: ${model.name} (${model.id}).`),
        claim(`Security updates are provided until ${support.until}.`),
        claim(purpose),
      ],
    },
  ];
  const points = USER_POINTS.map(([id, title], at) =>
    section(
      String(at + 2),
      title,
      [{ kind: 'gap', text: 'To be written by the manufacturer for the user.', wanted: [] }],
      references([id]),
    ),
  );
  return modelDocument(records, model, {
    name: 'user-information',
    title: 'Information and instructions to the user (CRA Annex II)',
    sections: [
      section('1', 'Who made it, and who helps', known, references(['AII.1', 'AII.2', 'AII.3', 'AII.7'])),
      ...points,
    ],
  });
}
