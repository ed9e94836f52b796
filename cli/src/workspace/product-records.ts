/** The records that documents and matrix are made from: a product file, and bundles of the ledger, verified before they are used. */

import type { Records } from '@pawl/compliance/document';
import type { Evidence as EvidenceOf } from '@pawl/compliance/evidence';
import type { Waiver } from '@pawl/compliance/gap';
import { verifyBundle } from '@pawl/core/evidence';
import type { Io } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { inFolder, readInput, readText } from './files.ts';
import { readLedgerKey } from './ledger-key.ts';

export const PRODUCT_OPTIONS = {
  product: {
    type: 'string',
    value: 'FILE',
    summary: 'the product: a YAML file, or its name on the server',
    required: true,
  },
  models: { type: 'string', value: 'FILE', summary: 'more models of it, as CSV', multiple: true },
  bundle: { type: 'string', value: 'FILE', summary: 'evidence: a bundle of the ledger', multiple: true },
  key: { type: 'string', value: 'VKEY', summary: 'verification key of the ledger, as text or in a file' },
  on: { type: 'string', value: 'DAY', summary: 'the day that is looked at (else today)' },
} as const;

type Given = {
  readonly product: string;
  readonly models: readonly string[];
  readonly bundle: readonly string[];
  readonly key: string | undefined;
  readonly on: string | undefined;
};

const DAY = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;

function dayOf(io: Io, given: string | undefined): string {
  const day = given ?? io.now().toISOString().slice(0, 10);
  if (!DAY.test(day))
    throw new CliError('CLI_USAGE', { option: '--on', value: day, expected: 'a day such as 2027-12-11' });
  return day;
}

/**
 * Reads a product and what the bundles prove of it.
 * @throws CliError, ProductError, EvidenceError
 */
export async function readProductRecords(io: Io, given: Given): Promise<Records> {
  const { loadCatalogues } = await import('@pawl/compliance/catalogue');
  const { recordsOf } = await import('@pawl/compliance/document');
  const { Evidence } = await import('@pawl/compliance/evidence');
  const { addModelsCsv, parseProductYaml } = await import('@pawl/compliance/product');
  let product = parseProductYaml(await readText(inFolder(io.cwd, given.product)), given.product);
  for (const file of given.models) product = addModelsCsv(product, await readText(inFolder(io.cwd, file)), file);
  if (given.bundle.length > 0 && given.key === undefined) throw new CliError('CLI_USAGE', { missing: '--key' });
  const { waiversOfEntries } = await import('@pawl/compliance/gap');
  const evidence: EvidenceOf[] = [];
  const waivers: Waiver[] = [];
  for (const file of given.bundle) {
    const vkey = await readLedgerKey(io, given.key ?? '');
    const report = verifyBundle(await readInput(inFolder(io.cwd, file)), { vkey });
    evidence.push(...Evidence.fromBundle(report, product));
    waivers.push(...waiversOfEntries(report.entries, product.product));
  }
  return recordsOf({ library: loadCatalogues(), product, evidence, waivers, on: dayOf(io, given.on) });
}
