/**
 * When a wave has succeeded and when errors halt its rollout. Pure.
 *
 * Errors are judged over the devices that answered, not over all: a fault that takes every device shows with the first
 * few. Few answers say little, so the lower bound of the error rate counts, not the rate: the score interval of Wilson
 * (1927), one-sided. The bound passes the threshold when the true rate is above it with the stated confidence.
 */
import type { ConfidencePercent, HaltReason } from '@pawl/contract/management';
import type { WaveNumbers } from './outcome.ts';
import { basisPoints } from './wave.ts';

/** Quantiles of the standard normal distribution: that much of it lies below. */
export const NORMAL_QUANTILES: Readonly<Record<ConfidencePercent, number>> = {
  90: 1.2815515655446004,
  95: 1.6448536269514722,
  97.5: 1.959963984540054,
  99: 2.3263478740408408,
  99.9: 3.090232306167813,
};

/** The lower bound of a proportion of which `hits` in `trials` were seen; 0 without trials. */
export function wilsonLowerBound(hits: number, trials: number, confidencePercent: ConfidencePercent): number {
  if (trials === 0 || hits === 0) return 0;
  const z2 = NORMAL_QUANTILES[confidencePercent] ** 2;
  const rate = hits / trials;
  const centre = rate + z2 / (2 * trials);
  const spread = Math.sqrt(z2 * ((rate * (1 - rate)) / trials + z2 / (4 * trials ** 2)));
  return Math.max(0, (centre - spread) / (1 + z2 / trials));
}

export type HaltRule = {
  readonly errorPercent: number;
  readonly confidencePercent: ConfidencePercent;
  readonly minAnswers: number;
};

/** What was known when people last went on in spite of the numbers: only what came since is judged. */
export type Excused = { readonly answered: number; readonly errors: number };

export type HaltNumbers = Omit<HaltReason, 'at' | 'wave'>;

/** The numbers that halt the rollout, or undefined while the errors are in bounds. */
export function judgeErrors(numbers: WaveNumbers, excused: Excused, rule: HaltRule): HaltNumbers | undefined {
  const answered = Math.max(0, numbers.answered - excused.answered);
  const errors = Math.min(answered, Math.max(0, numbers.errors - excused.errors));
  if (answered === 0 || answered < rule.minAnswers) return undefined;
  const bound = wilsonLowerBound(errors, answered, rule.confidencePercent);
  const threshold = rule.errorPercent / 100;
  if (bound <= threshold) return undefined;
  const { confidencePercent } = rule;
  const { succeeded } = numbers;
  return {
    kind: 'error-rate',
    answered,
    errors,
    succeeded,
    rate: errors / answered,
    bound,
    threshold,
    confidencePercent,
  };
}

/** Whether so much of the wave has succeeded. */
export function isReached(succeeded: number, devices: number, successPercent: number): boolean {
  return succeeded * 10_000 >= basisPoints(successPercent) * devices;
}

/** The numbers of a wave that can no longer reach its success: nothing is left that could come. */
export function stalledNumbers(numbers: WaveNumbers, devices: number, successPercent: number): HaltNumbers {
  const { answered, errors, succeeded } = numbers;
  const rate = devices === 0 ? 0 : succeeded / devices;
  return {
    kind: 'success-rate',
    answered,
    errors,
    succeeded,
    rate,
    bound: rate,
    threshold: successPercent / 100,
    confidencePercent: 100,
  };
}
