/**
 * Statements requirement by requirement: the implementation conformance statement of EN 303 645 with its IXIT, and the
 * IEC 62443-4-2 statement. A form never says `Y` without evidence that counts.
 */

import { type Cell, decideIcs } from '../gap/index.ts';
import type { Model } from '../product/index.ts';
import { answersTo } from './answers.ts';
import type { Block, Document } from './document.ts';
import { modelDocument, section } from './frame.ts';
import { ixitSections } from './ixit.ts';
import { IXIT } from './ixit-table.ts';
import { cellsOf, explain, type Records } from './records.ts';

/** The support column of the pro forma: `Y` met, `N` not, `N/A` with its reason. Partly is `N`, because a provision is one. */
function support({ state }: Cell): string {
  if (state === 'met') return 'Y';
  return state === 'not-applicable' ? 'N/A' : 'N';
}

/** What the manufacturer says, behind what records show. */
function detail(records: Records, model: Model, cell: Cell): string {
  const said = answersTo(records, model, cell.entry.reference).map(({ text }) => `manufacturer: ${text}`);
  return [explain(cell), ...said].filter((one) => one !== '').join('; ');
}

function icsTable(records: Records, model: Model, cells: readonly Cell[]): Block {
  return {
    kind: 'table',
    caption: 'Implementation conformance statement (Table B.1)',
    head: ['Provision', 'In our words', 'Status', 'Support', 'Detail or justification', 'IXIT'],
    rows: cells.map((cell) => [
      cell.entry.requirement.id,
      cell.entry.requirement.title,
      cell.entry.requirement.icsStatus ?? '',
      support(cell),
      detail(records, model, cell),
      (cell.entry.requirement.ixit ?? []).map((one) => one.replace(/-.*/, '')).join(', ') || '–',
    ]),
    grade: 'configured',
  };
}

/** Features and conditions on which the status of provisions hangs, as the product answers them. */
function featureTable(model: Model, cells: readonly Cell[]): readonly Block[] {
  const catalogue = cells[0]?.entry.catalogue;
  if (catalogue === undefined) return [];
  const word = (answer: boolean | undefined): string => (answer === undefined ? 'not answered' : answer ? 'yes' : 'no');
  const { features = {}, conditions = {} } = catalogue;
  const table: Block = {
    kind: 'table',
    caption: 'Features F and conditions C of the model',
    head: ['Letter', 'Meaning', 'Answer'],
    rows: [
      ...Object.entries(features).map(([key, text]) => [`F(${key})`, text, word(model.features?.[key])]),
      ...Object.entries(conditions).map(([key, text]) => [`C(${key})`, text, word(model.conditions?.[key])]),
    ],
    grade: 'claimed',
  };
  const open = new Map<string, string[]>();
  for (const { entry } of cells) {
    const { icsStatus, id } = entry.requirement;
    const decision = icsStatus === undefined ? undefined : decideIcs(icsStatus, model, { features, conditions });
    if (decision?.kind !== 'unanswered') continue;
    for (const name of decision.names) open.set(name, [...(open.get(name) ?? []), id]);
  }
  const gap: readonly Block[] =
    open.size === 0
      ? []
      : [
          {
            kind: 'gap',
            text: 'Whether these provisions are for the model hangs on letters that are not answered; until then they count as open.',
            wanted: [...open].map(
              ([name, ids]) => `${features[name] ?? conditions[name] ?? name}: decides ${ids.join(', ')}`,
            ),
          },
        ];
  return [table, ...gap];
}

function icsSummary(cells: readonly Cell[]): Block {
  const isMandatory = ({ entry }: Cell): boolean => entry.requirement.icsStatus?.startsWith('M') === true;
  const count = (of: readonly Cell[], answer: string): string =>
    String(of.filter((cell) => support(cell) === answer).length);
  const rows = (
    [
      ['mandatory', cells.filter(isMandatory)],
      ['recommended', cells.filter((cell) => !isMandatory(cell))],
    ] as const
  ).map(([name, of]) => [name, String(of.length), count(of, 'Y'), count(of, 'N'), count(of, 'N/A')]);
  return {
    kind: 'table',
    caption: 'How many provisions are supported',
    head: ['Status', 'Provisions', 'Y', 'N', 'N/A'],
    rows,
    grade: 'configured',
  };
}

