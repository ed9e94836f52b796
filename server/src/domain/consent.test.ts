import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPT_OUTS, URGENCIES } from '@pawl/contract/management';
import { decideConsent, NEVER_MS, postponedUntil, reachOf } from './consent.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const RULES = { postponements: 2, postponeHours: 24, askAgainDays: null };
const HOUR_MS = 3_600_000;
const putOff = (hours: number, postponements: number, rules = RULES): string => {
  const decision = decideConsent({ kind: 'postponed', untilMs: NOW + hours * HOUR_MS }, rules, {
    nowMs: NOW,
    postponements,
  });
  if (decision.kind === 'rest') return `${(decision.askAfterMs - NOW) / HOUR_MS} h, ${decision.postponements}`;
  return decision.kind === 'refuse' ? decision.reason : decision.kind;
};

test('a user may put it off as often and as long as the rollout says, and no more', () => {
  assert.equal(putOff(24, 0), '24 h, 1');
  assert.equal(putOff(1, 1), '1 h, 2');
  assert.equal(putOff(1, 2), 'too-often');
  assert.equal(putOff(24.001, 0), 'too-long');
  assert.equal(putOff(0, 0), 'past');
  assert.equal(putOff(Number.NaN, 0), 'past');
  assert.equal(putOff(1, 0, { ...RULES, postponements: 0 }), 'too-often');
});

test('a no holds until people ask again, or for the days that the rollout says', () => {
  const state = { nowMs: NOW, postponements: 1 };
  assert.deepEqual(decideConsent({ kind: 'denied' }, RULES, state), {
    kind: 'rest',
    askAfterMs: NEVER_MS,
    postponements: 1,
  });
  const again = decideConsent({ kind: 'denied' }, { ...RULES, askAgainDays: 2 }, state);
  assert.deepEqual(again, { kind: 'rest', askAfterMs: NOW + 48 * HOUR_MS, postponements: 1 });
  assert.deepEqual(decideConsent({ kind: 'given' }, RULES, state), { kind: 'give' });
});

test('every opt-out and every urgency: who opted out is offered nothing unasked, and a fix is kept from nobody', () => {
  const table = OPT_OUTS.flatMap((optOut) =>
    URGENCIES.map((urgency) => `${optOut} ${urgency}: ${reachOf(optOut, urgency)}`),
  );
  assert.deepEqual(table, [
    'none security: offer',
    'none feature: offer',
    'none mixed: offer',
    'features security: offer',
    'features feature: withhold',
    'features mixed: ask',
    'all security: ask',
    'all feature: ask',
    'all mixed: ask',
  ]);
});

test('how long a no holds is read from one line of its own form', () => {
  assert.equal(postponedUntil(['later', 'postponed until 2026-03-02T08:00:00Z']), Date.parse('2026-03-02T08:00:00Z'));
  for (const line of [
    'postponed until tomorrow',
    'postponed until 2026-03-02',
    ' postponed until 2026-03-02T08:00:00Z',
  ])
    assert.equal(postponedUntil([line]), undefined, line);
  assert.ok(Number.isNaN(postponedUntil(['postponed until 2026-99-99T99:99:99Z'])));
});
