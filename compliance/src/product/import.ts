/**
 * Products from YAML (a whole product) and models from CSV (one a row). Every error names the line, because people correct
 * these files by hand. Nothing is taken from a file that has a fault.
 */
import { faultOf, type Refuse, readCsvRows, readYaml } from '../record/index.ts';
import { ProductError } from './errors.ts';
import { type Product, product } from './product.ts';

const refuse: Refuse = (fault, cause) => new ProductError('PRODUCT_INVALID', fault, cause);

/**
 * Reads a product from YAML 1.2 (JSON is YAML too). Aliases and tags have no place in it.
 * @throws ProductError PRODUCT_INVALID with the line
 */
export function parseProductYaml(source: string, file: string): Product {
  return readYaml(product, { source, file }, refuse);
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

/**
 * Adds the models of a CSV file (RFC 4180, with a header of exactly the known columns) to a product.
 * @throws ProductError PRODUCT_INVALID with the line
 */
export function addModelsCsv(to: Product, source: string, file: string): Product {
  let known = to;
  for (const { cells, line } of readCsvRows(CSV_COLUMNS, { source, file }, refuse)) {
    const result = product.safeParse({ ...known, models: [...known.models, modelOf(cells)] });
    if (!result.success) {
      const { path, expected } = faultOf(result.error);
      throw refuse({ file, line, at: path.slice(2).map(String).join('.'), expected });
    }
    known = result.data;
  }
  return known;
}
