/** Assignments (one device, one release) and the log of what devices said about them. */

import { setImmediate } from 'node:timers/promises';
import type { Assignment, DeviceLogEntry, RolloutState } from '@pawl/contract/management';
import { sql } from 'kysely';
import { nextActionId } from '../domain/action-id.ts';
import { isFinal } from '../domain/assignment.ts';
import type { Db, Trx } from './database.ts';
import type { AssignmentTable } from './schema/index.ts';

export type NewAssignment = {
  readonly tenantId: number;
  readonly deviceId: number;
  readonly releaseId: number;
  readonly rolloutId: number | null;
  readonly state: 'offered' | 'awaiting-consent';
  readonly isForced: boolean;
  readonly nowMs: number;
  readonly dueMs: number;
};

/** Takes so many ids; they rise and are nobody else's, also when several processes ask at once. */
async function takeActionIds(trx: Trx, count: number): Promise<number[]> {
  const ids: number[] = [];
  while (ids.length < count) {
    const missing = count - ids.length;
    const { value: last } = await trx
      .updateTable('counter')
      .set((eb) => ({ value: eb('value', '+', missing) }))
      .where('name', '=', 'assignment')
      .returning('value')
      .executeTakeFirstOrThrow();
    for (let id = last - missing + 1; id <= last; id += 1) {
      const usable = nextActionId(id - 1);
      if (usable === undefined) throw new RangeError('32-bit assignment ids are used up');
      if (usable === id) ids.push(id);
    }
  }
  return ids;
}

const BATCH = 250;

/** Inserts assignments; returns their ids in the same order. */
export async function insertAssignments(trx: Trx, news: readonly NewAssignment[]): Promise<number[]> {
  if (news.length === 0) return [];
  const ids = await takeActionIds(trx, news.length);
  const rows = news.map((row, index) => ({
    id: ids[index] ?? 0,
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
    due_ms: row.dueMs,
  }));
  for (let at = 0; at < rows.length; at += BATCH) {
    await trx
      .insertInto('assignment')
      .values(rows.slice(at, at + BATCH))
      .execute();
    // Polls are answered (from the state before the transaction) while many are written.
    await setImmediate();
  }
  return ids;
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

/** The code of an assignment whose user said no. */
export const CONSENT_DENIED = 'CONSENT_DENIED';

/** Users who said no are asked again at once. Returns how many. */
export async function askAgain(trx: Trx, rolloutId: number): Promise<number> {
  const { numUpdatedRows } = await trx
    .updateTable('assignment')
    .set({ ask_after_ms: null, code: null })
    .where('rollout_id', '=', rolloutId)
    .where('active', '=', sql.lit(1))
    .where('state', '=', 'awaiting-consent')
    .where('code', '=', CONSENT_DENIED)
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/**
 * The device shows this version by itself: whether it is that of the release it was last said to run is noted, once.
 * Returns the assignment that this proves.
 */
export async function noteVersionSeen(
  trx: Trx,
  deviceId: number,
  version: string,
  nowMs: number,
): Promise<AssignmentTable | undefined> {
  return await trx
    .updateTable('assignment')
    .set({ version_seen_ms: nowMs })
    .where('version_seen_ms', 'is', null)
    .where('id', '=', (eb) => eb.selectFrom('device').select('installed_assignment_id').where('id', '=', deviceId))
    .where('release_id', 'in', (eb) => eb.selectFrom('release').select('id').where('version', '=', version))
    .returningAll()
    .executeTakeFirst();
}

/** Active assignments whose time is over, and whether their rollout shows offers now. */
export async function dueAssignments(
  db: Db,
  nowMs: number,
  limit: number,
): Promise<(AssignmentTable & { readonly rollout_state: RolloutState | null; readonly plan: string | null })[]> {
  return await db
    .selectFrom('assignment')
    .leftJoin('rollout', 'rollout.id', 'assignment.rollout_id')
    .selectAll('assignment')
    .select(['rollout.state as rollout_state', 'rollout.plan'])
    .where('assignment.active', '=', sql.lit(1))
    .where('assignment.due_ms', '<=', nowMs)
    .orderBy('assignment.due_ms')
    .limit(limit)
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

function attestationOf({ verdict, verdict_reasons, verdict_ms }: AssignmentTable): Assignment['attestation'] {
  if (verdict === null) return null;
  const reasons = JSON.parse(verdict_reasons ?? '[]') as string[];
  return { verdict, reasons, at: new Date(verdict_ms ?? 0).toISOString() };
}

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
    attestation: attestationOf(row),
    createdAt: new Date(row.created_ms).toISOString(),
    updatedAt: new Date(row.updated_ms).toISOString(),
  }));
}

/** What was said about the assignments of a device, newest first. */
export async function queryDeviceLog(
  db: Db,
  deviceId: number,
  query: { readonly beforeId: number | undefined; readonly limit: number },
): Promise<{ readonly id: number; readonly entry: DeviceLogEntry }[]> {
  let select = db
    .selectFrom('assignment_log')
    .innerJoin('assignment', 'assignment.id', 'assignment_log.assignment_id')
    .innerJoin('release', 'release.id', 'assignment.release_id')
    .selectAll('assignment_log')
    .select(['release.line', 'release.version'])
    .where('assignment.device_id', '=', deviceId);
  if (query.beforeId !== undefined) select = select.where('assignment_log.id', '<', query.beforeId);
  const rows = await select.orderBy('assignment_log.id', 'desc').limit(query.limit).execute();
  return rows.map(({ id, assignment_id: assignmentId, at_ms, line, version, status, messages }) => {
    const at = new Date(at_ms).toISOString();
    return { id, entry: { at, assignmentId, line, version, status, messages: JSON.parse(messages) as string[] } };
  });
}
