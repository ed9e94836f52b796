/** Passkeys of people: the public half, the counter that only rises, and whose they are. */
import { createHash } from 'node:crypto';
import type { Passkey } from '@pawl/contract/management';
import type { Db, Trx } from './database.ts';
import type { Schema } from './schema/index.ts';

export type PasskeyTable = Schema['passkey'];

/** Credential ids have any length; in paths stands their digest. */
function passkeyIdOf(credentialId: string): string {
  return createHash('sha256').update(credentialId).digest('hex');
}

/** A passkey as the management API shows it. */
export function passkeyView(row: PasskeyTable): Passkey {
  return {
    id: passkeyIdOf(row.credential_id),
    label: row.label,
    isBackedUp: row.is_backed_up === 1,
    createdAt: new Date(row.created_ms).toISOString(),
    lastUsedAt: row.last_used_ms === null ? null : new Date(row.last_used_ms).toISOString(),
  };
}

/** Undefined when somebody has registered this credential before. */
export async function insertPasskey(
  trx: Trx,
  row: Omit<PasskeyTable, 'last_used_ms'>,
): Promise<PasskeyTable | undefined> {
  return await trx
    .insertInto('passkey')
    .values({ ...row, last_used_ms: null })
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();
}

export async function findPasskey(db: Db, credentialId: string): Promise<PasskeyTable | undefined> {
  return await db.selectFrom('passkey').selectAll().where('credential_id', '=', credentialId).executeTakeFirst();
}

export async function notePasskeyUse(
  trx: Trx,
  credentialId: string,
  use: { readonly counter: number; readonly nowMs: number },
): Promise<void> {
  await trx
    .updateTable('passkey')
    .set({ counter: use.counter, last_used_ms: use.nowMs })
    .where('credential_id', '=', credentialId)
    .execute();
}

export async function listPasskeys(db: Db, personId: number): Promise<PasskeyTable[]> {
  return await db
    .selectFrom('passkey')
    .selectAll()
    .where('person_id', '=', personId)
    .orderBy('created_ms')
    .orderBy('credential_id')
    .execute();
}

/** Whether the person had such a passkey. */
export async function deletePasskey(trx: Trx, personId: number, passkeyId: string): Promise<boolean> {
  const row = (await listPasskeys(trx, personId)).find(({ credential_id }) => passkeyIdOf(credential_id) === passkeyId);
  if (row === undefined) return false;
  await trx.deleteFrom('passkey').where('credential_id', '=', row.credential_id).execute();
  return true;
}