/** EN 303 645: ICS and IXIT of TS 103 701. */
export function icsDocument(records: Records, model: Model): Document {
  const cells = cellsOf(records, model, 'ETSI-EN-303-645');
  const note: Block = { kind: 'note', text: `TS 103 701 ${IXIT.meta.version}. ${IXIT.meta.verification}.` };
  const none: Block = { kind: 'note', text: 'The model is not for consumer use; the standard is not about it.' };
  if (cells.length === 0) {
    return modelDocument(records, model, {
      name: 'en-303-645-ics-ixit',
      title: 'EN 303 645: ICS and IXIT',
      sections: [section('1', 'Implementation conformance statement', [none])],
    });
  }
  return modelDocument(records, model, {
    name: 'en-303-645-ics-ixit',
    title: 'EN 303 645: ICS and IXIT',
    sections: [
      section('1', 'Implementation conformance statement', [
        icsSummary(cells),
        ...featureTable(model, cells),
        icsTable(records, model, cells),
      ]),
      section('2', 'Implementation extra information for testing', [note]),
      ...ixitSections(records, model),
    ],
  });
}

const COMPONENT_TYPES = {
  software: 'software application',
  embedded: 'embedded device',
  host: 'host device',
  network: 'network device',
} as const;

/** `SL 1; RE1 from SL 2`, with what of it is asked for at the level that is aimed at. */
function levels(cell: Cell, target: number): string {
  const { base = 1, ...enhancements } = cell.entry.requirement.securityLevelFrom ?? {};
  const parts = Object.entries(enhancements).map(
    ([name, from]) => `${name} from SL ${from}${from <= target ? ' (asked for)' : ''}`,
  );
  return [`SL ${base}`, ...parts].join('; ');
}

function levelBlocks(model: Model): readonly Block[] {
  const { securityLevel, componentType } = model;
  const wanted = [
    ...(securityLevel === undefined ? ['security level that is aimed at (1 to 4)'] : []),
    ...(componentType === undefined ? ['kind of component: software, embedded, host or network'] : []),
  ];
  const known: Block = {
    kind: 'note',
    text: `Security level aimed at: ${securityLevel === undefined ? 'not stated, shown up to SL 4' : `SL-C ${securityLevel}`}. Kind of component: ${componentType === undefined ? 'not stated, all are shown' : COMPONENT_TYPES[componentType]}. Levels of the base requirements and enhancements are partly from recall; the text of the standard decides.`,
  };
  return [known, ...(wanted.length === 0 ? [] : [{ kind: 'gap', text: 'Not stated for the model.', wanted } as const])];
}

/** IEC 62443-4-2: the level that is aimed at, and each requirement that applies at it to the kind of component. */
export function iec62443Document(records: Records, model: Model): Document {
  const target = model.securityLevel ?? 4;
  const kind = model.componentType === undefined ? undefined : COMPONENT_TYPES[model.componentType];
  const all = cellsOf(records, model, 'IEC-62443-4-2');
  const cells = all.filter(({ entry: { requirement } }) => {
    const isKind = kind === undefined || requirement.componentType === 'all' || requirement.componentType === kind;
    return isKind && (requirement.securityLevelFrom?.['base'] ?? 1) <= target;
  });
  const none: Block = { kind: 'note', text: 'The model is not for industrial use; the standard is not about it.' };
  const table: Block = {
    kind: 'table',
    caption: `Component requirements up to SL ${target}`,
    head: ['Requirement', 'In our words', 'From level', 'State', 'Shown by, or missing', 'Wording verified'],
    rows: cells.map((cell) => [
      cell.entry.requirement.id,
      cell.entry.requirement.title,
      levels(cell, target),
      cell.state,
      detail(records, model, cell),
      cell.entry.requirement.verification,
    ]),
    grade: 'configured',
  };
  return modelDocument(records, model, {
    name: 'iec-62443-4-2-statement',
    title: 'IEC 62443-4-2 statement',
    sections:
      all.length === 0
        ? [section('1', 'Scope', [none])]
        : [section('1', 'Level and kind', levelBlocks(model)), section('2', 'Requirements', [table])],
  });
}
