/** What a share shows of its product: records as they stand, documents that were shared, what was disclosed, and the bundle. */
import { type OperatorModel, operatorModels } from '@pawl/compliance/operator';
import type { Product } from '@pawl/compliance/product';
import type { EvidenceRecord } from '@pawl/contract/management';
import { sharesStatement } from '../../domain/share-scope.ts';
import { findEvidence } from '../../store/evidence.ts';
import { settleLedger } from '../../store/ledger.ts';
import type { ShareTable } from '../../store/schema/index.ts';
import { queryCases } from '../../store/vulnerabilities.ts';
import { liveRecords } from '../evidence/live.ts';
import { evidenceView } from '../evidence/vault.ts';
import { checkpointOf } from '../ledger.ts';
import { exportPart } from '../ledger-part.ts';
import type { ServerPorts } from '../ports.ts';
import { factsOf } from '../vulnerability/case.ts';
import { SupplyError } from './errors.ts';
import { scopeOf } from './share.ts';

const ADVISORIES_MAX = 200;

export type Advisory = { readonly title: string; readonly cve: string | null; readonly fixedIn: readonly string[] };

export type ShareSheet = {
  readonly product: Product;
  readonly version: number;
  readonly on: string;
  readonly models: readonly OperatorModel[];
  readonly documents: readonly EvidenceRecord[];
  readonly advisories: readonly Advisory[];
  readonly vkey: string;
  readonly ledgerSize: number;
};

async function documentsOf({ database }: ServerPorts, row: ShareTable): Promise<EvidenceRecord[]> {
  const found: EvidenceRecord[] = [];
  for (const id of scopeOf(row).documents) {
    const one = await findEvidence(database.read, row.tenant_id, id);
    if (one !== undefined && one.product === row.product) found.push(evidenceView(one));
  }
  return found;
}

/** Cases that everybody may know, about releases of the product's line. */
async function advisoriesOf({ database }: ServerPorts, row: ShareTable, line: string): Promise<Advisory[]> {
  const query = { tenantId: row.tenant_id, state: 'disclosed', beforeId: undefined, limit: ADVISORIES_MAX } as const;
  return (await queryCases(database.read, query)).flatMap((one): Advisory[] => {
    const { title, cve, fixedIn, standings } = factsOf(one);
    const isOurs = [...fixedIn, ...standings].some((release) => release.line === line);
    const fixed = fixedIn.filter((release) => release.line === line).map(({ version }) => version);
    return isOurs ? [{ title, cve, fixedIn: fixed }] : [];
  });
}

/** @throws EvidenceVaultError PRODUCT_UNKNOWN */
export async function shareSheet(ports: ServerPorts, row: ShareTable): Promise<ShareSheet> {
  const { product, version, on, cells, ledgerSize } = await liveRecords(ports, row.tenant_id, { product: row.product });
  const { vkey } = await checkpointOf(ports.database.read, ports);
  return {
    product,
    version,
    on,
    models: operatorModels({ product, cells, on }, row.role),
    documents: await documentsOf(ports, row),
    advisories: await advisoriesOf(ports, row, product.line),
    vkey,
    ledgerSize,
  };
}

/** What of the ledger the share lets out, as a bundle that proves itself. */
export async function shareBundle(ports: ServerPorts, row: ShareTable): Promise<Uint8Array> {
  const scope = scopeOf(row);
  await settleLedger(ports.database);
  return await exportPart(ports, row.tenant_id, { product: row.product }, (one) => sharesStatement(scope, one));
}

/**
 * A document that was shared, with its bytes.
 * @throws SupplyError SHARE_DOCUMENT_UNKNOWN
 */
export async function shareDocument(
  ports: ServerPorts,
  row: ShareTable,
  id: number,
): Promise<{ readonly name: string; readonly bytes: Uint8Array }> {
  const found = (await documentsOf(ports, row)).find((one) => one.id === id);
  if (found === undefined) throw new SupplyError('SHARE_DOCUMENT_UNKNOWN', { id });
  return { name: found.file.name, bytes: await ports.blobs.readVerified(found.file.sha256) };
}
