/** Public keys whose signatures are approvals of a person. One key is one person's, for ever. */
import type { ApprovalKey } from '@pawl/contract/management';
import type { Db, Trx } from './database.ts';
import type { Schema } from './schema/index.ts';

type ApprovalKeyTable = Schema['approval_key'];

/** A key as the management API shows it. */
export function approvalKeyView(row: ApprovalKeyTable): ApprovalKey {
  const { key_id: keyId, label, algorithm, created_ms, revoked_ms } = row;
  const revokedAt = revoked_ms === null ? null : new Date(revoked_ms).toISOString();
  return { keyId, label, algorithm, createdAt: new Date(created_ms).toISOString(), revokedAt };
}

/** Undefined when the key is somebody's already. */
export async function insertApprovalKey(
  trx: Trx,
  row: Omit<ApprovalKeyTable, 'revoked_ms'>,
): Promise<ApprovalKeyTable | undefined> {
  return await trx
    .insertInto('approval_key')
    .values({ ...row, revoked_ms: null })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
}

export async function listApprovalKeys(db: Db, personId: number): Promise<ApprovalKeyTable[]> {
  return await db
    .selectFrom('approval_key')
    .selectAll()
    .where('person_id', '=', personId)
    .orderBy('created_ms')
    .orderBy('key_id')
    .execute();
}

/** The key when it was the person's and not revoked before. */
export async function endApprovalKey(
  trx: Trx,
  personId: number,
  keyId: string,
  nowMs: number,
): Promise<ApprovalKeyTable | undefined> {
  return await trx
    .updateTable('approval_key')
    .set({ revoked_ms: nowMs })
    .where('person_id', '=', personId)
    .where('key_id', '=', keyId)
    .where('revoked_ms', 'is', null)
    .returningAll()
    .executeTakeFirst();
}
