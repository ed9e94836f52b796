/**
 * What becomes of a webhook after an attempt. Pure. Events go out one after another: the next waits until the one before was
 * taken or given up. Between attempts it waits four times longer each time, with up to half of that taken off by chance, so
 * that many do not come back at once: 5 s, 20 s, … , 5.7 h; after eight attempts (about 7.6 h) the event is a dead letter.
 * After five dead letters in a row, or at once when told 410 Gone, the webhook is suspended.
 */
const FIRST_WAIT_MS = 5000;
const GROWTH = 4;
const ATTEMPTS_MAX = 8;
const DEAD_IN_A_ROW_MAX = 5;
const GONE = 410;

/** No attempt is ever further ahead than this. */
export const WAIT_MAX_MS: number = FIRST_WAIT_MS * GROWTH ** (ATTEMPTS_MAX - 2);

export type Progress = { readonly attempts: number; readonly deadInARow: number };

export type AfterAttempt =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'wait'; readonly waitMs: number }
  | { readonly kind: 'dead'; readonly isSuspended: boolean };

/**
 * @param status of the answer; undefined when there was none
 * @param chance 0 to 1
 */
export function afterAttempt(progress: Progress, status: number | undefined, chance: number): AfterAttempt {
  if (status !== undefined && status >= 200 && status < 300) return { kind: 'delivered' };
  const attempts = progress.attempts + 1;
  if (status === GONE) return { kind: 'dead', isSuspended: true };
  if (attempts >= ATTEMPTS_MAX) return { kind: 'dead', isSuspended: progress.deadInARow + 1 >= DEAD_IN_A_ROW_MAX };
  return { kind: 'wait', waitMs: Math.round(FIRST_WAIT_MS * GROWTH ** (attempts - 1) * (1 - chance / 2)) };
}
