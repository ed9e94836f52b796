/** Pieces of evidence as a table: what, when, how strong, from whom, and the statement behind it. */
import { type Evidence, GRADES } from '../evidence/index.ts';
import { type Block, placeOf } from './document.ts';

/** How many rows are printed; the ledger has them all. */
const ROWS_MAX = 60;

function byDay(a: Evidence, b: Evidence): number {
  if (a.facts.issuedOn === b.facts.issuedOn) return (a.place?.index ?? 0) - (b.place?.index ?? 0);
  return a.facts.issuedOn < b.facts.issuedOn ? -1 : 1;
}

/** The newest rows, oldest first; says so when there are more. */
export function evidenceTable(caption: string, all: readonly Evidence[]): Block {
  const newest = all.toSorted(byDay).slice(-ROWS_MAX);
  const rest = all.length - newest.length;
  return {
    kind: 'table',
    caption: rest === 0 ? caption : `${caption} (the newest ${ROWS_MAX} of ${all.length})`,
    head: ['Statement', 'Day', 'What', 'By', 'Grade'],
    rows: newest.map((one) => [
      placeOf(one) ?? 'no statement',
      one.facts.issuedOn,
      one.facts.title,
      one.facts.issuer,
      one.grade,
    ]),
    grade: GRADES.find((grade) => newest.some((one) => one.grade === grade)) ?? 'claimed',
  };
}
