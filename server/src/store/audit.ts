/** The audit: rows are added, read by page, and never changed. */
import type { AuditEntry } from '@pawl/contract/management';
import type { Insertable, Selectable } from 'kysely';
import type { Db, Trx } from './database.ts';
import type { Schema } from './schema/index.ts';

export type NewAuditEntry = Omit<Insertable<Schema['audit']>, 'id'>;
type AuditTable = Selectable<Schema['audit']>;

export async function appendAudit(trx: Trx, entry: NewAuditEntry): Promise<void> {
  await trx.insertInto('audit').values(entry).execute();
}

/** An entry as the management API shows it. */
export function auditView(row: AuditTable): AuditEntry {
  const { id, at_ms, actor, credential, operation, target, result, source, request_id: requestId } = row;
  return { id, at: new Date(at_ms).toISOString(), actor, credential, operation, target, result, source, requestId };
}

export type AuditQuery = {
  readonly tenantId: number;
  readonly actor?: string | undefined;
  readonly operation?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
};

/** Entries before an id, newest first, at most `limit`. */
export async function queryAudit(
  db: Db,
  query: AuditQuery & { readonly beforeId?: number | undefined; readonly limit: number },
): Promise<AuditTable[]> {
  const { tenantId, actor, operation, fromMs, toMs, beforeId, limit } = query;
  let rows = db.selectFrom('audit').selectAll().where('tenant_id', '=', tenantId);
  if (actor !== undefined) rows = rows.where('actor', '=', actor);
  if (operation !== undefined) rows = rows.where('operation', '=', operation);
  if (fromMs !== undefined) rows = rows.where('at_ms', '>=', fromMs);
  if (toMs !== undefined) rows = rows.where('at_ms', '<', toMs);
  if (beforeId !== undefined) rows = rows.where('id', '<', beforeId);
  return await rows.orderBy('id', 'desc').limit(limit).execute();
}
