/**
 * What the ledger of this server shows about a product, as it stands. Its entries were verified when they came in, and are
 * read here without being verified again; whoever does not trust the server verifies a bundle (`pawl gap show --bundle`).
 */
import { Evidence } from '@pawl/compliance/evidence';
import { type Cell, gapMatrix, type Waiver } from '@pawl/compliance/gap';
import { type Product, parseProductRecord } from '@pawl/compliance/product';
import type { Db } from '../../store/database.ts';
import { ledgerSize, settleLedger } from '../../store/ledger.ts';
import { findProduct, listWaivers } from '../../store/products.ts';
import type { ProductTable } from '../../store/schema/index.ts';
import type { ServerPorts } from '../ports.ts';
import { EvidenceVaultError } from './errors.ts';
import { catalogues } from './library.ts';
import { entriesOfLine } from './line-evidence.ts';

async function waiversOf(db: Db, tenantId: number, product: string): Promise<Waiver[]> {
  const rows = await listWaivers(db, tenantId, product);
  return rows
    .filter(({ state }) => state === 'approved')
    .map(({ requirement, model, reason, decided_by, decided_ms }) => ({
      reference: requirement,
      model,
      reason,
      approver: decided_by ?? '',
      decidedOn: new Date(decided_ms ?? 0).toISOString().slice(0, 10),
    }));
}

/** @throws EvidenceVaultError PRODUCT_UNKNOWN */
export async function mustFindProduct(
  db: Db,
  tenantId: number,
  product: string,
  version?: number,
): Promise<ProductTable> {
  const row = await findProduct(db, tenantId, product, version);
  if (row === undefined) throw new EvidenceVaultError('PRODUCT_UNKNOWN', { product, version });
  return row;
}

export type LiveRecords = {
  readonly product: Product;
  readonly version: number;
  readonly evidence: readonly Evidence[];
  readonly waivers: readonly Waiver[];
  readonly cells: readonly Cell[];
  readonly on: string;
  readonly ledgerSize: number;
};

/**
 * A product with all that the ledger shows about it, and its matrix of a day.
 * @throws EvidenceVaultError PRODUCT_UNKNOWN
 */
export async function liveRecords(
  ports: ServerPorts,
  tenantId: number,
  of: { readonly product: string; readonly on?: string | undefined },
): Promise<LiveRecords> {
  await settleLedger(ports.database);
  const { read } = ports.database;
  const row = await mustFindProduct(read, tenantId, of.product);
  const product = parseProductRecord(row.record);
  const on = of.on ?? ports.now().toISOString().slice(0, 10);
  const size = await ledgerSize(read);
  const entries = await entriesOfLine(ports.database, tenantId, product.line);
  const evidence = Evidence.fromBundle({ origin: ports.ledgerOrigin, entries }, product);
  const waivers = await waiversOf(read, tenantId, product.product);
  const cells = gapMatrix({ library: catalogues(), product, evidence, waivers, on });
  return { product, version: row.version, evidence, waivers, cells, on, ledgerSize: size };
}
