/** Reports by CRA Article 14, what was sent, and which reminders went out. */
import type { NewSubmission } from '@pawl/contract/management';
import type { Db, Trx } from './database.ts';
import type { IncidentTable, SubmissionTable } from './schema/index.ts';

export async function insertIncident(trx: Trx, row: Omit<IncidentTable, 'id'>): Promise<IncidentTable> {
  return await trx.insertInto('incident').values(row).returningAll().executeTakeFirstOrThrow();
}

export async function findIncident(db: Db, tenantId: number, id: number): Promise<IncidentTable | undefined> {
  return await db
    .selectFrom('incident')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function queryIncidents(
  db: Db,
  query: {
    readonly tenantId: number;
    readonly isDrill: boolean;
    readonly beforeId: number | undefined;
    readonly limit: number;
  },
): Promise<IncidentTable[]> {
  let select = db
    .selectFrom('incident')
    .selectAll()
    .where('tenant_id', '=', query.tenantId)
    .where('is_drill', '=', query.isDrill ? 1 : 0);
  if (query.beforeId !== undefined) select = select.where('id', '<', query.beforeId);
  return await select.orderBy('id', 'desc').limit(query.limit).execute();
}

export async function updateIncident(trx: Trx, id: number, change: Partial<IncidentTable>): Promise<IncidentTable> {
  return await trx.updateTable('incident').set(change).where('id', '=', id).returningAll().executeTakeFirstOrThrow();
}

/** What was sent, in the order of sending. */
export async function listSubmissions(db: Db, incidentId: number): Promise<SubmissionTable[]> {
  return await db
    .selectFrom('incident_submission')
    .selectAll()
    .where('incident_id', '=', incidentId)
    .orderBy('at_ms')
    .orderBy('recorded_ms')
    .execute();
}

export async function insertSubmission(trx: Trx, row: SubmissionTable): Promise<void> {
  await trx.insertInto('incident_submission').values(row).execute();
}

/** The reports, drills too, that are not closed. */
export async function openIncidents(db: Db): Promise<IncidentTable[]> {
  return await db.selectFrom('incident').selectAll().where('closed_ms', 'is', null).orderBy('id').execute();
}

/** Marks a reminder as told; false when it was before. */
export async function markReminded(
  trx: Trx,
  reminder: { readonly incident_id: number; readonly stage: NewSubmission['stage']; readonly at_ms: number },
): Promise<boolean> {
  const inserted = await trx
    .insertInto('incident_reminder')
    .values(reminder)
    .onConflict((conflict) => conflict.doNothing())
    .returning('at_ms')
    .executeTakeFirst();
  return inserted !== undefined;
}
