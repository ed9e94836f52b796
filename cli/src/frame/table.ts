/** Text tables and marks for results: aligned columns, colour only on a terminal. */
export type Cell = string | { readonly text: string; readonly tone: Tone };
export type Tone = 'good' | 'bad' | 'quiet' | 'strong';

const CODES: Readonly<Record<Tone, string>> = { good: '32', bad: '31;1', quiet: '2', strong: '1' };

export function paint(isTty: boolean, tone: Tone, text: string): string {
  return isTty ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text;
}

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text);

/** Lines of a table; the last column is not padded, so that no line ends in blanks. */
export function renderTable(isTty: boolean, head: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => textOf(row[column] ?? '').length)),
  );
  const line = (cells: readonly Cell[]): string =>
    cells
      .map((cell, column) => {
        const text = textOf(cell);
        const padded = column === cells.length - 1 ? text : text.padEnd(widths[column] ?? 0);
        return typeof cell === 'string' ? padded : paint(isTty, cell.tone, padded);
      })
      .join('  ')
      .trimEnd();
  return [line(head.map((text) => ({ text, tone: 'quiet' as const }))), ...rows.map(line)];
}
