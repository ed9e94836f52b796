/**
 * The life of a rollout as a table: state x event -> state. Pure. An event that is not in the row of a state does not suit
 * it; an event that leads to the same state is allowed and changes something else (a wave, a device).
 *
 * `stopped` is final. `finished` means that nothing is left to do; a retry of the devices that failed opens it again.
 */
import type { RolloutState } from '@pawl/contract/management';

/** What people ask of a rollout. */
const ROLLOUT_VERBS = ['start', 'pause', 'resume', 'stop', 'retry', 'next'] as const;
export type RolloutVerb = (typeof ROLLOUT_VERBS)[number];

export const ROLLOUT_EVENTS = [
  ...ROLLOUT_VERBS,
  /** One person approves; the last one who is needed; one takes it back; one says no. */
  'approve',
  'approved',
  'withdraw',
  'deny',
  /** An approval that the start rests on no longer holds. */
  'lapse',
  /** A start that waits for its time. */
  'schedule',
  /** The time of the start has come. */
  'due',
  /** Waves have their sizes; the first one runs. */
  'begin',
  /** Errors passed the threshold, or the wave can no longer reach its success. */
  'halt',
  /** The end of the schedule has come. */
  'time-up',
  /** Every device that had the offer has been told. */
  'all-told',
  /** No device is left to wait for. */
  'finish',
] as const;
export type RolloutEvent = (typeof ROLLOUT_EVENTS)[number];

type Row = Readonly<Partial<Record<RolloutEvent, RolloutState>>>;

const TABLE: Readonly<Record<RolloutState, Row>> = {
  'waiting-approval': {
    approve: 'waiting-approval',
    approved: 'ready',
    withdraw: 'waiting-approval',
    deny: 'stopped',
    stop: 'stopped',
  },
  ready: { start: 'starting', schedule: 'scheduled', stop: 'stopped', withdraw: 'waiting-approval', deny: 'stopped' },
  scheduled: {
    start: 'starting',
    due: 'starting',
    stop: 'stopped',
    'time-up': 'stopped',
    withdraw: 'waiting-approval',
    deny: 'stopped',
    lapse: 'waiting-approval',
  },
  starting: { begin: 'running', lapse: 'waiting-approval', stop: 'stopping', 'time-up': 'stopping' },
  running: {
    pause: 'paused',
    halt: 'halted',
    next: 'running',
    retry: 'running',
    stop: 'stopping',
    'time-up': 'stopping',
    finish: 'finished',
  },
  paused: { resume: 'running', retry: 'paused', stop: 'stopping', 'time-up': 'stopping', finish: 'finished' },
  halted: {
    resume: 'running',
    // People decide against the numbers: the next wave starts all the same.
    next: 'running',
    retry: 'halted',
    stop: 'stopping',
    'time-up': 'stopping',
    finish: 'finished',
  },
  stopping: { 'all-told': 'stopped' },
  stopped: {},
  finished: { retry: 'running' },
};

/** The next state, or undefined when the event does not suit the state. */
export function decideRollout(state: RolloutState, event: RolloutEvent): RolloutState | undefined {
  return TABLE[state][event];
}

const ENGINE_STATES: readonly RolloutState[] = ['scheduled', 'starting', 'running', 'paused', 'halted', 'stopping'];

/** States in which time or a device may change something: what the job looks at. */
export function engineStates(): readonly RolloutState[] {
  return ENGINE_STATES;
}
