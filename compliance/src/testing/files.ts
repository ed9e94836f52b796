/**
 * Laboratories and results from files, as YAML (JSON is YAML too) or CSV, with faults that name their line. Results are held
 * against the plan that they are for: one by another edition, or of a requirement that was not planned, is refused where it
 * stands, and nothing of its file is taken.
 */
import { type Laboratory, laboratoriesSchema, type TestResult, testResultSchema } from '@pawl/contract/management';
import { z } from 'zod';
import { faultOf, type Refuse, readCsvRows, readYaml } from '../record/index.ts';
import { TestingError } from './errors.ts';

type File = { readonly source: string; readonly file: string };

const isCsv = ({ file }: File): boolean => file.toLowerCase().endsWith('.csv');
const listOf = (cell: string | undefined): string[] =>
  (cell ?? '')
    .split(';')
    .map((one) => one.trim())
    .filter((one) => one !== '');

/** Empty cells say nothing. */
const said = (record: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined && value !== ''));

const LABORATORY_COLUMNS = [
  'id',
  'name',
  'country',
  'capabilities',
  'editions',
  'leadTimeWeeks',
  'source',
  'verifiedOn',
  'notifiedLaw',
  'notifiedNumber',
  'notifiedSource',
  'notifiedVerifiedOn',
  'contact',
] as const;
type LaboratoryRow = Readonly<Partial<Record<(typeof LABORATORY_COLUMNS)[number], string>>>;

function laboratoryOf(row: LaboratoryRow): unknown {
  const { notifiedLaw, notifiedNumber, notifiedSource, notifiedVerifiedOn, ...rest } = row;
  const notified = said({
    law: notifiedLaw,
    number: notifiedNumber,
    source: notifiedSource,
    verifiedOn: notifiedVerifiedOn,
  });
  return {
    ...said(rest),
    capabilities: listOf(row.capabilities),
    editions: listOf(row.editions),
    leadTimeWeeks: /^\d{1,3}$/.test(row.leadTimeWeeks ?? '') ? Number(row.leadTimeWeeks) : row.leadTimeWeeks,
    ...(Object.keys(notified).length === 0 ? {} : { notifiedBody: notified }),
  };
}

const refuseLaboratories: Refuse = (fault, cause) => new TestingError('LABORATORIES_INVALID', fault, cause);

/** Row by row, so that a fault is that of its line. */
function readRows<C extends string, T>(
  columns: readonly C[],
  of: File,
  make: {
    readonly refuse: Refuse;
    readonly schema: z.ZodType<T[]>;
    readonly item: (row: Readonly<Partial<Record<C, string>>>) => unknown;
  },
): T[] {
  let known: unknown[] = [];
  let taken: T[] | undefined;
  for (const { cells, line } of readCsvRows(columns, of, make.refuse)) {
    known = [...(taken ?? []), make.item(cells)];
    const result = make.schema.safeParse(known);
    if (!result.success) {
      const { path, expected } = faultOf(result.error);
      throw make.refuse({ file: of.file, line, at: path.slice(1).map(String).join('.'), expected });
    }
    taken = result.data;
  }
  if (taken === undefined) throw make.refuse({ file: of.file, line: 1, expected: 'a row at least' });
  return taken;
}

/**
 * Reads a directory of laboratories from YAML (`laboratories:`) or CSV.
 * @throws TestingError LABORATORIES_INVALID with the line
 */
export function parseLaboratories(source: string, file: string): Laboratory[] {
  const of = { source, file };
  const make = { refuse: refuseLaboratories, schema: laboratoriesSchema, item: laboratoryOf };
  if (isCsv(of)) return readRows(LABORATORY_COLUMNS, of, make);
  return readYaml(z.strictObject({ laboratories: laboratoriesSchema }), of, refuseLaboratories).laboratories;
}

const RESULT_COLUMNS = ['requirement', 'verdict', 'reference', 'testedOn', 'issuer', 'edition', 'note'] as const;

/** What results are held against. */
export type Pinned = { readonly edition: string; readonly requirements: readonly string[] };

function resultsFor({ edition, requirements }: Pinned): z.ZodType<TestResult[]> {
  const known = new Set(requirements);
  const one = testResultSchema.superRefine((result, context) => {
    const issue = (at: string, message: string): void => context.addIssue({ code: 'custom', path: [at], message });
    if (result.edition !== edition) issue('edition', edition);
    if (!known.has(result.requirement)) issue('requirement', 'a requirement of the plan');
  });
  return z.array(one).min(1).max(2000);
}

const refuseResults: Refuse = (fault, cause) => {
  const isEdition = /(^|\.)edition$/.test(fault.at ?? '');
  return new TestingError(isEdition ? 'TEST_EDITION_OTHER' : 'TEST_RESULTS_INVALID', fault, cause);
};

/**
 * Reads results of a plan from JSON or YAML (`results:`) or CSV.
 * @throws TestingError TEST_RESULTS_INVALID, TEST_EDITION_OTHER with the line
 */
export function parseTestResults(source: string, file: string, plan: Pinned): TestResult[] {
  const of = { source, file };
  const schema = resultsFor(plan);
  if (isCsv(of)) return readRows(RESULT_COLUMNS, of, { refuse: refuseResults, schema, item: said });
  return readYaml(z.strictObject({ results: schema }), of, refuseResults).results;
}
