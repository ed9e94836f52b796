/**
 * The end of objects that nobody needs. In two steps, so that nothing is deleted that was asked for in between: an object is
 * marked, stays for a grace period, and is looked at again in the transaction that decides its end. From that transaction on
 * no artifact counts as uploaded with these bytes; then the object is deleted, then the row. Each step may be repeated, by
 * any process: a crash leaves a mark, or a deletion that another one takes over when the first has had ample time.
 *
 * Who begins an upload makes its release fresh in the same transaction in which it looks at the row. So nothing that is being
 * uploaded is ever decided on, and nothing is uploaded while it is being deleted.
 */
import { graceEnd, isEvidenceKept, isKeptByUse, keptByDates, type RetentionRules } from '../domain/retention.ts';
import type { Db, Trx } from '../store/database.ts';
import {
  beginDelete,
  endDelete,
  findDoomed,
  markObject,
  releasesOfObject,
  unmarkObjects,
  useOfRelease,
} from '../store/doomed-objects.ts';
import { evidenceOfObject, touchEvidenceFile } from '../store/evidence.ts';
import { listArtifacts, touchRelease } from '../store/releases.ts';
import { ServerError } from './errors.ts';
import type { ServerPorts } from './ports.ts';

/** A request that deletes ends long before this. */
export const TAKE_OVER_MS = 3_600_000;

type Ports = Pick<ServerPorts, 'database' | 'blobs' | 'now'>;

async function isNeeded(db: Db, sha256: string, nowMs: number, rules: RetentionRules): Promise<boolean> {
  if (isEvidenceKept(await evidenceOfObject(db, sha256), nowMs, rules)) return true;
  for (const release of await releasesOfObject(db, sha256)) {
    const verdict = keptByDates(release, nowMs, rules);
    if (verdict === 'keep') return true;
    if (verdict === 'look' && isKeptByUse(await useOfRelease(db, release.id), nowMs, rules)) return true;
  }
  return false;
}

/** Marks an object that nobody needs. */
export async function markUnneeded(ports: Ports, sha256: string, rules: RetentionRules): Promise<void> {
  const nowMs = ports.now().getTime();
  const { read } = ports.database;
  if ((await findDoomed(read, sha256)) !== undefined || (await isNeeded(read, sha256, nowMs, rules))) return;
  // Whoever needs it from now on takes the mark away, or is seen when its end is decided.
  await ports.database.write((trx) => markObject(trx, sha256, nowMs));
}

/** Decides the end of an object; the time is this process's claim to delete it. */
export function decideEnd(ports: Ports, sha256: string, rules: RetentionRules): Promise<number | undefined> {
  return ports.database.write(async (trx) => {
    const nowMs = ports.now().getTime();
    const doomed = await findDoomed(trx, sha256);
    if (doomed === undefined) return undefined;
    const isDue = doomed.since_ms <= (doomed.state === 'marked' ? graceEnd(nowMs, rules) : nowMs - TAKE_OVER_MS);
    if (!isDue) return undefined;
    if (doomed.state === 'marked' && (await isNeeded(trx, sha256, nowMs, rules))) {
      await unmarkObjects(trx, [sha256]);
      return undefined;
    }
    await beginDelete(trx, sha256, nowMs);
    return nowMs;
  });
}

/** Deletes what was decided on; true when it is gone. */
export async function carryOut(ports: Ports, sha256: string, sinceMs: number): Promise<boolean> {
  // A process that slept this long may have been given up, and the object may be back.
  if (ports.now().getTime() > sinceMs + TAKE_OVER_MS / 2) return false;
  await ports.blobs.delete(sha256);
  await ports.database.write((trx) => endDelete(trx, sha256, sinceMs));
  return true;
}

async function refuseLeaving(trx: Trx, sha256: string): Promise<void> {
  await unmarkObjects(trx, [sha256]);
  if ((await findDoomed(trx, sha256)) !== undefined) throw new ServerError('OBJECT_LEAVING', { sha256 });
}

/** @throws ServerError OBJECT_LEAVING */
export async function keepForUpload(
  trx: Trx,
  { releaseId, sha256, nowMs }: { readonly releaseId: number; readonly sha256: string; readonly nowMs: number },
): Promise<void> {
  await refuseLeaving(trx, sha256);
  await touchRelease(trx, releaseId, nowMs);
}

/** @throws ServerError OBJECT_LEAVING */
export async function keepForEvidence(
  trx: Trx,
  file: { readonly tenantId: number; readonly sha256: string; readonly sizeBytes: number; readonly nowMs: number },
): Promise<void> {
  await refuseLeaving(trx, file.sha256);
  await touchEvidenceFile(trx, file, file);
}

/**
 * Devices are offered only what they can get.
 * @throws ServerError RELEASE_EXPIRED
 */
export async function refuseExpired(trx: Trx, releaseId: number): Promise<void> {
  const gone = (await listArtifacts(trx, releaseId)).find(({ uploaded_ms }) => uploaded_ms === null);
  if (gone !== undefined) throw new ServerError('RELEASE_EXPIRED', { releaseId, name: gone.name });
}
