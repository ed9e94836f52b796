/**
 * Files that people write by hand, as YAML 1.2 (JSON is YAML too) or CSV (RFC 4180), read so that every fault names its line.
 * Nothing is taken from a file that has a fault; aliases and tags have no place in it.
 */
import { parse as parseCsv } from 'csv-parse/sync';
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';

const FILE_CHARS_MAX = 1_000_000;

type Fault = { readonly file: string; readonly line?: number; readonly at?: string; readonly expected: string };
/** Makes the error of whoever reads. */
export type Refuse = (fault: Fault, cause?: unknown) => Error;

/** The deepest node of the YAML document on the way to a fault. */
function nodeAt(root: unknown, path: readonly PropertyKey[]): Node | undefined {
  let node: unknown = root;
  let last: Node | undefined;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
      if (pair === undefined) break;
      last = pair.key as Node;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      last = (node as Node | undefined) ?? last;
    } else break;
  }
  return isScalar(node) ? node : last;
}

/** A fault as people read it: the place, what belongs there. */
export function faultOf(error: z.ZodError): { path: readonly PropertyKey[]; expected: string } {
  const issue = error.issues[0];
  return { path: issue?.path ?? [], expected: issue?.message ?? 'another value' };
}

function refuseLarge(source: string, file: string, refuse: Refuse): void {
  if (source.length > FILE_CHARS_MAX) throw refuse({ file, expected: `at most ${FILE_CHARS_MAX} characters` });
}

/** Reads a record from YAML; throws what `refuse` makes of the first fault. */
export function readYaml<T>(
  schema: z.ZodType<T>,
  { source, file }: { readonly source: string; readonly file: string },
  refuse: Refuse,
): T {
  refuseLarge(source, file, refuse);
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, schema: 'core', uniqueKeys: true, strict: true });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) {
    const [at] = fault.pos;
    const expected = fault.message.split('\n', 1)[0] ?? 'YAML';
    throw refuse({ file, line: lines.linePos(at).line, expected }, fault);
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    throw refuse({ file, expected: 'no aliases' }, cause);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { path, expected } = faultOf(result.error);
  const offset = nodeAt(document.contents, path)?.range?.[0] ?? 0;
  throw refuse({ file, line: lines.linePos(offset).line, at: path.map(String).join('.'), expected });
}

type CsvRow<C extends string> = {
  readonly cells: Readonly<Partial<Record<C, string>>>;
  readonly line: number;
};

/** Reads the rows of a CSV file with a header of known columns only; throws what `refuse` makes of the first fault. */
export function readCsvRows<C extends string>(
  columns: readonly C[],
  { source, file }: { readonly source: string; readonly file: string },
  refuse: Refuse,
): CsvRow<C>[] {
  refuseLarge(source, file, refuse);
  let rows: { record: Readonly<Record<string, string>>; info: { lines: number } }[];
  try {
    const options = { columns: true, info: true, bom: true, skip_empty_lines: true, trim: true } as const;
    rows = parseCsv(source, options) as unknown as typeof rows;
  } catch (cause) {
    const { lines, message } = cause as { lines?: number; message: string };
    throw refuse({ file, line: lines ?? 1, expected: message }, cause);
  }
  const stray = Object.keys(rows[0]?.record ?? {}).find((one) => !columns.some((known) => known === one));
  if (stray !== undefined) throw refuse({ file, line: 1, at: stray, expected: columns.join(', ') });
  return rows.map(({ record, info }) => ({ cells: record as CsvRow<C>['cells'], line: info.lines }));
}
