import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ASSIGNMENT_STATES, OUTCOMES } from '@pawl/contract/management';
import { isFinal } from './assignment.ts';
import { decideOutcome, OUTCOME_EVENTS, outcomeEventOf, waveNumbers } from './outcome.ts';

const DRAWN = `
  waiting offer active     waiting block blocked    waiting drop cancelled   blocked free waiting    blocked drop cancelled
  active succeed succeeded active claim proving     active claim-only unproven
  active fail failed       active fall-silent silent active cancel cancelled active yield blocked
  proving prove succeeded  proving fail failed      proving drop cancelled
  failed retry retry       failed prove succeeded   silent retry waiting
  retry offer retrying     retry drop failed
  retrying succeed succeeded  retrying claim proving  retrying claim-only unproven
  retrying fail failed     retrying fall-silent failed  retrying cancel failed  retrying yield retry
`;

test('every outcome and event is what is drawn, and nothing else', () => {
  const drawn = [...DRAWN.matchAll(/(\S+) (\S+) (\S+)/g)].map(([, from, event, to]) => `${from} ${event} ${to}`);
  const found = OUTCOMES.flatMap((outcome) =>
    OUTCOME_EVENTS.flatMap((event) => {
      const to = decideOutcome(outcome, event);
      return to === undefined ? [] : [`${outcome} ${event} ${to}`];
    }),
  );
  assert.deepEqual(found.sort(), drawn.sort());
});

test('what succeeded stays so, and an error stays one until an attempt succeeds', () => {
  const isError = (outcome: (typeof OUTCOMES)[number]): boolean => waveNumbers({ [outcome]: 1 }).errors === 1;
  for (const event of OUTCOME_EVENTS) {
    assert.equal(decideOutcome('succeeded', event), undefined);
    for (const outcome of OUTCOMES.filter(isError)) {
      const to = decideOutcome(outcome, event);
      if (to !== undefined)
        assert.ok(isError(to) || ['succeeded', 'proving', 'unproven'].includes(to), `${outcome} ${event}`);
    }
  }
});

test('every end of an assignment means something to the outcome of its device, and nothing else does', () => {
  for (const from of ASSIGNMENT_STATES.filter((state) => !isFinal(state))) {
    for (const to of ASSIGNMENT_STATES) {
      for (const successKind of ['reported', 'version-seen', 'confirmed'] as const) {
        const event = outcomeEventOf({ from, to, successKind });
        assert.equal(event !== undefined, isFinal(to));
        if (event === undefined) continue;
        for (const outcome of ['active', 'retrying'] as const) assert.ok(decideOutcome(outcome, event), event);
      }
    }
  }
  assert.equal(outcomeEventOf({ from: 'offered', to: 'cancelled', successKind: 'reported', isYielded: true }), 'yield');
});

test('the word of a client counts only where the rollout asked for no more', () => {
  const claim = { from: 'downloading', to: 'reported' } as const;
  assert.equal(outcomeEventOf({ ...claim, successKind: 'reported' }), 'succeed');
  assert.equal(outcomeEventOf({ ...claim, successKind: 'version-seen' }), 'claim');
  assert.equal(outcomeEventOf({ ...claim, successKind: 'confirmed' }), 'claim-only');
});

test('running out of time is silence before the device began, an error afterwards, and nothing of its own when cancelled', () => {
  const timedOut = (from: (typeof ASSIGNMENT_STATES)[number]) =>
    outcomeEventOf({ from, to: 'timed-out', successKind: 'confirmed' });
  assert.deepEqual((['offered', 'awaiting-consent', 'downloading', 'trial', 'cancelling'] as const).map(timedOut), [
    'fall-silent',
    'fall-silent',
    'fail',
    'fail',
    'cancel',
  ]);
});

test('the numbers of a wave: every device counts once, silent and cancelled ones hold no place', () => {
  const ones = Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 1]));
  assert.deepEqual(waveNumbers(ones), { placed: 7, answered: 5, errors: 3, succeeded: 1, open: 4 });
  assert.deepEqual(waveNumbers({}), { placed: 0, answered: 0, errors: 0, succeeded: 0, open: 0 });
});
