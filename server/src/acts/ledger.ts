/** Reading the ledger: checkpoints signed on demand, proofs, and the bundle that proves itself offline. */
import { toHex } from '@pawl/core/bytes';
import { encodeVkey, planInclusion, signCheckpoint, withSignatures, writeBundle } from '@pawl/core/evidence';
import { isFirstTenant } from '../store/access.ts';
import type { Db } from '../store/database.ts';
import { combinePlan, ledgerRoot, ledgerSize, listLedger } from '../store/ledger.ts';
import { currentTrustFile } from '../store/trust-files.ts';
import { cosignaturesAt, newestCosigned } from '../store/witnesses.ts';
import { ServerError } from './errors.ts';
import type { ServerPorts } from './ports.ts';

/** Whose entries a tenant reads: all of them who runs the server (it has the disk), any other tenant its own. */
export async function readableBy(db: Db, tenantId: number): Promise<number | undefined> {
  return (await isFirstTenant(db, tenantId)) ? undefined : tenantId;
}

export type CheckpointView = {
  readonly note: string;
  readonly vkey: string;
  readonly size: number;
  readonly rootHash: string;
};

/** The checkpoint of the first `size` entries, of all entries when left out, with the cosignatures that there are. */
export async function checkpointOf(db: Db, ports: ServerPorts, size?: number): Promise<CheckpointView> {
  const count = size ?? (await ledgerSize(db));
  const root = await ledgerRoot(db, count);
  const { ledgerOrigin: origin, keys } = ports;
  const note = await signCheckpoint({ origin, size: count, root }, origin, keys.ledger);
  return {
    note: withSignatures(note, await cosignaturesAt(db, count)),
    vkey: encodeVkey(origin, keys.ledger.publicKey),
    size: count,
    rootHash: toHex(root),
  };
}

/**
 * A checkpoint of all that is in the ledger now, cosigned by the witnesses that could be asked in a moment. On a busy ledger
 * that may be one that holds a little more.
 */
export async function witnessedCheckpoint(db: Db, ports: ServerPorts): Promise<CheckpointView> {
  const { witnesses } = ports;
  if (witnesses === undefined || witnesses.addresses.length === 0) return await checkpointOf(db, ports);
  const size = await ledgerSize(db);
  await witnesses.catchUp(ports);
  return await checkpointOf(db, ports, await newestCosigned(db, size));
}

/** @throws ServerError LEDGER_ENTRY_UNKNOWN, also for an entry that the tenant does not read */
export async function proofOf(
  db: Db,
  ports: ServerPorts,
  { index, tenantId }: { readonly index: number; readonly tenantId: number },
): Promise<{ index: number; size: number; hashes: string[]; note: string }> {
  const { note, size } = await witnessedCheckpoint(db, ports);
  const [entry] = await listLedger(db, index, 1, await readableBy(db, tenantId));
  if (entry?.index !== index || index >= size) throw new ServerError('LEDGER_ENTRY_UNKNOWN', { index, size });
  const hashes = await combinePlan(db, planInclusion(index, size));
  return { index, size, hashes: hashes.map(toHex), note };
}

const PAGE = 500;

/** The whole ledger as a bundle; for who runs the server (`exportPart` is for the others). */
export async function exportLedger(db: Db, ports: ServerPorts, tenantId: number): Promise<Uint8Array> {
  const { note, vkey, size } = await witnessedCheckpoint(db, ports);
  const entries: Uint8Array[] = [];
  while (entries.length < size) {
    const rows = await listLedger(db, entries.length, Math.min(PAGE, size - entries.length));
    if (rows.length === 0) throw new ServerError('LEDGER_ENTRY_UNKNOWN', { index: entries.length, size });
    for (const row of rows) entries.push(row.envelope);
  }
  const root = await currentTrustFile(db, tenantId, 'root');
  const trustRoot = root === undefined ? {} : { trustRoot: root.bytes };
  return writeBundle({ kind: 'complete', checkpoint: note, vkey, entries, ...trustRoot });
}
