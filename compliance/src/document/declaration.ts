/**
 * The EU declaration of conformity as a draft: the eight points of Annex V in their order, and the simplified one of Annex VI.
 * A declaration is signed by a person who answers for it; this only lays it out, and says by the records whether to sign.
 */
import { decideGate } from '../gap/index.ts';
import { aboutModel, type DeclarationFacts, type Model } from '../product/index.ts';
import { type Block, claim, type Document, type Section } from './document.ts';
import { modelDocument, OUT_OF_SCOPE, section } from './frame.ts';
import { explain, isSoldInEu, type Records } from './records.ts';

const REGULATION = 'Regulation (EU) 2024/2847 (Cyber Resilience Act)';
const OPEN = 'open';

function factsOf({ product }: Records, model: Model): DeclarationFacts {
  return Object.assign({}, ...aboutModel(product.papers?.declarations, model.id)) as DeclarationFacts;
}

function standardsText({ standards }: DeclarationFacts): string {
  if (standards === undefined || standards.length === 0) return OPEN;
  return standards
    .map(({ reference, extent, citation }) => {
      const weight = citation === undefined ? 'not cited: gives no presumption of conformity' : `cited: ${citation}`;
      return `${reference} (applied in ${extent === 'full' ? 'full' : 'part'}; ${weight})`;
    })
    .join('; ');
}

function bodyText(model: Model, { notifiedBody, procedure }: DeclarationFacts): string {
  if (notifiedBody !== undefined) {
    const { name, number, procedure: done, certificate } = notifiedBody;
    return `${name}, ${number}, did: ${done}; certificate ${certificate}`;
  }
  if (model.craClass === 'default') return procedure ?? 'not needed for this class; internal control (Module A)';
  if (model.craClass === 'important-1') {
    return (
      procedure ??
      'open: internal control (Module A) is only for those who apply harmonised standards, common specifications or a scheme in full (Article 32(2)); else Module B with C, or H, with a notified body'
    );
  }
  return 'open: this class asks for a third party (Article 32(3), (4))';
}

type Row = readonly [point: string, content: string];

function rowsOf(records: Records, model: Model, facts: DeclarationFacts): readonly Row[] {
  const { manufacturer, name } = records.product;
  const { representative } = facts;
  const brand = model.brand === undefined ? '' : `, brand ${model.brand}`;
  return [
    ['Number of the declaration', facts.number ?? OPEN],
    [
      '1 Name, type, and what identifies the product',
      `${model.name}, type ${model.id}${brand}, hardware revisions ${model.hardware.map((one) => one.revision).join(', ')}`,
    ],
    [
      '2 Manufacturer or authorised representative',
      [
        `${manufacturer.name}, ${manufacturer.address}`,
        ...(representative === undefined
          ? []
          : [`authorised representative: ${representative.name}, ${representative.address}`]),
      ].join('; '),
    ],
    [
      '3 Sole responsibility',
      `This declaration of conformity is issued under the sole responsibility of ${manufacturer.name}.`,
    ],
    ['4 Object of the declaration', `${name}: ${model.name}. ${records.product.purpose}`],
    [
      '5 Union harmonisation legislation',
      [REGULATION, ...(facts.otherLaw ?? ['others under which the product falls: open'])].join('; '),
    ],
    ['6 Standards, common specifications, certification', standardsText(facts)],
    ['7 Notified body, procedure, certificate', bodyText(model, facts)],
    ['8 Additional information', facts.additional ?? 'none'],
    [
      'Signed for and on behalf of',
      `${manufacturer.name}; place: ${facts.place ?? OPEN}; day: ${OPEN}; name: ${facts.signatory ?? OPEN}; function: ${facts.position ?? OPEN}; signature: ${OPEN}`,
    ],
  ];
}

/** Whether records let a person sign: duties of law that apply and are open. */
export function signingStanding(records: Records, model: Model): Block {
  const gate = decideGate(records.cells, records.product, { model: model.id, market: 'EU', on: records.on });
  if (!gate.isHeld) {
    return {
      kind: 'note',
      text: `By the records of ${records.on}, no duty of law that applies is open. That is no verdict.`,
    };
  }
  return {
    kind: 'gap',
    text: `Do not sign: ${gate.holding.length} duties of law that apply on ${records.on} are open by the records.`,
    wanted: gate.holding.map((cell) => `${cell.entry.reference} ${cell.entry.requirement.title}: ${explain(cell)}`),
  };
}

/** What has to be stated before the declaration is whole; the day and the signature come from whoever signs. */
export function openDeclarationPoints(records: Records, model: Model): string[] {
  const facts = factsOf(records, model);
  const standards = facts.standards?.length ?? 0;
  const isBodyOpen = bodyText(model, facts).startsWith(OPEN);
  return [
    ...(facts.number === undefined ? ['number of the declaration'] : []),
    ...(facts.otherLaw === undefined ? ['point 5: other law of the Union that the product falls under'] : []),
    ...(standards === 0 ? ['point 6: standards and specifications applied'] : []),
    ...(isBodyOpen ? ['point 7: the procedure of conformity assessment for this class'] : []),
    ...(facts.place === undefined || facts.signatory === undefined || facts.position === undefined
      ? ['point 8: place, name and function of whoever signs']
      : []),
  ];
}

function simplified(records: Records, model: Model): readonly Block[] {
  const { address } = factsOf(records, model);
  const sentence = claim(
    `Hereby, ${records.product.manufacturer.name} declares that the product with digital elements type ${model.name} (${model.id}) is in compliance with Regulation (EU) 2024/2847. The full text of the EU declaration of conformity is available at the following internet address: ${address ?? '(open)'}. DRAFT, not signed.`,
  );
  const gap: Block = { kind: 'gap', text: 'Not whole.', wanted: ['internet address of the full declaration'] };
  return [{ kind: 'text', sentences: [sentence] }, ...(address === undefined ? [gap] : [])];
}

/** Annex V and VI, as drafts. */
export function declarationDraft(records: Records, model: Model): Document {
  const open = openDeclarationPoints(records, model);
  const full: readonly Block[] = [
    {
      kind: 'table',
      caption: 'EU declaration of conformity (Annex V) – DRAFT, not signed',
      head: ['Point', 'Content'],
      rows: rowsOf(records, model, factsOf(records, model)),
      grade: 'claimed',
    },
    ...(open.length === 0 ? [] : [{ kind: 'gap', text: 'Not whole.', wanted: open } as const]),
  ];
  const points = ['1', '2', '3', '4', '5', '6', '7', '8'].map((one) => `EU-CRA AV.${one}`);
  const brand: readonly Block[] =
    model.brand === undefined
      ? []
      : [
          {
            kind: 'gap',
            text: `Sold under the brand ${model.brand}: whoever places it on the market under an own name or brand is its manufacturer (Articles 21 and 22), and declares.`,
            wanted: ['who the manufacturer of this variant is', 'the declaration in that name'],
          },
        ];
  const sections: readonly Section[] = [
    section('1', 'Before anybody signs', [signingStanding(records, model), ...brand], ['EU-CRA 28', 'EU-CRA 21-22']),
    section('2', 'Full declaration', full, points),
    section('3', 'Simplified declaration', simplified(records, model), ['EU-CRA AVI']),
  ];
  return modelDocument(records, model, {
    name: 'declaration-draft',
    title: 'EU declaration of conformity – draft',
    sections: isSoldInEu(model) ? sections : [section('1', 'Scope', [OUT_OF_SCOPE])],
  });
}
