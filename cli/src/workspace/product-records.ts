/** The records that documents and matrix are made from: a product file, and bundles of the ledger, verified before they are used. */

import { createHash } from 'node:crypto';
import type { Records } from '@pawl/compliance/document';
import type { Product } from '@pawl/compliance/product';
import { fromUtf8 } from '@pawl/core/bytes';
import { type BundleReport, verifyBundle } from '@pawl/core/evidence';
import type { Io } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { connect } from './connection.ts';
import { inFolder, isPresent, readInput, readText } from './files.ts';
import { obtainLedgerKey, readLedgerKey } from './ledger-key.ts';
import { loadWorkspace, WORKSPACE_OPTION } from './workspace.ts';

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
  ...WORKSPACE_OPTION,
} as const;

type Given = {
  readonly product: string;
  readonly models: readonly string[];
  readonly bundle: readonly string[];
  readonly key: string | undefined;
  readonly on: string | undefined;
  readonly workspace: string | undefined;
};

const DAY = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;

function dayOf(io: Io, given: string | undefined): string {
  const day = given ?? io.now().toISOString().slice(0, 10);
  if (!DAY.test(day))
    throw new CliError('CLI_USAGE', { option: '--on', value: day, expected: 'a day such as 2027-12-11' });
  return day;
}

/** A word that is no file is the name of a product on the server. */
export async function isOnServer(
  io: Io,
  { product, bundle, models }: Pick<Given, 'product' | 'bundle' | 'models'>,
): Promise<boolean> {
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(product) || bundle.length > 0 || models.length > 0) return false;
  return !(await isPresent(inFolder(io.cwd, product)));
}

type Sources = { readonly product: Product; readonly reports: readonly BundleReport[] };

async function readFiles(io: Io, given: Given): Promise<Sources> {
  const { addModelsCsv, parseProductYaml } = await import('@pawl/compliance/product');
  let product = parseProductYaml(await readText(inFolder(io.cwd, given.product)), given.product);
  for (const file of given.models) product = addModelsCsv(product, await readText(inFolder(io.cwd, file)), file);
  if (given.bundle.length > 0 && given.key === undefined) throw new CliError('CLI_USAGE', { missing: '--key' });
  const reports: BundleReport[] = [];
  for (const file of given.bundle) {
    const vkey = await readLedgerKey(io, given.key ?? '');
    reports.push(verifyBundle(await readInput(inFolder(io.cwd, file)), { vkey }));
  }
  return { product, reports };
}

/**
 * A product that the server knows by its name, with all of the ledger that is the tenant's own. Nothing of it is believed: the
 * entries are verified here, and the record must be the one whose digest the newest statement about the product names.
 */
async function readServer(io: Io, given: Given): Promise<Sources> {
  const { parseProductRecord } = await import('@pawl/compliance/product');
  const workspace = await loadWorkspace(io, given.workspace);
  const client = await connect(workspace);
  const vkey = await obtainLedgerKey(io, workspace, { client, given: given.key });
  const record = await client.call('exportProduct', { params: { product: given.product }, query: {} });
  const report = verifyBundle(await client.call('exportBundle', { query: {} }), { vkey });
  const said = report.entries.findLast(
    ({ predicateType, predicate }) =>
      predicateType === 'urn:pawl:product:1' && predicate['product'] === given.product && predicate['act'] === 'put',
  );
  const sha256 = createHash('sha256').update(record).digest('hex');
  if (said?.subject[0]?.digest.sha256 !== sha256)
    throw new CliError('CLI_ANSWER_MISMATCH', { product: given.product, actual: sha256 });
  return { product: parseProductRecord(fromUtf8(record)), reports: [report] };
}

/**
 * Reads a product and what is proven of it: from files, or, for a product that the server knows by name, from its ledger.
 * @throws CliError, ProductError, EvidenceError
 */
export async function readProductRecords(io: Io, given: Given): Promise<Records> {
  const { product, reports } = await ((await isOnServer(io, given)) ? readServer(io, given) : readFiles(io, given));
  const { loadCatalogues } = await import('@pawl/compliance/catalogue');
  const { recordsOf } = await import('@pawl/compliance/document');
  const { Evidence } = await import('@pawl/compliance/evidence');
  const { waiversOfEntries } = await import('@pawl/compliance/gap');
  const evidence = reports.flatMap((report) => Evidence.fromBundle(report, product));
  const waivers = reports.flatMap(({ entries }) => waiversOfEntries(entries, product.product));
  return recordsOf({ library: loadCatalogues(), product, evidence, waivers, on: dayOf(io, given.on) });
}
