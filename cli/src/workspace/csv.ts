/**
 * Comma-separated values (RFC 4180), row by row in bounded memory, with the line that each row begins on.
 *
 * Spreadsheets run cells that begin with = + - @ as formulas: such a cell is written with an apostrophe before it, and read
 * without it; a cell that begins with apostrophes before one of these gets one more, so that nothing is lost.
 */
import { createReadStream } from 'node:fs';
import { CliError } from '../frame/errors.ts';

export type Row = { readonly line: number; readonly cells: readonly string[] };

const ROW_CHARS_MAX = 65_536;
const CELLS_MAX = 256;
const FORMULA = /^'*[=+\-@\t\r]/;
const GUARDED = /^'+[=+\-@\t\r]/;

/** One row as text, without the end of the line. */
export function encodeRow(cells: readonly string[]): string {
  return cells
    .map((cell) => (FORMULA.test(cell) ? `'${cell}` : cell))
    .map((cell) => (/[",\r\n]/.test(cell) || cell !== cell.trim() ? `"${cell.replaceAll('"', '""')}"` : cell))
    .join(',');
}

function plain(cell: string): string {
  return GUARDED.test(cell) ? cell.slice(1) : cell;
}

/** The rows of a text that comes in pieces. @throws CliError CLI_TABLE_MALFORMED */
export class RowReader {
  readonly #path: string;
  #line = 1;
  #startLine = 1;
  #cells: string[] = [];
  #cell = '';
  #chars = 0;
  /** In the cell: before its first character, in plain text, in quotes, behind a quote that may be doubled. */
  #state: 'start' | 'plain' | 'quoted' | 'quote' = 'start';
  #wasReturn = false;

  constructor(path: string) {
    this.#path = path;
  }

  #malformed(expected: string): CliError {
    return new CliError('CLI_TABLE_MALFORMED', { path: this.#path, line: this.#line, expected });
  }

  #endCell(): void {
    if (this.#cells.length >= CELLS_MAX) throw this.#malformed(`at most ${CELLS_MAX} cells in a row`);
    this.#cells.push(plain(this.#cell));
    this.#cell = '';
    this.#state = 'start';
  }

  #endRow(): Row | undefined {
    const isEmpty = this.#cells.length === 0 && this.#cell === '' && this.#state === 'start';
    if (!isEmpty) this.#endCell();
    const row = { line: this.#startLine, cells: this.#cells };
    this.#cells = [];
    this.#chars = 0;
    return isEmpty ? undefined : row;
  }

  #quoted(char: string): void {
    if (char === '"') this.#state = 'quote';
    else this.#cell += char;
    if (char === '\n') this.#line += 1;
  }

  #plainChar(char: string): void {
    if (char === '"') {
      if (this.#state === 'plain') throw this.#malformed('a cell with a quotation mark in quotation marks');
      this.#state = 'quoted';
      return;
    }
    if (this.#state === 'quote') throw this.#malformed('a comma or the end of the row behind quotation marks');
    this.#state = 'plain';
    this.#cell += char;
  }

  /** Takes more text; gives the rows that are complete. */
  *push(text: string): Generator<Row> {
    for (const char of text) {
      this.#chars += 1;
      if (this.#chars > ROW_CHARS_MAX) throw this.#malformed(`rows of at most ${ROW_CHARS_MAX} characters`);
      if (this.#state === 'quoted') {
        this.#quoted(char);
        continue;
      }
      if (this.#state === 'quote' && char === '"') {
        this.#cell += '"';
        this.#state = 'quoted';
        continue;
      }
      if (this.#wasReturn && char !== '\n') throw this.#malformed('a line feed behind a carriage return');
      this.#wasReturn = char === '\r';
      if (char === ',') this.#endCell();
      else if (char === '\n') {
        const row = this.#endRow();
        this.#line += 1;
        this.#startLine = this.#line;
        if (row !== undefined) yield row;
      } else if (char !== '\r') this.#plainChar(char);
    }
  }

  /** The end of the text; a last row may lack its line feed. */
  end(): Row | undefined {
    if (this.#state === 'quoted') throw this.#malformed('the end of a cell in quotation marks');
    return this.#endRow();
  }
}

/** The text of a file in pieces. @throws CliError CLI_FILE_UNREADABLE, CLI_TABLE_MALFORMED */
export async function* readPieces(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of createReadStream(path)) yield decoder.decode(chunk as Uint8Array, { stream: true });
    yield decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw new CliError('CLI_TABLE_MALFORMED', { path, expected: 'UTF-8' }, error);
    throw new CliError('CLI_FILE_UNREADABLE', { path }, error);
  }
}

/** The rows of a file. @throws CliError CLI_FILE_UNREADABLE, CLI_TABLE_MALFORMED */
export async function* readRows(path: string): AsyncGenerator<Row> {
  const reader = new RowReader(path);
  for await (const piece of readPieces(path)) yield* reader.push(piece);
  const last = reader.end();
  if (last !== undefined) yield last;
}
