import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROLLOUT_STATES, type RolloutState } from '@pawl/contract/management';
import { decideRollout, ROLLOUT_EVENTS, type RolloutEvent } from './rollout.ts';

/** Every pair that leads anywhere, as the documentation draws it; all others are refused. */
const DRAWN = `
  waiting-approval approve -> waiting-approval  waiting-approval approved -> ready  waiting-approval withdraw -> waiting-approval
  waiting-approval deny -> stopped  waiting-approval stop -> stopped
  ready withdraw -> waiting-approval  scheduled withdraw -> waiting-approval  ready deny -> stopped  scheduled deny -> stopped
  ready      start -> starting      ready      schedule -> scheduled  ready     stop -> stopped
  scheduled  start -> starting      scheduled  due -> starting        scheduled stop -> stopped   scheduled time-up -> stopped
  starting   begin -> running       starting   stop -> stopping       starting  time-up -> stopping
  running    pause -> paused        running    halt -> halted         running   next -> running   running   retry -> running
  running    stop -> stopping       running    time-up -> stopping    running   finish -> finished
  paused     resume -> running      paused     retry -> paused        paused    stop -> stopping
  paused     time-up -> stopping    paused     finish -> finished
  halted     resume -> running      halted     next -> running        halted    retry -> halted
  halted     stop -> stopping       halted     time-up -> stopping    halted    finish -> finished
  stopping   all-told -> stopped    scheduled  lapse -> waiting-approval  starting lapse -> waiting-approval
  finished   retry -> running
`;

function drawn(): Map<string, string> {
  const found = DRAWN.matchAll(/(\S+) +(\S+) -> (\S+)/g);
  return new Map([...found].map(([, state, event, to]) => [`${state} ${event}`, to ?? '']));
}

const eachPair = (check: (state: RolloutState, event: RolloutEvent) => void): void => {
  for (const state of ROLLOUT_STATES) for (const event of ROLLOUT_EVENTS) check(state, event);
};

test('every state and event of a rollout is what is drawn, and nothing else', () => {
  const expected = drawn();
  eachPair((state, event) => {
    assert.equal(decideRollout(state, event), expected.get(`${state} ${event}`), `${state} x ${event}`);
    expected.delete(`${state} ${event}`);
  });
  assert.deepEqual([...expected.keys()], []);
});

test('a stopped rollout stays stopped', () => {
  for (const event of ROLLOUT_EVENTS) assert.equal(decideRollout('stopped', event), undefined);
});

test('every rollout that was started can be stopped, and its end may come, until it has ended', () => {
  for (const state of ['scheduled', 'starting', 'running', 'paused', 'halted'] as const) {
    assert.ok(['stopping', 'stopped'].includes(decideRollout(state, 'stop') ?? ''), state);
    assert.equal(decideRollout(state, 'time-up'), decideRollout(state, 'stop'), state);
  }
});

test('every state but stopped can be left, and running is reached from each that has not been stopped', () => {
  const reach = (from: RolloutState): Set<RolloutState> => {
    const seen = new Set<RolloutState>([from]);
    for (const state of seen) for (const event of ROLLOUT_EVENTS) seen.add(decideRollout(state, event) ?? state);
    return seen;
  };
  for (const state of ROLLOUT_STATES) {
    const isOut = state === 'stopping' || state === 'stopped';
    assert.equal(reach(state).has('running'), !isOut, state);
  }
});
