/** The life of a rollout as a table: state x verb -> state. Pure. */
import type { RolloutState } from '@pawl/contract/management';

export type RolloutVerb = 'start' | 'pause' | 'resume' | 'stop' | 'finish';

const TABLE: Readonly<Record<RolloutState, Readonly<Partial<Record<RolloutVerb, RolloutState>>>>> = {
  ready: { start: 'running', stop: 'stopped' },
  running: { pause: 'paused', stop: 'stopped', finish: 'finished' },
  paused: { resume: 'running', stop: 'stopped', finish: 'finished' },
  stopped: {},
  finished: {},
};

/** The next state, or undefined when the verb does not suit the state. */
export function decideRollout(state: RolloutState, verb: RolloutVerb): RolloutState | undefined {
  return TABLE[state][verb];
}
