/** Assignments (one device, one release) and the log of what devices said about them. */

import type { Assignment } from '@pawl/contract/management';
import { sql } from 'kysely';
import { nextActionId } from '../domain/action-id.ts';
import { isFinal } from '../domain/assignment.ts';
import type { Db, Trx } from './database.ts';
import type { AssignmentTable } from './schema/index.ts';

export type NewAssignment = {
  readonly tenantId: number;
  readonly deviceId: number;
  readonly releaseId: number;
  readonly rolloutId: number;
  readonly state: 'offered' | 'awaiting-consent';
  readonly isForced: boolean;
  readonly nowMs: number;
};

/** The id after the last one. One writer at a time, so it stays free until the transaction ends. */
async function takeActionId(trx: Trx): Promise<number> {
  const last = await trx.selectFrom('assignment').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
  const id = nextActionId(last?.id);
  if (id === undefined) throw new RangeError('32-bit assignment ids are used up');
  return id;
}

export async function insertAssignment(trx: Trx, row: NewAssignment): Promise<number> {
  const id = await takeActionId(trx);
  await trx
    .insertInto('assignment')
    .values({
      id,
      tenant_id: row.tenantId,
      device_id: row.deviceId,
      release_id: row.releaseId,
      rollout_id: row.rolloutId,
      state: row.state,
      active: 1,
      is_forced: row.isForced ? 1 : 0,
      code: null,
      step: null,
      final_sha256: null,
      version_seen_ms: null,
      created_ms: row.nowMs,
      updated_ms: row.nowMs,
    })
    .execute();
  return id;
}

export async function findAssignment(db: Db, id: number): Promise<AssignmentTable | undefined> {
  return await db.selectFrom('assignment').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function findActive(db: Db, deviceId: number): Promise<AssignmentTable | undefined> {
  return await db
    .selectFrom('assignment')
    .selectAll()
    .where('device_id', '=', deviceId)
    .where('active', '=', sql.lit(1))
    .executeTakeFirst();
}

export async function updateAssignment(trx: Trx, id: number, change: Partial<AssignmentTable>): Promise<void> {
  const active = change.state === undefined ? {} : { active: isFinal(change.state) ? null : 1 };
  await trx
    .updateTable('assignment')
    .set({ ...change, ...active })
    .where('id', '=', id)
    .execute();
}

/** The device shows this version by itself: whether it is that of the release it was last said to run is noted, once. */
export async function noteVersionSeen(trx: Trx, deviceId: number, version: string, nowMs: number): Promise<void> {
  await trx
    .updateTable('assignment')
    .set({ version_seen_ms: nowMs })
    .where('version_seen_ms', 'is', null)
    .where('id', '=', (eb) => eb.selectFrom('device').select('installed_assignment_id').where('id', '=', deviceId))
    .where('release_id', 'in', (eb) => eb.selectFrom('release').select('id').where('version', '=', version))
    .execute();
}

export type LogEntry = { readonly atMs: number; readonly status: string; readonly messages: readonly string[] };

export async function insertLog(trx: Trx, assignmentId: number, entry: LogEntry): Promise<void> {
  await trx
    .insertInto('assignment_log')
    .values({
      assignment_id: assignmentId,
      at_ms: entry.atMs,
      status: entry.status,
      messages: JSON.stringify(entry.messages),
    })
    .execute();
}

export async function countLog(db: Db, assignmentId: number): Promise<number> {
  const row = await db
    .selectFrom('assignment_log')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('assignment_id', '=', assignmentId)
    .executeTakeFirstOrThrow();
  return row.count;
}

/** The newest entries first. */
export async function readLog(db: Db, assignmentId: number, limit: number): Promise<LogEntry[]> {
  const rows = await db
    .selectFrom('assignment_log')
    .selectAll()
    .where('assignment_id', '=', assignmentId)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ atMs: row.at_ms, status: row.status, messages: JSON.parse(row.messages) as string[] }));
}

export type AssignmentQuery = {
  readonly tenantId: number;
  readonly id?: number;
  readonly rolloutId?: number | undefined;
  readonly controllerId?: string | undefined;
  readonly afterId?: number;
  readonly limit: number;
};

/** Assignments as the management API shows them, oldest first. */
export async function queryAssignments(db: Db, query: AssignmentQuery): Promise<Assignment[]> {
  let select = db
    .selectFrom('assignment')
    .innerJoin('device', 'device.id', 'assignment.device_id')
    .innerJoin('release', 'release.id', 'assignment.release_id')
    .selectAll('assignment')
    .select(['device.controller_id', 'release.line', 'release.version'])
    .where('assignment.tenant_id', '=', query.tenantId)
    .where('assignment.id', '>', query.afterId ?? 0);
  if (query.id !== undefined) select = select.where('assignment.id', '=', query.id);
  if (query.rolloutId !== undefined) select = select.where('assignment.rollout_id', '=', query.rolloutId);
  if (query.controllerId !== undefined) select = select.where('device.controller_id', '=', query.controllerId);
  const rows = await select.orderBy('assignment.id').limit(query.limit).execute();
  return rows.map((row) => ({
    id: row.id,
    controllerId: row.controller_id,
    releaseId: row.release_id,
    rolloutId: row.rollout_id,
    line: row.line,
    version: row.version,
    state: row.state,
    code: row.code,
    step: row.step,
    createdAt: new Date(row.created_ms).toISOString(),
    updatedAt: new Date(row.updated_ms).toISOString(),
  }));
}
