import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contest } from './priority.ts';

/** contender against holder: lighter, same and older, same and newer, heavier. */
const CASES = [
  { weight: 1, rolloutId: 9, unbegun: 'wait', begun: 'wait' },
  { weight: 5, rolloutId: 1, unbegun: 'give-up', begun: 'give-up' },
  { weight: 5, rolloutId: 9, unbegun: 'supersede', begun: 'wait' },
  { weight: 9, rolloutId: 1, unbegun: 'outweigh', begun: 'wait' },
] as const;

test('what is begun is never taken; before that the heavier wins, then the newer', () => {
  for (const { weight, rolloutId, unbegun, begun } of CASES) {
    const holder = { rolloutId: 5, weight: 5 };
    assert.equal(contest({ weight, rolloutId }, { ...holder, isBegun: false }), unbegun);
    assert.equal(contest({ weight, rolloutId }, { ...holder, isBegun: true }), begun);
  }
});

test('a rollout does not contest itself, and of two that contest only one takes the device', () => {
  assert.equal(contest({ rolloutId: 5, weight: 5 }, { rolloutId: 5, weight: 5, isBegun: false }), 'wait');
  const takes = (verdict: string): boolean => verdict === 'outweigh' || verdict === 'supersede';
  for (const a of [1, 2]) {
    for (const b of [1, 2]) {
      const [one, two] = [
        { rolloutId: 1, weight: a, isBegun: false },
        { rolloutId: 2, weight: b, isBegun: false },
      ];
      assert.equal([contest(one, two), contest(two, one)].filter(takes).length, 1);
    }
  }
});
