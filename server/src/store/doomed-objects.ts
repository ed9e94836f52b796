/**
 * Objects on their way out of the store. `marked`: nobody needed it when it was looked at; anybody who needs it takes the mark
 * away. `deleting`: it is being deleted by the process that wrote `since_ms`, and nobody may rely on it before the row is gone.
 */
import type { ReleaseDates, ReleaseUse } from '../domain/retention.ts';
import type { Db, Trx } from './database.ts';

export type ReleaseOfObject = ReleaseDates & { readonly id: number };
export type DoomedObject = {
  readonly sha256: string;
  readonly state: 'marked' | 'deleting';
  readonly since_ms: number;
};

/** The releases of all tenants that name an object. */
export async function releasesOfObject(db: Db, sha256: string): Promise<ReleaseOfObject[]> {
  const rows = await db
    .selectFrom('artifact')
    .innerJoin('release', 'release.id', 'artifact.release_id')
    .select(['release.id', 'release.state', 'release.published_ms', 'release.changed_ms'])
    .where('artifact.sha256', '=', sha256)
    .distinct()
    .execute();
  return rows.map(({ id, state, published_ms, changed_ms }) => {
    return { id, state, publishedMs: published_ms, changedMs: changed_ms };
  });
}

/** Reads every assignment: asked about releases that are old enough to go, which are few. */
export async function useOfRelease(db: Db, releaseId: number): Promise<ReleaseUse> {
  const planned = await db
    .selectFrom('rollout')
    .select('id')
    .where('release_id', '=', releaseId)
    .where('state', 'not in', ['stopped', 'finished'])
    .limit(1)
    .executeTakeFirst();
  const assigned = await db
    .selectFrom('assignment')
    .select(({ fn }) => [fn.max('created_ms').as('last_ms'), fn.count('active').as('active')])
    .where('release_id', '=', releaseId)
    .executeTakeFirst();
  const installed = await db
    .selectFrom('device')
    .innerJoin('assignment', 'assignment.id', 'device.installed_assignment_id')
    .select('device.id')
    .where('assignment.release_id', '=', releaseId)
    .where('device.decommissioned_ms', 'is', null)
    .limit(1)
    .executeTakeFirst();
  const last = assigned?.last_ms ?? null;
  return {
    lastAssignedMs: last === null ? null : Number(last),
    isPlanned: planned !== undefined,
    isAssigned: Number(assigned?.active ?? 0) > 0,
    isInstalled: installed !== undefined,
  };
}

export async function findDoomed(db: Db, sha256: string): Promise<DoomedObject | undefined> {
  return await db.selectFrom('doomed_object').selectAll().where('sha256', '=', sha256).executeTakeFirst();
}

/** Marks that are older than the grace period, and deletions that a process began and did not end. */
export async function dueObjects(
  db: Db,
  before: { readonly markedMs: number; readonly deletingMs: number },
): Promise<string[]> {
  const rows = await db
    .selectFrom('doomed_object')
    .select('sha256')
    .where((eb) =>
      eb.or([
        eb.and([eb('state', '=', 'marked'), eb('since_ms', '<=', before.markedMs)]),
        eb.and([eb('state', '=', 'deleting'), eb('since_ms', '<=', before.deletingMs)]),
      ]),
    )
    .orderBy('sha256')
    .execute();
  return rows.map(({ sha256 }) => sha256);
}

/** A mark that is there keeps its time. */
export async function markObject(trx: Trx, sha256: string, nowMs: number): Promise<void> {
  await trx
    .insertInto('doomed_object')
    .values({ sha256, state: 'marked', since_ms: nowMs })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** What is being deleted stays so. */
export async function unmarkObjects(trx: Trx, sha256s: readonly string[]): Promise<void> {
  if (sha256s.length === 0) return;
  await trx.deleteFrom('doomed_object').where('sha256', 'in', sha256s).where('state', '=', 'marked').execute();
}

/** From here on no artifact has these bytes; an upload brings them back. */
export async function beginDelete(trx: Trx, sha256: string, nowMs: number): Promise<void> {
  await trx
    .updateTable('doomed_object')
    .set({ state: 'deleting', since_ms: nowMs })
    .where('sha256', '=', sha256)
    .execute();
  await trx.updateTable('artifact').set({ uploaded_ms: null }).where('sha256', '=', sha256).execute();
  await trx.updateTable('evidence_file').set({ uploaded_ms: null }).where('sha256', '=', sha256).execute();
}

/** Ends the deletion that began then; one that another process took over is its to end. */
export async function endDelete(trx: Trx, sha256: string, sinceMs: number): Promise<void> {
  await trx
    .deleteFrom('doomed_object')
    .where('sha256', '=', sha256)
    .where('state', '=', 'deleting')
    .where('since_ms', '=', sinceMs)
    .execute();
}

/** Whether it is time to look through all objects again; one process of several is told so. */
export async function takeListing(trx: Trx, nowMs: number, everyMs: number): Promise<boolean> {
  const taken = await trx
    .updateTable('counter')
    .set({ value: nowMs })
    .where('name', '=', 'objects-listed-ms')
    .where('value', '<=', nowMs - everyMs)
    .returning('value')
    .executeTakeFirst();
  return taken !== undefined;
}
