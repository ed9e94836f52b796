/**
 * EN 18031 assessment forms: a section for each mechanism, and for each requirement what a laboratory asks for (required
 * information E.Info, path through the decision tree E.Info.DT, justification E.Just.DT) with the assessments that evidence
 * supports. Which trees exist is known; their texts are the standard's and are not here.
 */
import type { Cell } from '../gap/index.ts';
import { aboutModel, type Model, type TreeDecision } from '../product/index.ts';
import { answersTo, textBlock } from './answers.ts';
import type { Block, Document, Section } from './document.ts';
import { modelDocument, section } from './frame.ts';
import { cellsOf, explain, matrixTable, type Records } from './records.ts';

const MECHANISMS: Readonly<Record<string, string>> = {
  ACM: 'access control',
  AUM: 'authentication',
  SUM: 'secure update',
  SSM: 'secure storage',
  SCM: 'secure communication',
  RLM: 'resilience',
  NMM: 'network monitoring',
  TCM: 'traffic control',
  CCK: 'confidential cryptographic keys',
  GEC: 'general equipment capabilities',
  CRY: 'cryptography',
  LGM: 'logging',
  DLM: 'deletion',
  UNM: 'user notification',
};

const OUTCOMES = { pass: 'PASS', fail: 'FAIL', 'not-applicable': 'NOT APPLICABLE' } as const;

function treeTable(id: string, decision: TreeDecision): Block {
  return {
    kind: 'table',
    caption: `${id} for: ${decision.about}`,
    head: ['Field', 'Content'],
    rows: [
      [`E.Info.${id}`, decision.information],
      [`E.Info.DT.${id}`, decision.path],
      [`E.Just.DT.${id}`, decision.justification],
      ['Outcome of the tree', OUTCOMES[decision.outcome]],
    ],
    grade: 'claimed',
  };
}

/** What each of the three assessments of a requirement rests on, by the records. */
function assessmentTable(cell: Cell, decisions: readonly TreeDecision[]): Block {
  const { id } = cell.entry.requirement;
  const isDocumented = decisions.length > 0;
  const isTested = cell.state === 'met';
  return {
    kind: 'table',
    caption: `Assessments of ${id}`,
    head: ['Assessment', 'Rests on', 'Verdict'],
    rows: [
      [
        'conceptual',
        isDocumented ? `documentation of ${decisions.length} asset(s) or mechanism(s)` : 'no documentation',
        'for the assessor',
      ],
      ['functional completeness', 'whether every asset of the equipment is documented', 'for the assessor'],
      ['functional sufficiency', explain(cell), isTested ? 'evidence is there; for the assessor' : 'open'],
    ],
    grade: 'configured',
  };
}

function requirementBlocks(records: Records, model: Model, cell: Cell): readonly Block[] {
  const { id } = cell.entry.requirement;
  const decisions = aboutModel(records.product.papers?.trees, model.id).filter(
    ({ requirement }) => requirement === cell.entry.reference,
  );
  const said = textBlock(answersTo(records, model, cell.entry.reference));
  if (cell.state === 'not-applicable') return said;
  if (decisions.length > 0) {
    return [...decisions.map((one) => treeTable(id, one)), ...said, assessmentTable(cell, decisions)];
  }
  return said;
}

function mechanismSection(
  records: Records,
  model: Model,
  { mechanism, own, at }: { readonly mechanism: string; readonly own: readonly Cell[]; readonly at: number },
): Section {
  const trees = new Set(aboutModel(records.product.papers?.trees, model.id).map(({ requirement }) => requirement));
  const open = own.filter(({ entry, state }) => state !== 'not-applicable' && !trees.has(entry.reference));
  const wanted = open.map(
    ({
      entry: {
        requirement: { id, title },
      },
    }) => `${id} (${title}): E.Info.${id}, E.Info.DT.${id}, E.Just.DT.${id}`,
  );
  const gap: readonly Block[] =
    wanted.length === 0
      ? []
      : [{ kind: 'gap', text: 'Required documentation that nobody has written, for each asset or mechanism.', wanted }];
  const name = MECHANISMS[mechanism];
  return section(String(at + 1), `${mechanism}${name === undefined ? '' : ` – ${name}`}`, [
    matrixTable(`Requirements of ${mechanism}`, own),
    ...own.flatMap((cell) => requirementBlocks(records, model, cell)),
    ...gap,
  ]);
}

function scopeSection(cells: readonly Cell[]): Section {
  const catalogue = cells[0]?.entry.catalogue;
  if (catalogue === undefined) {
    return section('1', 'Scope', [{ kind: 'note', text: 'The model has no radio or is not sold in the EU.' }]);
  }
  const parts = [1, 2, 3].map((part) => [
    `Part ${part}`,
    part === 1
      ? 'radio equipment connected to the internet'
      : part === 2
        ? 'personal data, toys, childcare, wearables'
        : 'virtual money or monetary value',
    String(cells.filter(({ entry }) => entry.requirement.part === part).length),
  ]);
  const table: Block = {
    kind: 'table',
    caption: 'Parts, and how many requirements each brings; the manufacturer decides which are for the model',
    head: ['Part', 'For', 'Requirements here'],
    rows: parts,
    grade: 'configured',
  };
  const notes = catalogue.notes.map((text): Block => ({ kind: 'note', text }));
  return section('Scope', 'Parts and restrictions', [
    { kind: 'note', text: `${catalogue.edition}. ${catalogue.status}.` },
    table,
    ...notes,
  ]);
}

/** EN 18031: one section a mechanism. */
export function en18031Document(records: Records, model: Model): Document {
  const cells = cellsOf(records, model, 'EN-18031');
  const mechanisms = [...new Set(cells.map(({ entry }) => entry.requirement.mechanism ?? 'other'))];
  const sections = mechanisms.map((mechanism, at) => {
    const own = cells.filter(({ entry }) => (entry.requirement.mechanism ?? 'other') === mechanism);
    return mechanismSection(records, model, { mechanism, own, at });
  });
  return modelDocument(records, model, {
    name: 'en-18031-forms',
    title: 'EN 18031 assessment forms',
    sections: [scopeSection(cells), ...sections],
  });
}
