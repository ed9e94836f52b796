/**
 * What became of a device in its rollout, as a table: outcome x event -> outcome. Pure. The outcome follows the
 * assignments of the device; counts of outcomes are what waves are judged by.
 *
 * A device that failed counts as an error until an attempt of it succeeds, also while it is offered again: trying again
 * hides nothing. What succeeded stays so.
 */
import { type AssignmentState, OUTCOMES, type Outcome, type SuccessKind } from '@pawl/contract/management';

export const OUTCOME_EVENTS = [
  /** It got an assignment. */
  'offer',
  /** Another rollout has the device. */
  'block',
  /** The other rollout let go of it. */
  'free',
  'succeed',
  /** It says that it is done, and the proof may still come. */
  'claim',
  /** It says that it is done, and no proof will come. */
  'claim-only',
  'prove',
  'fail',
  /** Time ran out before it began. */
  'fall-silent',
  'cancel',
  /** A rollout of a higher weight took the device before it began. */
  'yield',
  /** It is not offered: gone, or another rollout has the last word on it. */
  'drop',
  /** It is tried again. */
  'retry',
] as const;
export type OutcomeEvent = (typeof OUTCOME_EVENTS)[number];

type Row = Readonly<Partial<Record<OutcomeEvent, Outcome>>>;

const TABLE: Readonly<Record<Outcome, Row>> = {
  waiting: { offer: 'active', block: 'blocked', drop: 'cancelled' },
  blocked: { free: 'waiting', drop: 'cancelled' },
  active: {
    succeed: 'succeeded',
    claim: 'proving',
    'claim-only': 'unproven',
    fail: 'failed',
    'fall-silent': 'silent',
    cancel: 'cancelled',
    yield: 'blocked',
  },
  proving: { prove: 'succeeded', fail: 'failed', drop: 'cancelled' },
  succeeded: {},
  unproven: {},
  failed: { retry: 'retry', prove: 'succeeded' },
  retry: { offer: 'retrying', drop: 'failed' },
  retrying: {
    succeed: 'succeeded',
    claim: 'proving',
    'claim-only': 'unproven',
    fail: 'failed',
    'fall-silent': 'failed',
    cancel: 'failed',
    yield: 'retry',
  },
  silent: { retry: 'waiting' },
  cancelled: {},
};

/** The next outcome, or undefined when the event does not suit. */
export function decideOutcome(outcome: Outcome, event: OutcomeEvent): Outcome | undefined {
  return TABLE[outcome][event];
}

export type AssignmentEnd = {
  readonly from: AssignmentState;
  readonly to: AssignmentState;
  readonly successKind: SuccessKind;
  /** Taken by a rollout of a higher weight, not for good. */
  readonly isYielded?: boolean | undefined;
};

const UNBEGUN: ReadonlySet<AssignmentState> = new Set<AssignmentState>(['offered', 'awaiting-consent']);

/** Whether the device has not said yet that it took the offer up. */
export function isUnbegun(state: AssignmentState): boolean {
  return UNBEGUN.has(state);
}

function eventOfClaim(kind: SuccessKind): OutcomeEvent {
  if (kind === 'reported') return 'succeed';
  return kind === 'version-seen' ? 'claim' : 'claim-only';
}

/** What the end of an assignment means to the device's outcome; undefined while the assignment goes on. */
export function outcomeEventOf({ from, to, successKind, isYielded }: AssignmentEnd): OutcomeEvent | undefined {
  if (to === 'confirmed') return successKind === 'attested' ? 'claim' : 'succeed';
  if (to === 'reported') return eventOfClaim(successKind);
  if (to === 'reverted' || to === 'refused' || to === 'failed') return 'fail';
  if (to === 'cancelled') return isYielded === true ? 'yield' : 'cancel';
  if (to !== 'timed-out') return undefined;
  if (from === 'cancelling') return 'cancel';
  return isUnbegun(from) ? 'fall-silent' : 'fail';
}

export type OutcomeCounts = Readonly<Partial<Record<Outcome, number>>>;

const sum = (counts: OutcomeCounts, of: readonly Outcome[]): number =>
  of.reduce((total, outcome) => total + (counts[outcome] ?? 0), 0);

const ERRORS: readonly Outcome[] = ['failed', 'retry', 'retrying'];
/** With something still to come from the device of an assignment. */
const OPEN: readonly Outcome[] = ['active', 'retrying', 'retry', 'proving'];
const PLACELESS: ReadonlySet<Outcome> = new Set<Outcome>(['waiting', 'blocked', 'silent', 'cancelled']);
const PLACED: readonly Outcome[] = OUTCOMES.filter((outcome) => !PLACELESS.has(outcome));

export type WaveNumbers = {
  /** Devices that hold a place of the wave. */
  readonly placed: number;
  /** Devices with a verdict, good or bad. */
  readonly answered: number;
  readonly errors: number;
  readonly succeeded: number;
  /** Devices of which something may still come. */
  readonly open: number;
};

/** The numbers that a wave is judged by. */
export function waveNumbers(counts: OutcomeCounts): WaveNumbers {
  const errors = sum(counts, ERRORS);
  const succeeded = sum(counts, ['succeeded']);
  return {
    placed: sum(counts, PLACED),
    answered: errors + succeeded + sum(counts, ['unproven']),
    errors,
    succeeded,
    open: sum(counts, OPEN),
  };
}
