/**
 * How much is too much for the management API: failures of one source, requests of one credential. Whoever shows something
 * valid is never refused for what a neighbour got wrong; claims and passkeys are not even looked at when a source has too
 * many failures, because looking costs.
 */
import { isCodedError } from '@pawl/core/bytes';
import { ApiError } from '../errors.ts';
import { type Rate, RateLimit, sourceKey } from '../rate-limit.ts';

const FAILURES: Rate = { burst: 60, perS: 1 };
const REQUESTS: Rate = { burst: 5000, perS: 500 };
/** What a guess comes to. */
const GUESSES = new Set(['CLAIM_INVALID', 'PASSKEY_REFUSED', 'OIDC_REFUSED']);

export class ApiLimits {
  readonly #failures: RateLimit;
  readonly #requests: RateLimit;

  constructor({ failures, requests }: { readonly failures?: Rate; readonly requests?: Rate } = {}) {
    this.#failures = new RateLimit(failures ?? FAILURES);
    this.#requests = new RateLimit(requests ?? REQUESTS);
  }

  /** @throws ApiError API_TOO_MANY_REQUESTS */
  refuseGuesses(source: string, nowMs: number): void {
    const retryAfterS = this.#failures.waitS(sourceKey(source), nowMs);
    if (retryAfterS > 0) throw new ApiError('API_TOO_MANY_REQUESTS', { retryAfterS });
  }

  /** Counts a guess that went wrong. */
  countGuess(code: string, source: string, nowMs: number): void {
    if (GUESSES.has(code)) this.#failures.count(sourceKey(source), nowMs);
  }

  /**
   * Lets somebody be identified; counts when that fails.
   * @throws ApiError API_TOO_MANY_REQUESTS, and what `act` throws
   */
  async countingFailures<T>(source: string, nowMs: number, act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (!isCodedError(error) || error.code !== 'API_UNAUTHENTICATED') throw error;
      this.refuseGuesses(source, nowMs);
      this.#failures.count(sourceKey(source), nowMs);
      throw error;
    }
  }

  /** @throws ApiError API_TOO_MANY_REQUESTS */
  countRequest(credential: string, nowMs: number): void {
    const retryAfterS = this.#requests.waitS(credential, nowMs);
    if (retryAfterS > 0) throw new ApiError('API_TOO_MANY_REQUESTS', { retryAfterS });
    this.#requests.count(credential, nowMs);
  }
}

/** RFC 9110 §10.2.3, for a refusal that names a time. */
export function retryAfterOf(error: unknown): Readonly<Record<string, string>> {
  const seconds = isCodedError(error) ? error.details['retryAfterS'] : undefined;
  return typeof seconds === 'number' ? { 'retry-after': String(seconds) } : {};
}
