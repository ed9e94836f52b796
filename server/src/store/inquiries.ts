/** Inquiries to suppliers, their rounds of answers, and files. */
import type { Db, Trx } from './database.ts';
import type { InquiryRoundTable, InquiryTable } from './schema/index.ts';

export async function insertInquiry(
  trx: Trx,
  row: Omit<InquiryTable, 'id' | 'state' | 'round' | 'draft' | 'revision' | 'ended_reason' | 'reminded'>,
): Promise<InquiryTable> {
  const values = {
    ...row,
    state: 'open' as const,
    round: 1,
    draft: null,
    revision: 0,
    ended_reason: null,
    reminded: null,
  };
  return await trx.insertInto('inquiry').values(values).returningAll().executeTakeFirstOrThrow();
}

export async function findInquiry(db: Db, tenantId: number, id: number): Promise<InquiryTable | undefined> {
  return await db
    .selectFrom('inquiry')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** By the digest of a link that works still, whosever it is. */
export async function findInquiryByLink(db: Db, sha256: Uint8Array, nowMs: number): Promise<InquiryTable | undefined> {
  return await db
    .selectFrom('inquiry')
    .selectAll()
    .where('link_sha256', '=', sha256)
    .where('link_expires_ms', '>', nowMs)
    .executeTakeFirst();
}

export async function queryInquiries(
  db: Db,
  query: {
    readonly tenantId: number;
    readonly product?: string | undefined;
    readonly beforeId?: number | undefined;
    readonly limit: number;
  },
): Promise<InquiryTable[]> {
  let select = db.selectFrom('inquiry').selectAll().where('tenant_id', '=', query.tenantId);
  if (query.product !== undefined) select = select.where('product', '=', query.product);
  if (query.beforeId !== undefined) select = select.where('id', '<', query.beforeId);
  return await select.orderBy('id', 'desc').limit(query.limit).execute();
}

export async function updateInquiry(trx: Trx, id: number, change: Partial<InquiryTable>): Promise<InquiryTable> {
  return await trx.updateTable('inquiry').set(change).where('id', '=', id).returningAll().executeTakeFirstOrThrow();
}

/** The inquiries of all tenants that wait for an answer. */
export async function openInquiries(db: Db): Promise<{ readonly id: number; readonly tenant_id: number }[]> {
  return await db
    .selectFrom('inquiry')
    .select(['id', 'tenant_id'])
    .where('state', '=', 'open')
    .orderBy('due_on')
    .execute();
}

/** In their order. */
export async function listRounds(db: Db, inquiryId: number): Promise<InquiryRoundTable[]> {
  return await db
    .selectFrom('inquiry_round')
    .selectAll()
    .where('inquiry_id', '=', inquiryId)
    .orderBy('round')
    .execute();
}

export async function insertRound(
  trx: Trx,
  row: Omit<InquiryRoundTable, 'verdict' | 'reviewed_by' | 'review_note'>,
): Promise<void> {
  const values = { ...row, verdict: null, reviewed_by: null, review_note: null };
  await trx.insertInto('inquiry_round').values(values).execute();
}

export async function reviewRound(
  trx: Trx,
  of: Pick<InquiryRoundTable, 'inquiry_id' | 'round'>,
  review: Pick<InquiryRoundTable, 'verdict' | 'reviewed_by' | 'review_note'>,
): Promise<void> {
  await trx
    .updateTable('inquiry_round')
    .set(review)
    .where('inquiry_id', '=', of.inquiry_id)
    .where('round', '=', of.round)
    .execute();
}

/** Bytes of all files that ever came with an inquiry. */
export async function bytesOfInquiry(db: Db, inquiryId: number): Promise<number> {
  const rows = await db.selectFrom('inquiry_file').select('size_bytes').where('inquiry_id', '=', inquiryId).execute();
  return rows.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
}

export async function addInquiryFile(
  trx: Trx,
  row: {
    readonly inquiry_id: number;
    readonly sha256: string;
    readonly tenant_id: number;
    readonly size_bytes: number;
    readonly added_ms: number;
  },
): Promise<void> {
  await trx
    .insertInto('inquiry_file')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** The inquiries of all tenants that an object came with. */
export async function inquiriesOfObject(
  db: Db,
  sha256: string,
): Promise<{ readonly tenant_id: number; readonly product: string; readonly added_ms: number }[]> {
  return await db
    .selectFrom('inquiry_file')
    .innerJoin('inquiry', 'inquiry.id', 'inquiry_file.inquiry_id')
    .select(['inquiry.tenant_id', 'inquiry.product', 'inquiry_file.added_ms'])
    .where('inquiry_file.sha256', '=', sha256)
    .execute();
}
