/**
 * IXIT of TS 103 701: each of its 29 tables, filled from records and from what the manufacturer wrote, column by column with
 * grade and source; a column that nobody filled is a gap. A table that no applicable provision asks for says so.
 */
import { GRADES, type Grade } from '../evidence/index.ts';
import { aboutModel, type Model } from '../product/index.ts';
import type { Block, Section } from './document.ts';
import { section } from './frame.ts';
import { type IxitRow, ixitRows } from './ixit-rows.ts';
import { IXIT, type IxitTable, provisionsAsking } from './ixit-table.ts';
import { cellFor, type Records } from './records.ts';

const OPEN = 'open';

/** Rows of the manufacturer; one with the ID of a row from records fills what that leaves open. */
function rowsOf(records: Records, model: Model, table: IxitTable): readonly IxitRow[] {
  const written = aboutModel(records.product.papers?.ixit, model.id)
    .filter((one) => one.table === table.id)
    .map(({ columns }): IxitRow => ({ columns, grade: 'claimed', source: 'manufacturer' }));
  const hasIds = table.perEntry.includes('ID');
  const sameAs = (a: IxitRow, b: IxitRow): boolean => !hasIds || a.columns['ID'] === b.columns['ID'];
  const known = ixitRows(records, model, table.id);
  const merged = known.map((row) => {
    const more = written.filter((one) => sameAs(one, row));
    if (more.length === 0) return row;
    const columns = Object.assign({}, ...more.map((one) => one.columns), row.columns) as IxitRow['columns'];
    return { columns, grade: 'claimed' as const, source: `${row.source}; manufacturer` };
  });
  return [...merged, ...written.filter((one) => !known.some((row) => sameAs(one, row)))];
}

function weakest(rows: readonly IxitRow[]): Grade {
  return GRADES.find((grade) => rows.some((row) => row.grade === grade)) ?? 'claimed';
}

const WIDE = 5;

/** Narrow tables are one table; wide ones one table an entry, so that they can be read on paper. */
function tables({ id, perEntry }: IxitTable, rows: readonly IxitRow[]): Block[] {
  const from = ({ grade, source }: IxitRow): string => `${grade}: ${source}`;
  if (perEntry.length <= WIDE) {
    return [
      {
        kind: 'table',
        caption: id,
        head: [...perEntry, 'Grade and source'],
        rows: rows.map((row) => [...perEntry.map((column) => row.columns[column] ?? OPEN), from(row)]),
        grade: weakest(rows),
      },
    ];
  }
  return rows.map((row, at) => ({
    kind: 'table',
    caption: `${row.columns['ID'] ?? `${id}, entry ${at + 1}`} – ${from(row)}`,
    head: ['Column', 'Content'],
    rows: perEntry.map((column) => [column, row.columns[column] ?? OPEN]),
    grade: row.grade,
  }));
}

function openColumns({ perEntry }: IxitTable, rows: readonly IxitRow[]): string[] {
  if (rows.length === 0) return perEntry.map((column) => `column: ${column}`);
  return rows.flatMap(({ columns }, at) =>
    perEntry
      .filter((column) => columns[column] === undefined)
      .map((column) => `${columns['ID'] ?? `entry ${at + 1}`}: ${column}`),
  );
}

function ixitSection(records: Records, model: Model, table: IxitTable, at: number): Section {
  const asking = provisionsAsking(table);
  const references = asking.map((id) => `ETSI-EN-303-645 ${id}`);
  const isNeeded = references.some((one) => {
    const state = cellFor(records, model, one)?.state;
    return state !== undefined && state !== 'not-applicable';
  });
  const rows = rowsOf(records, model, table);
  const open = openColumns(table, rows);
  const gap: readonly Block[] =
    open.length === 0 || !isNeeded
      ? []
      : [
          {
            kind: 'gap',
            text: `The manufacturer has to fill this in; records of the platform that help: ${table.platformSource}.`,
            wanted: open,
          },
        ];
  const note: readonly Block[] = isNeeded
    ? []
    : [{ kind: 'note', text: 'Not needed: no provision that applies to the model is tested with this table.' }];
  const filled = rows.length === 0 ? [] : tables(table, rows);
  return section(`2.${at + 1}`, `${table.id}: ${table.subject}`, [...note, ...filled, ...gap], references);
}

/** The sections of the IXIT. */
export function ixitSections(records: Records, model: Model): Section[] {
  return IXIT.ixit.map((table, at) => ixitSection(records, model, table, at));
}
