/**
 * A part of the ledger as a bundle: what is one tenant's, or of it what concerns a product, a line, a release or some days, each entry with its inclusion
 * proof, and the entries that introduced the keys of the signers. What is left out cannot be told from a part; that what is
 * in it stands in the ledger can (docs/formats/evidence-bundle.md).
 */
import type { LedgerPart } from '@pawl/contract/management';
import { fromUtf8 } from '@pawl/core/bytes';
import { type NodeId, planInclusion, runPlan, type Statement, writeBundle } from '@pawl/core/evidence';
import { PartFilter } from '../domain/ledger-part.ts';
import { isFirstTenant } from '../store/access.ts';
import type { Db } from '../store/database.ts';
import { type LedgerRow, listLedger, readNode } from '../store/ledger.ts';
import { mustFindProduct } from './evidence/live.ts';
import { witnessedCheckpoint } from './ledger.ts';
import type { ServerPorts } from './ports.ts';

const PAGE = 500;

type Opened = { readonly statement: Statement; readonly keyId: string };

/** An entry of our own ledger, which was verified when it came in. */
function open({ envelope }: LedgerRow): Opened {
  const { payload, signatures } = JSON.parse(fromUtf8(envelope)) as {
    payload: string;
    signatures: readonly { keyid: string }[];
  };
  const statement = JSON.parse(Buffer.from(payload, 'base64').toString()) as Statement;
  return { statement, keyId: signatures[0]?.keyid ?? '' };
}

type Takes = (statement: Statement) => boolean;
type Whose = { readonly tenantId: number; readonly isFirst: boolean };

/** Nobody knows any more whose the oldest entries are: they go to who runs the server. */
const isOf = ({ tenantId }: LedgerRow, whose: Whose): boolean =>
  tenantId === whose.tenantId || (tenantId === null && whose.isFirst);

/** Indexes of the part of a tenant, with those of the entries that introduced its signers. */
async function indexesOf(db: Db, takes: Takes, whose: Whose, size: number): Promise<number[]> {
  const introducedAt = new Map<string, number>();
  const indexes = new Set<number>();
  for (let from = 0; from < size; from += PAGE) {
    for (const row of await listLedger(db, from, Math.min(PAGE, size - from))) {
      const { statement, keyId } = open(row);
      if (statement.predicate['publicKey'] !== undefined)
        introducedAt.set(statement.subject[0]?.digest.sha256 ?? '', row.index);
      if (!isOf(row, whose) || !takes(statement)) continue;
      indexes.add(row.index);
      const introduction = introducedAt.get(keyId);
      if (introduction !== undefined) indexes.add(introduction);
    }
  }
  return [...indexes].toSorted((a, b) => a - b);
}

/**
 * Writes a part of the ledger of one tenant as a bundle; with nothing asked for, all that is its own. `only` keeps to less.
 * @throws EvidenceVaultError PRODUCT_UNKNOWN
 */
export async function exportPart(
  ports: ServerPorts,
  tenantId: number,
  part: LedgerPart,
  only: (statement: Statement) => boolean = () => true,
): Promise<Uint8Array> {
  const { read } = ports.database;
  const line = part.product === undefined ? undefined : (await mustFindProduct(read, tenantId, part.product)).line;
  const whose = { tenantId, isFirst: await isFirstTenant(read, tenantId) };
  const { note, vkey, size } = await witnessedCheckpoint(read, ports);
  const known = new Map<string, Uint8Array | undefined>();
  const getNode = async ({ level, index }: NodeId): Promise<Uint8Array | undefined> => {
    const name = `${level}/${index}`;
    if (!known.has(name)) known.set(name, await readNode(read, level, index));
    return known.get(name);
  };
  const entries = [];
  const filter = new PartFilter(part, line);
  // The filter learns from every entry that it sees.
  const takes = (statement: Statement): boolean => filter.takes(statement) && only(statement);
  for (const index of await indexesOf(read, takes, whose, size)) {
    const [row] = await listLedger(read, index, 1);
    if (row === undefined) throw new TypeError('the ledger keeps its entries');
    entries.push({ index, envelope: row.envelope, hashes: await runPlan(planInclusion(index, size), getNode) });
  }
  return writeBundle({ kind: 'partial', checkpoint: note, vkey, entries });
}
