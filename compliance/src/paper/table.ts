/**
 * Tables over pages: column widths from what the columns hold, the head again on every page, rows kept whole where they fit on
 * a page and cut between lines where they do not.
 */
import type { Block } from '../document/index.ts';
import { type Face, faces, printable, wrap } from './letters.ts';
import { COLUMN, type Element, INK, LEADING, PAGE, type Sheet, STYLES } from './sheet.ts';

type Table = Extract<Block, { kind: 'table' }>;

const PADDING = 4;
const LINE = STYLES.cell.size * LEADING;
/** Words longer than this may be cut. */
const WORD_MAX = 86;
/** Columns this wide at most stay on one line. */
const SHORT = 64;
/** Where a word may be cut. */
const PIECES = / |(?<=[-/._,;:|])/;

type Column = { readonly least: number; readonly whole: number; readonly average: number };

/** What a column needs so that no word is cut, so that nothing wraps, and on average. */
function measure(head: string, cells: readonly string[], isFirst: boolean): Column {
  const { regular, bold } = faces();
  const size = STYLES.cell.size;
  const face = isFirst ? bold : regular;
  const widest = (text: string, of: Face): number =>
    Math.max(...text.split(PIECES).map((piece) => of.widthOf(piece) * size));
  const space = regular.widthOf(' ') * size;
  let longest = widest(head, bold);
  let whole = longest;
  let total = 0;
  for (const cell of cells) {
    const line = cell.split(' ').reduce((sum, word) => sum + face.widthOf(word) * size + space, -space);
    longest = Math.max(longest, widest(cell, face));
    whole = Math.max(whole, line);
    total += line;
  }
  const around = 2 * PADDING + 0.5;
  return {
    least: Math.min(longest, WORD_MAX) + around,
    whole: whole + around,
    average: total / Math.max(cells.length, 1) + around,
  };
}

/** Widths of the columns: short ones get what they need to stay on one line, the others share the rest by what they hold. */
function columnWidths(head: readonly string[], rows: readonly (readonly string[])[]): number[] {
  const columns = head.map((one, at) =>
    measure(
      one,
      rows.map((row) => row[at] ?? ''),
      at === 0,
    ),
  );
  const isShort = columns.map(({ whole }) => whole <= SHORT);
  const widths = columns.map(({ least, whole }, at) => (isShort[at] === true ? whole : least));
  const left = COLUMN - widths.reduce((sum, one) => sum + one, 0);
  if (left < 0) {
    const least = columns.reduce((sum, one) => sum + one.least, 0);
    return columns.map((one) => (one.least * COLUMN) / least);
  }
  const shares = columns.map((one, at) => (isShort[at] === true ? 0 : one.average));
  const sum = shares.reduce((a, b) => a + b, 0);
  return widths.map((one, at) => one + left * (sum === 0 ? 1 / columns.length : (shares[at] ?? 0) / sum));
}

class TableWriter {
  readonly #sheet: Sheet;
  readonly #table: Table;
  readonly #element: Element;
  readonly #widths: readonly number[];

  constructor(sheet: Sheet, table: Table, element: Element) {
    this.#sheet = sheet;
    this.#table = { ...table, head: table.head.map(printable), rows: table.rows.map((row) => row.map(printable)) };
    this.#element = element;
    this.#widths = columnWidths(this.#table.head, this.#table.rows);
  }

  #wrapRow(row: readonly string[], isHead: boolean): string[][] {
    return this.#widths.map((width, at) => {
      const face = isHead || at === 0 ? faces().bold : faces().regular;
      return wrap(row[at] ?? '', face, STYLES.cell.size, width - 2 * PADDING);
    });
  }

  /** The head. Only the first one is in the structure; those of later pages repeat it for the eye. */
  #head(isFirst: boolean): void {
    const cells = this.#wrapRow(this.#table.head, true);
    const height = Math.max(...cells.map(({ length }) => length)) * LINE + 2 * PADDING;
    const { y } = this.#sheet;
    this.#sheet.artifact((pdf) => {
      pdf.rect(PAGE.left, y, COLUMN, height).fill(INK.wash);
    });
    if (isFirst) this.#cells(cells, 'head', this.#sheet.element('TR', this.#element));
    else
      this.#sheet.artifact((pdf) => {
        let x = PAGE.left;
        for (const [at, lines] of cells.entries()) {
          pdf.font('bold', STYLES.cell.size).fillColor(INK.soft);
          for (const [no, line] of lines.entries())
            pdf.text(`${line} `, x + PADDING, y + PADDING + no * LINE, { lineBreak: false });
          x += this.#widths[at] ?? 0;
        }
      });
    this.#sheet.y += height;
  }

  #cells(cells: readonly (readonly string[])[], kind: 'head' | 'row' | 'more', row: Element): void {
    let x = PAGE.left;
    for (const [at, lines] of cells.entries()) {
      const isHeader = kind === 'head' || at === 0;
      const scope = kind === 'head' ? 'Column' : 'Row';
      const cell = this.#sheet.element(isHeader ? 'TH' : 'TD', row, isHeader ? { scope } : {});
      const style =
        kind === 'head' ? { ...STYLES.cellHead, colour: INK.soft } : isHeader ? STYLES.cellHead : STYLES.cell;
      this.#sheet.lines(lines, x + PADDING, this.#sheet.y + PADDING, style, cell);
      x += this.#widths[at] ?? 0;
    }
  }

  #row(row: readonly string[]): void {
    let cells = this.#wrapRow(row, false);
    let count = Math.max(...cells.map(({ length }) => length));
    const whole = count * LINE + 2 * PADDING;
    if (whole > this.#sheet.room && whole < PAGE.height / 2) this.#newPage();
    for (;;) {
      const fits = Math.max(Math.floor((this.#sheet.room - 2 * PADDING) / LINE), 0);
      if (fits < Math.min(count, 2)) {
        this.#newPage();
        continue;
      }
      const now = Math.min(fits, count);
      this.#cells(
        cells.map((lines) => lines.slice(0, now)),
        'row',
        this.#sheet.element('TR', this.#element),
      );
      this.#sheet.y += now * LINE + 2 * PADDING;
      this.#sheet.rule(this.#sheet.y);
      if (now >= count) return;
      cells = cells.map((lines) => lines.slice(now));
      count -= now;
      this.#newPage();
    }
  }

  #newPage(): void {
    this.#sheet.nextPage();
    this.#head(false);
  }

  write(): void {
    this.#head(true);
    for (const row of this.#table.rows) this.#row(row);
  }
}

/** Draws a table with its caption, which stays with the head and the first row. */
export function drawTable(sheet: Sheet, table: Table): void {
  const element = sheet.element('Table');
  sheet.space(6);
  sheet.need(STYLES.strong.size * LEADING + 5 * LINE);
  const caption = sheet.element('Caption', element);
  sheet.flow(`${table.caption} (${table.grade})`, STYLES.strong, caption);
  sheet.y += 3;
  new TableWriter(sheet, table, element).write();
  sheet.space(10);
}
