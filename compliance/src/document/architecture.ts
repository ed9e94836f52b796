/**
 * The security architecture document of one model (sections 0 to 21 and annexes). What records hold is filled in; what is
 * missing is a gap that names it. No section is ever left out.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Model } from '../product/index.ts';
import { answersToAny, textBlock } from './answers.ts';
import { ARCHITECTURE_PLAN, type SectionPlan } from './architecture-sections.ts';
import { type Block, claim, type Document, orGap, type Section } from './document.ts';
import { evidenceTable } from './evidence-table.ts';
import { bootChainTable, componentTable, hardwareTable, riskTable } from './fact-tables.ts';
import { cellsOf, editionsOf, evidenceSentences, matrixTable, type Records } from './records.ts';

const skeleton = z.object({
  sections: z.array(
    z.object({
      no: z.string(),
      title: z.string(),
      content: z.string(),
      requiredInputs: z.string(),
      autofill: z.string(),
    }),
  ),
});
type Outline = z.infer<typeof skeleton>['sections'][number];

const OUTLINE: readonly Outline[] = skeleton.parse(
  JSON.parse(readFileSync(new URL('../../data/architecture-document.json', import.meta.url), 'utf8')),
).sections;

type Own = (records: Records, model: Model) => readonly Block[];

const control: Own = ({ product, library, on }, model) => [
  {
    kind: 'table',
    caption: 'Document control',
    head: ['What', 'Value'],
    rows: [
      ['Product', product.name],
      ['Line', product.line],
      ['Model', `${model.name} (${model.id})`],
      ['Brand', model.brand ?? product.manufacturer.name],
      ['Hardware revisions', model.hardware.map(({ revision }) => revision).join(', ')],
      ['As of', on],
      ['Catalogues', String(library.catalogues.length)],
    ],
    grade: 'claimed',
  },
];

const purpose: Own = ({ product }, model) => [
  {
    kind: 'text',
    sentences: [
      claim(product.purpose),
      claim(`For ${model.uses.join(', ')} use. ${model.craClassReason}`),
      claim(`Sold in ${model.markets.map((one) => `${one.market} from ${one.from}`).join(', ')}.`),
    ],
  },
];

const hardware: Own = (_records, model) => [hardwareTable(model)];

const components: Own = (records) => componentTable(records);

const bootChain: Own = (_records, model) => [bootChainTable(model)];

const update: Own = (_records, model) => [
  { kind: 'text', sentences: [claim(`Updates reach the model by: ${model.updateProtocol}.`)] },
];

const contact: Own = ({ product }) => [
  { kind: 'text', sentences: [claim(`Reports of vulnerabilities go to ${product.manufacturer.securityContact}.`)] },
];

const support: Own = ({ product }) => [
  {
    kind: 'text',
    sentences: [claim(`Supported until ${product.support.until}.`), claim(product.support.reasoning)],
  },
];

const traceability: Own = (records, model) => [matrixTable('Requirements', cellsOf(records, model))];

const limits: Own = (records, model) => {
  const none = cellsOf(records, model).filter(({ state }) => state === 'not-applicable');
  const watched = cellsOf(records, model).filter(({ state }) => state === 'watch');
  return [
    ...(none.length === 0 ? [] : [matrixTable('Not applicable, with the reason', none)]),
    ...(watched.length === 0 ? [] : [matrixTable('Watch items: reported, never counted', watched)]),
  ];
};

/** Every result that counts. */
const verification: Own = (records, model) => {
  const all = [...(records.counting.get(model.id)?.values() ?? [])].flat();
  const strong = all.filter(({ grade }) => grade === 'tested' || grade === 'observed');
  return strong.length === 0 ? [] : [evidenceTable('Results, tested or observed', strong)];
};

/** What lies beside this document, and the manifest of all the evidence that it rests on. */
const annexes: Own = (records, model) => {
  const all = [...(records.counting.get(model.id)?.values() ?? [])].flat();
  const beside: Block = {
    kind: 'note',
    text: 'In the folder of the model: cra-technical-file, declaration-draft, en-303-645-ics-ixit, en-18031-forms, iec-62443-4-2-statement, threat-model, risk-assessment, update-test-report, key-management-audit; for machines attestation.cdx.json, and above it oscal-component-definition.json. manifest.json has the SHA-256 of each; `pawl docs freeze` signs it.',
  };
  return all.length === 0 ? [beside] : [beside, evidenceTable('Evidence that counts', all)];
};

const OWN: Readonly<Record<string, Own>> = {
  '0': control,
  '1': purpose,
  '3': hardware,
  '4': components,
  '5': bootChain,
  '6': update,
  '15': contact,
  '14': riskTable,
  '18': support,
  '19': traceability,
  '20': verification,
  '21': limits,
  A: annexes,
};

/** Sections that a table of the product fills, but that no evidence supports yet, say so. */
function sectionOf(records: Records, model: Model, outline: Outline, plan: SectionPlan): Section {
  const written = textBlock(answersToAny(records, model, [`ARCHITECTURE ${outline.no}`, ...plan.answers]));
  const own = [...(OWN[outline.no]?.(records, model) ?? []), ...written];
  const sentences = evidenceSentences(records, model, plan.kinds);
  const wanted = [outline.requiredInputs, ...plan.kinds.map((kind) => `evidence: ${kind}`)].filter(
    (one) => one !== '-',
  );
  const blocks =
    plan.kinds.length === 0
      ? orGap(own, `Nothing is recorded about: ${outline.content}.`, wanted)
      : [
          ...own,
          ...orGap(
            textBlock(sentences),
            `No evidence that counts on ${records.on}. Wanted here: ${outline.content}.`,
            wanted,
          ),
        ];
  return { no: outline.no, title: outline.title, blocks, answers: plan.answers };
}

/** Builds the document of one model. */
export function architectureDocument(records: Records, model: Model): Document {
  const plans = new Map(ARCHITECTURE_PLAN.map((one) => [one.no, one]));
  return {
    name: `${model.id}/security-architecture`,
    title: 'Security architecture document',
    product: records.product.name,
    models: [model.name],
    on: records.on,
    editions: editionsOf(records),
    sections: OUTLINE.map((outline) =>
      sectionOf(records, model, outline, plans.get(outline.no) ?? { no: outline.no, answers: [], kinds: [] }),
    ),
  };
}
