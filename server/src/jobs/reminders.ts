/**
 * Reminds of reports that are due, by events: at the start of a clock, at half, three quarters and nine tenths of it, and at
 * its end. Each goes out once, whichever process runs this and however often it was restarted. What fell into a time when no
 * server ran is told by its last reminder only: the ones before it say nothing any more.
 */
import { type Reminder, remindersOf } from '@pawl/compliance/reporting';
import { emitEvent } from '../acts/event.ts';
import type { ServerPorts } from '../acts/ports.ts';
import { reportingCase } from '../acts/vulnerability/incident.ts';
import type { Trx } from '../store/database.ts';
import { findIncident, listSubmissions, markReminded, openIncidents } from '../store/incidents.ts';
import type { IncidentTable } from '../store/schema/index.ts';

/** The reminders whose time has come, those of a stage together, the latest last. */
async function dueReminders(trx: Trx, row: IncidentTable, nowMs: number): Promise<Reminder[][]> {
  const due = remindersOf(reportingCase(row, await listSubmissions(trx, row.id))).filter(
    ({ at }) => at.getTime() <= nowMs,
  );
  return [...Map.groupBy(due, ({ stage }) => stage).values()];
}

async function remind(trx: Trx, row: IncidentTable, nowMs: number): Promise<void> {
  for (const ofStage of await dueReminders(trx, row, nowMs)) {
    let last: Reminder | undefined;
    for (const one of ofStage) {
      const reminder = { incident_id: row.id, stage: one.stage, at_ms: one.at.getTime() };
      last = (await markReminded(trx, reminder)) ? one : undefined;
    }
    if (last === undefined) continue;
    await emitEvent(trx, { tenantId: row.tenant_id, nowMs }, 'pawl.incident.reminder', {
      incidentId: row.id,
      isDrill: row.is_drill === 1,
      track: row.track,
      stage: last.stage,
      dueAt: last.dueAt.toISOString(),
      isOverdue: nowMs >= last.dueAt.getTime(),
      message: last.message,
    });
  }
}

/** Looks once at every open report. */
export async function remindOfReports(ports: ServerPorts): Promise<void> {
  const { database, now } = ports;
  for (const { id, tenant_id: tenantId } of await openIncidents(database.read)) {
    await database.write(async (trx) => {
      const row = await findIncident(trx, tenantId, id);
      if (row !== undefined && row.closed_ms === null) await remind(trx, row, now().getTime());
    });
  }
}
