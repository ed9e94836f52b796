/**
 * Asking again: when the line broke, or the server says that it cannot now (503), or that it is still at it (409 of an
 * Idempotency-Key). Only what can do no harm twice is asked again: reading, and what carries a key. That nobody listens at
 * the address at all is told at once.
 */
import { ClientError, RemoteError } from './errors.ts';

/** An error, and after how many seconds the server wants to be asked again. */
export type Failure = { readonly error: Error; readonly retryAfterS: number | undefined };

const FIRST_WAIT_MS = 250;
const NOBODY_THERE = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

function isNobodyThere(error: Error): boolean {
  for (let cause: unknown = error.cause; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && NOBODY_THERE.has(String(cause.code))) return true;
  }
  return false;
}

function mayPass(error: Error): boolean {
  if (error instanceof RemoteError) return error.status === 503 || error.code === 'API_REPEAT_UNANSWERED';
  return error instanceof ClientError && error.code === 'CLIENT_UNREACHABLE' && !isNobodyThere(error);
}

/** When to ask again; undefined: not at all, or not as long as there is patience. */
function waitMsOf({ error, retryAfterS }: Failure, attempt: number, leftMs: number): number | undefined {
  if (!mayPass(error)) return undefined;
  // Never at once, whatever the server says: each turn takes of the patience.
  const waitMs = Math.max(FIRST_WAIT_MS, retryAfterS === undefined ? FIRST_WAIT_MS * 2 ** attempt : retryAfterS * 1000);
  return waitMs <= leftMs ? waitMs : undefined;
}

/** Asks until there is an answer, waiting `patienceMs` altogether; `ask` gives an answer or what went wrong. */
export async function askPatiently<T>(
  ask: () => Promise<{ readonly answer: T } | Failure>,
  patienceMs: number,
  wait: (ms: number) => Promise<void>,
): Promise<T> {
  let leftMs = patienceMs;
  for (let attempt = 0; ; attempt += 1) {
    const said = await ask();
    if ('answer' in said) return said.answer;
    const waitMs = waitMsOf(said, attempt, leftMs);
    if (waitMs === undefined) throw said.error;
    leftMs -= waitMs;
    await wait(waitMs);
  }
}
