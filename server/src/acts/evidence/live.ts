/**
 * What the ledger of this server shows about a product, as it stands. Its entries were verified when they came in, and are
 * read here without being verified again; whoever does not trust the server verifies a bundle (`pawl gap show --bundle`).
 *
 * Reads every report of the line once, page by page, and keeps of those that say the same of the same model on the same day
 * the last one. Statements about other tenants are left out: a device by its key, a document by the tenant that it names.
 */
import { Evidence } from '@pawl/compliance/evidence';
import { type Cell, gapMatrix, type Waiver } from '@pawl/compliance/gap';
import { type Product, parseProductRecord } from '@pawl/compliance/product';
import { fromUtf8 } from '@pawl/core/bytes';
import { type BundleEntry, isPredicateType, type PredicateType, type Statement } from '@pawl/core/evidence';
import { tenantName } from '../../store/access.ts';
import type { Db } from '../../store/database.ts';
import { type LedgerRow, ledgerSize, settleLedger } from '../../store/ledger.ts';
import { devicesOfLine, entriesOfTypes, releaseNamesOfLine } from '../../store/ledger-evidence.ts';
import { findProduct, listWaivers } from '../../store/products.ts';
import type { ProductTable } from '../../store/schema/index.ts';
import type { ServerPorts } from '../ports.ts';
import { EvidenceVaultError } from './errors.ts';
import { catalogues } from './library.ts';

const TYPES: readonly PredicateType[] = [
  'urn:pawl:device-enrolled:1',
  'urn:pawl:device-report:1',
  'urn:pawl:attestation-verdict:1',
  'urn:pawl:release:1',
  'urn:pawl:rollout:1',
  'urn:pawl:key-registered:1',
  'urn:pawl:evidence:1',
  'urn:pawl:product:1',
  'urn:pawl:sbom:1',
  'urn:pawl:vulnerability:1',
  'urn:pawl:incident-report:1',
  'urn:pawl:disclosure-policy:1',
  'urn:pawl:inquiry:1',
  'urn:pawl:supplier-answer:1',
  'urn:pawl:test-result:1',
];
const PAGE = 500;

function entryOf({ index, envelope, predicateType }: LedgerRow): BundleEntry {
  const { payload, signatures } = JSON.parse(fromUtf8(envelope)) as {
    payload: string;
    signatures: readonly { keyid: string }[];
  };
  const statement = JSON.parse(Buffer.from(payload, 'base64').toString()) as Statement;
  if (!isPredicateType(predicateType)) throw new TypeError('the ledger holds known statements only');
  const kind = predicateType === 'urn:pawl:device-report:1' ? 'device' : 'ledger';
  const { subject, predicate } = statement;
  return { index, predicateType, subject, predicate, signer: { keyId: signatures[0]?.keyid ?? '', kind } };
}

type Ours = {
  readonly tenant: string;
  /** Subject of a device -> its key. */
  readonly devices: ReadonlyMap<string, string>;
  readonly releases: ReadonlySet<string>;
};

type Belongs = (entry: BundleEntry, ours: Ours) => boolean;

const ofDevice: Belongs = ({ subject: [about] }, { devices }) =>
  about !== undefined && devices.get(about.name) === about.digest.sha256;
const ofTenant: Belongs = ({ predicate }, { tenant }) => predicate['tenant'] === tenant;
const ofRelease: Belongs = ({ subject }, { releases }) => releases.has(subject[0]?.name ?? '');

/** Statements of other kinds name a line and no tenant. */
const BELONGS: Readonly<Partial<Record<PredicateType, Belongs>>> = {
  'urn:pawl:device-enrolled:1': ofDevice,
  'urn:pawl:attestation-verdict:1': ofDevice,
  'urn:pawl:device-report:1': ({ subject, signer }, { devices }) =>
    devices.get(subject[0]?.name ?? '') === signer.keyId,
  'urn:pawl:release:1': ofRelease,
  'urn:pawl:rollout:1': ofRelease,
  'urn:pawl:evidence:1': ofTenant,
  'urn:pawl:product:1': ofTenant,
  'urn:pawl:vulnerability:1': ofTenant,
  'urn:pawl:incident-report:1': ofTenant,
  'urn:pawl:disclosure-policy:1': ofTenant,
  'urn:pawl:sbom:1': ({ subject }, { releases }) =>
    releases.has((subject[0]?.name ?? '').replace(/^sbom\//, 'release/')),
  'urn:pawl:inquiry:1': ofTenant,
  'urn:pawl:supplier-answer:1': ofTenant,
  'urn:pawl:test-result:1': ofTenant,
};

/** Of these there are as many as devices. */
const DEVICES_SAY: ReadonlySet<PredicateType> = new Set<PredicateType>([
  'urn:pawl:device-report:1',
  'urn:pawl:attestation-verdict:1',
]);

/** What makes a report say the same as another one. */
function sameness(
  { index, predicateType, subject, predicate }: BundleEntry,
  models: ReadonlyMap<string, unknown>,
): string {
  if (!DEVICES_SAY.has(predicateType)) return `entry ${index}`;
  const { state = predicate['verdict'], version, code = predicate['reasons'], at } = predicate;
  const day = typeof at === 'string' ? at.slice(0, 10) : '';
  return JSON.stringify([predicateType, models.get(subject[0]?.name ?? ''), state, version, code, day]);
}

async function entriesOfLine(db: Db, tenantId: number, line: string): Promise<BundleEntry[]> {
  const devices = await devicesOfLine(db, tenantId, line);
  const ours: Ours = {
    tenant: await tenantName(db, tenantId),
    devices: new Map(devices.map(({ controller_id, key_id }) => [`device/${controller_id}`, key_id])),
    releases: new Set(await releaseNamesOfLine(db, tenantId, line)),
  };
  const models = new Map<string, unknown>();
  const kept = new Map<string, BundleEntry>();
  for (let from = 0, isMore = true; isMore; ) {
    const rows = await entriesOfTypes(db, TYPES, { tenantId, from, limit: PAGE });
    for (const entry of rows.map(entryOf)) {
      if (BELONGS[entry.predicateType]?.(entry, ours) === false) continue;
      if (entry.predicateType === 'urn:pawl:device-enrolled:1')
        models.set(entry.subject[0]?.name ?? '', entry.predicate['model']);
      kept.set(sameness(entry, models), entry);
    }
    from = (rows.at(-1)?.index ?? 0) + 1;
    isMore = rows.length === PAGE;
  }
  return [...kept.values()].toSorted((a, b) => a.index - b.index);
}

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
  const entries = await entriesOfLine(read, tenantId, product.line);
  const evidence = Evidence.fromBundle({ origin: ports.ledgerOrigin, entries }, product);
  const waivers = await waiversOf(read, tenantId, product.product);
  const cells = gapMatrix({ library: catalogues(), product, evidence, waivers, on });
  return { product, version: row.version, evidence, waivers, cells, on, ledgerSize: size };
}
