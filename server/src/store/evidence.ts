/** The evidence vault: files and what was said of them. Rows are added and ended, never deleted. */
import type { EvidenceRecord } from '@pawl/contract/management';
import type { EvidenceDates } from '../domain/retention.ts';
import type { Db, Trx } from './database.ts';
import { inquiriesOfObject } from './inquiries.ts';
import { findProduct } from './products.ts';
import type { EvidenceTable } from './schema/index.ts';

type FileKey = { readonly tenantId: number; readonly sha256: string };

export async function findEvidenceFile(
  db: Db,
  { tenantId, sha256 }: FileKey,
): Promise<{ size_bytes: number; uploaded_ms: number | null } | undefined> {
  return await db
    .selectFrom('evidence_file')
    .select(['size_bytes', 'uploaded_ms'])
    .where('tenant_id', '=', tenantId)
    .where('sha256', '=', sha256)
    .executeTakeFirst();
}

/** An upload begins, or begins again: the object is kept from now on. */
export async function touchEvidenceFile(
  trx: Trx,
  { tenantId, sha256 }: FileKey,
  facts: { readonly sizeBytes: number; readonly nowMs: number },
): Promise<void> {
  await trx
    .insertInto('evidence_file')
    .values({ tenant_id: tenantId, sha256, size_bytes: facts.sizeBytes, uploaded_ms: null, changed_ms: facts.nowMs })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'sha256']).doUpdateSet({ changed_ms: facts.nowMs }))
    .execute();
}

export async function markEvidenceUploaded(
  trx: Trx,
  { tenantId, sha256 }: FileKey,
  facts: { readonly sizeBytes: number; readonly nowMs: number },
): Promise<void> {
  await trx
    .updateTable('evidence_file')
    .set({ uploaded_ms: facts.nowMs, size_bytes: facts.sizeBytes })
    .where('tenant_id', '=', tenantId)
    .where('sha256', '=', sha256)
    .execute();
}

export async function insertEvidence(
  trx: Trx,
  row: Omit<EvidenceTable, 'id' | 'state' | 'superseded_by' | 'ended_reason'>,
): Promise<EvidenceTable> {
  const values = { ...row, state: 'current' as const, superseded_by: null, ended_reason: null };
  return await trx.insertInto('evidence').values(values).returningAll().executeTakeFirstOrThrow();
}

export async function findEvidence(db: Db, tenantId: number, id: number): Promise<EvidenceTable | undefined> {
  return await db
    .selectFrom('evidence')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function endEvidence(
  trx: Trx,
  id: number,
  end: Pick<EvidenceTable, 'state' | 'superseded_by' | 'ended_reason'>,
): Promise<EvidenceTable> {
  return await trx.updateTable('evidence').set(end).where('id', '=', id).returningAll().executeTakeFirstOrThrow();
}

export async function queryEvidence(
  db: Db,
  query: {
    readonly tenantId: number;
    readonly product?: string | undefined;
    readonly state?: EvidenceRecord['state'] | undefined;
    readonly beforeId?: number | undefined;
    readonly limit: number;
  },
): Promise<EvidenceTable[]> {
  let select = db.selectFrom('evidence').selectAll().where('tenant_id', '=', query.tenantId);
  if (query.product !== undefined) select = select.where('product', '=', query.product);
  if (query.state !== undefined) select = select.where('state', '=', query.state);
  if (query.beforeId !== undefined) select = select.where('id', '<', query.beforeId);
  return await select.orderBy('id', 'desc').limit(query.limit).execute();
}

/** What hangs on an object, in all tenants: when files of it were last uploaded, and the evidence or answers that they are. */
export async function evidenceOfObject(
  db: Db,
  sha256: string,
): Promise<{ readonly filesChangedMs: number[]; readonly evidence: EvidenceDates[] }> {
  const files = await db.selectFrom('evidence_file').select('changed_ms').where('sha256', '=', sha256).execute();
  const rows = await db
    .selectFrom('evidence')
    .select(['tenant_id', 'product', 'recorded_ms', 'valid_until_ms'])
    .where('sha256', '=', sha256)
    .execute();
  const evidence: EvidenceDates[] = [];
  for (const { tenant_id, product, recorded_ms, valid_until_ms } of rows) {
    const known = await findProduct(db, tenant_id, product);
    evidence.push({ recordedMs: recorded_ms, validUntilMs: valid_until_ms, productEndMs: known?.last_day_ms });
  }
  for (const { tenant_id, product, added_ms } of await inquiriesOfObject(db, sha256)) {
    const known = await findProduct(db, tenant_id, product);
    evidence.push({ recordedMs: added_ms, validUntilMs: null, productEndMs: known?.last_day_ms });
  }
  return {
    filesChangedMs: files.map(({ changed_ms }) => changed_ms),
    evidence,
  };
}
