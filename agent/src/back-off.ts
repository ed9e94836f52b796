/**
 * How long to wait. After an answer: the interval that the server asked for, ±10 %, so that a fleet that was switched on
 * together does not poll together. After a failure: exponential with full jitter (a uniform part of a limit that doubles).
 */
const JITTER_PART = 0.1;

export function jitteredMs(intervalMs: number, random: () => number): number {
  return Math.round(intervalMs * (1 - JITTER_PART + 2 * JITTER_PART * random()));
}

export type BackOffLimits = { readonly firstMs: number; readonly maxMs: number };

export class BackOff {
  readonly #limits: BackOffLimits;
  readonly #random: () => number;
  #failures = 0;

  constructor(limits: BackOffLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
  }

  get failures(): number {
    return this.#failures;
  }

  reset(): void {
    this.#failures = 0;
  }

  /** Counts a failure; the time to wait before the next try. */
  nextMs(): number {
    const { firstMs, maxMs } = this.#limits;
    const limitMs = Math.min(maxMs, firstMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return Math.round(limitMs * this.#random());
  }
}
