/**
 * Products from YAML (a whole product) and models from CSV (one a row). Every error names the line, because people correct
 * these files by hand. Nothing is taken from a file that has a fault.
 */
import { parse as parseCsv } from 'csv-parse/sync';
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { z } from 'zod';
import { ProductError } from './errors.ts';
import { type Product, product } from './product.ts';

const FILE_CHARS_MAX = 1_000_000;

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
function faultOf(error: z.ZodError): { path: readonly PropertyKey[]; expected: string } {
  const issue = error.issues[0];
  return { path: issue?.path ?? [], expected: issue?.message ?? 'a product' };
}

/**
 * Reads a product from YAML 1.2 (JSON is YAML too). Aliases and tags have no place in it.
 * @throws ProductError PRODUCT_INVALID with the line
 */
export function parseProductYaml(source: string, file: string): Product {
  if (source.length > FILE_CHARS_MAX)
    throw new ProductError('PRODUCT_INVALID', { file, expected: `at most ${FILE_CHARS_MAX} characters` });
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, schema: 'core', uniqueKeys: true, strict: true });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) {
    const [at] = fault.pos;
    const expected = fault.message.split('\n', 1)[0] ?? 'YAML';
    throw new ProductError('PRODUCT_INVALID', { file, line: lines.linePos(at).line, expected }, fault);
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    throw new ProductError('PRODUCT_INVALID', { file, expected: 'no aliases' }, cause);
  }
  const result = product.safeParse(value);
  if (result.success) return result.data;
  const { path, expected } = faultOf(result.error);
  const offset = nodeAt(document.contents, path)?.range?.[0] ?? 0;
  throw new ProductError('PRODUCT_INVALID', {
    file,
    line: lines.linePos(offset).line,
    at: path.map(String).join('.'),
    expected,
  });
}

/** Columns of the CSV of models; several values of a cell stand apart by `;`. */
const CSV_COLUMNS = [
  'id',
  'name',
  'variantOf',
  'brand',
  'revision',
  'soc',
  'core',
  'tee',
  'secureElement',
  'fuses',
  'debug',
  'markets',
  'radios',
  'uses',
  'updateProtocol',
  'bootChain',
  'craClass',
  'craClassReason',
] as const;
type Row = Readonly<Partial<Record<(typeof CSV_COLUMNS)[number], string>>>;

function listOf(cell: string | undefined): string[] {
  return (cell ?? '')
    .split(';')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}

/** `EU from 2026-01-01 until 2030-01-01` */
function marketOf(cell: string): unknown {
  const [market, , from, , until] = cell.split(/\s+/);
  return { market, from, ...(until === undefined ? {} : { until }) };
}

/** `application by bootloader: signature` */
function stageOf(cell: string): unknown {
  const [, stage, verifier, level] = /^(.+?) by (.+?): (\S+)$/.exec(cell) ?? [];
  return { stage, verifier, level };
}

function modelOf(row: Row): unknown {
  const { revision, soc, core, tee, secureElement, fuses, debug } = row;
  const optional = Object.fromEntries(
    (['variantOf', 'brand'] as const).flatMap((key) => ((row[key] ?? '') === '' ? [] : [[key, row[key]]])),
  );
  return {
    id: row.id,
    name: row.name,
    ...optional,
    hardware: [{ revision, soc, core, tee, secureElement, fuses, debug }],
    markets: listOf(row.markets).map(marketOf),
    radios: listOf(row.radios),
    uses: listOf(row.uses),
    updateProtocol: row.updateProtocol,
    bootChain: listOf(row.bootChain).map(stageOf),
    craClass: row.craClass,
    craClassReason: row.craClassReason,
  };
}

type CsvRecord = { readonly record: Row; readonly info: { readonly lines: number } };

function readCsv(source: string, file: string): CsvRecord[] {
  try {
    return parseCsv(source, {
      columns: true,
      info: true,
      bom: true,
      skip_empty_lines: true,
      trim: true,
    }) as CsvRecord[];
  } catch (cause) {
    const { lines, message } = cause as { lines?: number; message: string };
    throw new ProductError('PRODUCT_INVALID', { file, line: lines ?? 1, expected: message }, cause);
  }
}

/**
 * Adds the models of a CSV file (RFC 4180, with a header of exactly the known columns) to a product.
 * @throws ProductError PRODUCT_INVALID with the line
 */
export function addModelsCsv(to: Product, source: string, file: string): Product {
  if (source.length > FILE_CHARS_MAX)
    throw new ProductError('PRODUCT_INVALID', { file, expected: `at most ${FILE_CHARS_MAX} characters` });
  const rows = readCsv(source, file);
  const stray = Object.keys(rows[0]?.record ?? {}).find((name) => !(CSV_COLUMNS as readonly string[]).includes(name));
  if (stray !== undefined)
    throw new ProductError('PRODUCT_INVALID', { file, line: 1, at: stray, expected: CSV_COLUMNS.join(', ') });
  let known = to;
  for (const { record, info } of rows) {
    const result = product.safeParse({ ...known, models: [...known.models, modelOf(record)] });
    if (!result.success) {
      const { path, expected } = faultOf(result.error);
      const at = path.slice(2).map(String).join('.');
      throw new ProductError('PRODUCT_INVALID', { file, line: info.lines, at, expected });
    }
    known = result.data;
  }
  return known;
}
