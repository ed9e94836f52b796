/** Which challenges have been answered, until they would be too old anyway; and the secret that marks them as ours. */
import type { Trx } from './database.ts';

const CHALLENGE_SECRET = 'challenge';

/** The secret that every process of this server marks its challenges with; `fresh` becomes it when there is none. */
export async function ensureChallengeSecret(trx: Trx, fresh: string): Promise<string> {
  await trx
    .insertInto('server_secret')
    .values({ name: CHALLENGE_SECRET, value: fresh })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const row = await trx
    .selectFrom('server_secret')
    .select('value')
    .where('name', '=', CHALLENGE_SECRET)
    .executeTakeFirstOrThrow();
  return row.value;
}

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
