/**
 * Statements requirement by requirement: the implementation conformance statement of EN 303 645 with its IXIT, the EN 18031
 * forms, and the IEC 62443-4-2 statement. A form never says `Y` without evidence that counts.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Cell } from '../gap/index.ts';
import type { Model } from '../product/index.ts';
import type { Block, Document, Section } from './document.ts';
import { modelDocument, section } from './frame.ts';
import { cellsOf, explain, matrixTable, type Records } from './records.ts';

const ixitTable = z.object({
  meta: z.object({ version: z.string(), verification: z.string() }),
  ixit: z.array(
    z.object({ id: z.string(), subject: z.string(), perEntry: z.array(z.string()), platformSource: z.string() }),
  ),
});
const IXIT = ixitTable.parse(JSON.parse(readFileSync(new URL('../../data/ts-103-701.json', import.meta.url), 'utf8')));

/** The support column of the pro forma: `Y` met, `N` not, `N/A` with its reason. Partly is `N`, because a provision is one. */
function support({ state }: Cell): string {
  if (state === 'met') return 'Y';
  return state === 'not-applicable' ? 'N/A' : 'N';
}

function icsTable(cells: readonly Cell[]): Block {
  return {
    kind: 'table',
    caption: 'Implementation conformance statement (Table B.1)',
    head: ['Provision', 'In our words', 'Status', 'Support', 'Detail or justification'],
    rows: cells.map((cell) => [
      cell.entry.requirement.id,
      cell.entry.requirement.title,
      cell.entry.requirement.icsStatus ?? '',
      support(cell),
      explain(cell),
    ]),
    grade: 'configured',
  };
}

function ixitSection({ id, subject, perEntry, platformSource }: (typeof IXIT)['ixit'][number], at: number): Section {
  const wanted = perEntry.map((one) => `column: ${one}`);
  const text = `To be filled by the manufacturer; records of the platform that help: ${platformSource}.`;
  return section(`2.${at + 1}`, `${id}: ${subject}`, [{ kind: 'gap', text, wanted }]);
}

/** EN 303 645: ICS and IXIT of TS 103 701. */
export function icsDocument(records: Records, model: Model): Document {
  const cells = cellsOf(records, model, 'ETSI-EN-303-645');
  const note: Block = { kind: 'note', text: `TS 103 701 ${IXIT.meta.version}. ${IXIT.meta.verification}` };
  const none: Block = { kind: 'note', text: 'The model is not for consumer use; the standard is not about it.' };
  return modelDocument(records, model, {
    name: 'en-303-645-ics-ixit',
    title: 'EN 303 645: ICS and IXIT',
    sections: [
      section('1', 'Implementation conformance statement', cells.length === 0 ? [none] : [icsTable(cells)]),
      section('2', 'Implementation extra information for testing', [note]),
      ...IXIT.ixit.map(ixitSection),
    ],
  });
}

/** EN 18031: one section a mechanism. */
export function en18031Document(records: Records, model: Model): Document {
  const cells = cellsOf(records, model, 'EN-18031');
  const mechanisms = [...new Set(cells.map(({ entry }) => entry.requirement.mechanism ?? 'other'))];
  const sections = mechanisms.map((mechanism, at) => {
    const own = cells.filter(({ entry }) => (entry.requirement.mechanism ?? 'other') === mechanism);
    const wanted = own.flatMap(
      ({
        entry: {
          requirement: { id },
        },
      }) => [`E.Info.DT.${id}`, `E.Just.DT.${id}`],
    );
    return section(String(at + 1), `Mechanism ${mechanism}`, [
      matrixTable(`Requirements of ${mechanism}`, own),
      { kind: 'gap', text: 'Decision tree and justification, by the manufacturer or the laboratory.', wanted },
    ]);
  });
  const none = section('1', 'Scope', [{ kind: 'note', text: 'The model has no radio or is not sold in the EU.' }]);
  return modelDocument(records, model, {
    name: 'en-18031-forms',
    title: 'EN 18031 assessment forms',
    sections: sections.length === 0 ? [none] : sections,
  });
}

/** IEC 62443-4-2: the level that is aimed at, and each requirement that applies at it. */
export function iec62443Document(records: Records, model: Model): Document {
  const target = model.securityLevel;
  const all = cellsOf(records, model, 'IEC-62443-4-2');
  const cells = all.filter(({ entry }) => (entry.requirement.securityLevelFrom?.['base'] ?? 1) <= (target ?? 4));
  const level: Block =
    target === undefined
      ? {
          kind: 'gap',
          text: 'No security level is stated for the model.',
          wanted: ['security level that is aimed at (1 to 4)'],
        }
      : {
          kind: 'note',
          text: `Security level aimed at: SL-C ${target}. Levels of the base requirements are partly from recall.`,
        };
  const none: Block = { kind: 'note', text: 'The model is not for industrial use; the standard is not about it.' };
  return modelDocument(records, model, {
    name: 'iec-62443-4-2-statement',
    title: 'IEC 62443-4-2 statement',
    sections: [
      section('1', 'Level', all.length === 0 ? [none] : [level]),
      ...(cells.length === 0 ? [] : [section('2', 'Requirements', [matrixTable('Component requirements', cells)])]),
    ],
  });
}
