/**
 * The plan of a rollout with everything that was left out filled in. Pure.
 *
 * Defaults: one wave; nine of ten devices must succeed before a next wave; more than a fifth failing, with 95 %
 * confidence and at least five answers, halts; a device that does not begin for two weeks, or does not end in one, has
 * had its turn.
 */
import type { ConfidencePercent, NewRollout, NewWave } from '@pawl/contract/management';
import { basisPoints } from './wave.ts';

const SUCCESS_PERCENT = 90;
const ERROR_PERCENT = 20;
const WEIGHT = 500;
const DAY_S = 86_400;

/** What is kept with the rollout beside its columns. */
export type StoredPlan = {
  readonly halt: { readonly confidencePercent: ConfidencePercent; readonly minAnswers: number };
  readonly ratePerMinute: number | null;
  readonly ramp: { readonly basePerMinute: number; readonly factor: number; readonly everySucceeded: number } | null;
  readonly timeOutS: { readonly answer: number; readonly install: number };
  readonly retry: { readonly attempts: number };
  readonly despiteFloor: boolean;
};

/** Most attempts of one device, also when people ask for more. */
export const ATTEMPTS_MAX = 10;

export function planOf(input: NewRollout): StoredPlan {
  return {
    halt: { confidencePercent: input.halt?.confidencePercent ?? 95, minAnswers: input.halt?.minAnswers ?? 5 },
    ratePerMinute: input.ratePerMinute ?? null,
    ramp: input.ramp ?? null,
    timeOutS: { answer: input.timeOutS?.answer ?? 14 * DAY_S, install: input.timeOutS?.install ?? 7 * DAY_S },
    retry: { attempts: input.retry?.attempts ?? 1 },
    despiteFloor: input.despiteFloor === true,
  };
}

export function weightOf(input: NewRollout): number {
  return input.weight ?? WEIGHT;
}

export type PlannedWave = {
  readonly shareBp: number | null;
  readonly places: number | null;
  readonly successBp: number;
  readonly errorBp: number;
  readonly soakS: number;
};

/** The waves as they are kept; shares and thresholds in hundredths of a percent. */
export function plannedWaves(waves: readonly NewWave[] | undefined): PlannedWave[] {
  return (waves ?? [{}]).map((wave) => ({
    shareBp: wave.percent === undefined ? null : basisPoints(wave.percent),
    places: wave.count ?? null,
    successBp: basisPoints(wave.successPercent ?? SUCCESS_PERCENT),
    errorBp: basisPoints(wave.errorPercent ?? ERROR_PERCENT),
    soakS: wave.soakS ?? 0,
  }));
}
