/** Which challenges have been answered, until they would be too old anyway. */
import type { Trx } from './database.ts';

/** Whether this is the first answer to the challenge. */
export async function spendChallenge(
  trx: Trx,
  sha256: Uint8Array,
  at: { readonly nowMs: number; readonly expiresMs: number },
): Promise<boolean> {
  await trx.deleteFrom('spent_challenge').where('expires_ms', '<=', at.nowMs).execute();
  const row = await trx
    .insertInto('spent_challenge')
    .values({ sha256, expires_ms: at.expiresMs })
    .onConflict((conflict) => conflict.doNothing())
    .returning('expires_ms')
    .executeTakeFirst();
  return row !== undefined;
}
