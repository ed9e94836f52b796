/**
 * The plan of a rollout: its waves, when to stop by itself, how fast, from when to when, and when a device counts as stuck.
 * Every part may be left out; `server/src/domain/rollout-plan.ts` holds what then applies.
 */
import { z } from 'zod';
import { time } from './names.ts';

/** To a hundredth of a percent. */
const percent = z.number().min(0).max(100).multipleOf(0.01);
const count = z.number().int().nonnegative();

export const WAVE_STATES = ['waiting', 'running', 'soaking', 'done', 'failed'] as const;
export type WaveState = (typeof WAVE_STATES)[number];

/** What became of a device in its rollout, by the rule of what counts as success there. */
export const OUTCOMES = [
  /** Not offered yet. */
  'waiting',
  /** Another rollout has the device; its turn comes afterwards. */
  'blocked',
  /** Offered or being installed. */
  'active',
  /** It says that it is done; what the rollout counts is still to come. */
  'proving',
  'succeeded',
  /** It says that it is done, and what the rollout counts cannot come from it. */
  'unproven',
  'failed',
  /** Failed, and waits for its next attempt. */
  'retry',
  /** Failed, and is offered again. */
  'retrying',
  /** Never answered in time. Its place in the wave goes to another device. */
  'silent',
  /** Cancelled by people, or left to another rollout. */
  'cancelled',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Confidence levels of the error bound, one-sided. */
export const CONFIDENCE_PERCENTS = [90, 95, 97.5, 99, 99.9] as const;
export type ConfidencePercent = (typeof CONFIDENCE_PERCENTS)[number];

const newWave = z
  .strictObject({
    /** Share of all devices of the rollout. */
    percent: percent.optional(),
    count: z.number().int().min(1).max(100_000_000).optional(),
    /** This much of the wave must have succeeded before the next one starts. */
    successPercent: percent.optional(),
    /** More than this much of those that answered failed, with the confidence of `halt`: the rollout halts. */
    errorPercent: percent.optional(),
    /** How long to watch the wave after enough of it succeeded. */
    soakS: z.number().int().min(0).max(31_536_000).optional(),
  })
  .refine((wave) => wave.percent === undefined || wave.count === undefined, { message: 'percent or count, not both' });
export type NewWave = z.infer<typeof newWave>;

const waves = z
  .array(newWave)
  .min(1)
  .max(32)
  .refine((all) => all.slice(0, -1).every((wave) => wave.percent !== undefined || wave.count !== undefined), {
    message: 'percent or count for every wave but the last',
  })
  .refine((all) => all.at(-1)?.percent === undefined && all.at(-1)?.count === undefined, {
    message: 'a last wave without percent and count: it takes the rest',
  });

const confidence = z.union(CONFIDENCE_PERCENTS.map((level) => z.literal(level)));
const RATE_MAX = 10_000_000;
const TIME_OUT_S_MAX = 31_536_000;

export const rolloutPlan = {
  waves: waves.optional(),
  /** When errors halt the rollout: how sure to be, and after how many answers at least. */
  halt: z
    .strictObject({
      confidencePercent: confidence.optional(),
      minAnswers: z.number().int().min(1).max(1_000_000).optional(),
    })
    .optional(),
  /** Between rollouts that name the same device the higher weight wins; of the same weight, the newer one. */
  weight: z.number().int().min(0).max(1000).optional(),
  startAt: time.optional(),
  endAt: time.optional(),
  /** At most so many offers in any minute. */
  ratePerMinute: z.number().int().min(1).max(RATE_MAX).optional(),
  /** Begin with a lower rate and multiply it each time that so many devices more have succeeded. */
  ramp: z
    .strictObject({
      basePerMinute: z.number().int().min(1).max(RATE_MAX),
      factor: z.number().min(1).max(100),
      everySucceeded: z.number().int().min(1).max(100_000_000),
    })
    .optional(),
  /** Devices that match the filter later come into the last wave. */
  isDynamic: z.boolean().optional(),
  /** A device that does not begin, or does not end, in this time has had its turn. */
  timeOutS: z
    .strictObject({
      answer: z.number().int().min(60).max(TIME_OUT_S_MAX).optional(),
      install: z.number().int().min(60).max(TIME_OUT_S_MAX).optional(),
    })
    .optional(),
  /** How often a device is offered the release when it fails. */
  retry: z.strictObject({ attempts: z.number().int().min(1).max(10) }).optional(),
};

const wave = z.strictObject({
  position: z.number().int().min(1),
  percent: percent.nullable(),
  count: z.number().int().nullable(),
  /** Places of the wave: known once the rollout started, never for the last wave. */
  size: count.nullable(),
  successPercent: percent,
  errorPercent: percent,
  soakS: count,
  state: z.enum(WAVE_STATES),
  outcomes: z.partialRecord(z.enum(OUTCOMES), count),
  startedAt: time.nullable(),
  soakingSince: time.nullable(),
  endedAt: time.nullable(),
});
export type Wave = z.infer<typeof wave>;

/** Why a rollout halted by itself, with the numbers that made it. Rates are fractions. */
export const haltReason = z.strictObject({
  kind: z.enum(['error-rate', 'success-rate']),
  wave: z.number().int().min(1),
  answered: count,
  errors: count,
  succeeded: count,
  /** Of `error-rate`: errors over answers. Of `success-rate`: successes over the devices of the wave. */
  rate: z.number(),
  /** Lower bound of the error rate at the confidence; the rate itself for `success-rate`. */
  bound: z.number(),
  threshold: z.number(),
  confidencePercent: z.number(),
  at: time,
});
export type HaltReason = z.infer<typeof haltReason>;

/** The plan as it applies, with the defaults filled in. */
export const effectivePlan = {
  waves: z.array(wave),
  halt: z.strictObject({ confidencePercent: confidence, minAnswers: count }),
  weight: count,
  startAt: time.nullable(),
  endAt: time.nullable(),
  ratePerMinute: count.nullable(),
  ramp: z.strictObject({ basePerMinute: count, factor: z.number(), everySucceeded: count }).nullable(),
  isDynamic: z.boolean(),
  timeOutS: z.strictObject({ answer: count, install: count }),
  retry: z.strictObject({ attempts: count }),
  outcomes: z.partialRecord(z.enum(OUTCOMES), count),
  haltedBy: haltReason.nullable(),
};
