import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIDENCE_PERCENTS } from '@pawl/contract/management';
import fc from 'fast-check';
import { isReached, judgeErrors, NORMAL_QUANTILES, stalledNumbers, wilsonLowerBound } from './judge.ts';

/** Newcombe 1998 (Statistics in Medicine 17, 857-872), table I, method 3: two-sided 95 %, so one-sided 97.5 %. */
const NEWCOMBE = [
  { hits: 81, trials: 263, lower: 0.2553, upper: 0.3662 },
  { hits: 15, trials: 148, lower: 0.0624, upper: 0.1605 },
  { hits: 0, trials: 20, lower: 0, upper: 0.1611 },
  { hits: 1, trials: 29, lower: 0.0061, upper: 0.1718 },
] as const;

test('the bound is that of published intervals', () => {
  for (const { hits, trials, lower, upper } of NEWCOMBE) {
    assert.equal(wilsonLowerBound(hits, trials, 97.5).toFixed(4), lower.toFixed(4));
    // The interval is symmetric: the upper bound of the errors is one minus the lower bound of the successes.
    assert.equal((1 - wilsonLowerBound(trials - hits, trials, 97.5)).toFixed(4), upper.toFixed(4));
  }
});

test('the bound is the lower root of (p - x)^2 = z^2 x (1 - x) / n', () => {
  const levels = fc.constantFrom(...CONFIDENCE_PERCENTS);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      levels,
      (n, at, level) => {
        const hits = Math.round(n * at);
        const x = wilsonLowerBound(hits, n, level);
        const p = hits / n;
        assert.ok(x >= 0 && x <= p + 1e-12);
        const gap = (p - x) ** 2 - (NORMAL_QUANTILES[level] ** 2 * x * (1 - x)) / n;
        assert.ok(Math.abs(gap) < 1e-9, String(gap));
      },
    ),
  );
});

test('the quantiles leave that much of the normal distribution below them', () => {
  const density = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  for (const level of CONFIDENCE_PERCENTS) {
    const to = NORMAL_QUANTILES[level];
    // Simpson's rule from 0, where half of it lies below.
    const steps = 2000;
    const h = to / steps;
    let area = density(0) + density(to);
    for (let index = 1; index < steps; index += 1) area += density(index * h) * (index % 2 === 1 ? 4 : 2);
    assert.ok(Math.abs(0.5 + (area * h) / 3 - level / 100) < 1e-12, String(level));
  }
});

const numbers = (answered: number, errors: number) => ({
  placed: 100,
  answered,
  errors,
  succeeded: answered - errors,
  open: 0,
});
const RULE = { errorPercent: 20, confidencePercent: 95, minAnswers: 5 } as const;
const NOTHING = { answered: 0, errors: 0 };

test('few answers halt nothing, however bad; enough of them do', () => {
  assert.equal(judgeErrors(numbers(4, 4), NOTHING, RULE), undefined);
  const halted = judgeErrors(numbers(5, 5), NOTHING, RULE);
  assert.ok(halted !== undefined && halted.bound > 0.2);
  assert.deepEqual([halted.answered, halted.errors, halted.rate, halted.threshold], [5, 5, 1, 0.2]);
  assert.equal(judgeErrors(numbers(0, 0), NOTHING, { ...RULE, minAnswers: 1 }), undefined);
});

test('a rate just above the threshold halts only once there are enough answers to be sure', () => {
  assert.equal(judgeErrors(numbers(20, 5), NOTHING, RULE), undefined);
  assert.ok(judgeErrors(numbers(2000, 500), NOTHING, RULE) !== undefined);
});

test('more errors never undo a halt, and more successes never cause one', () => {
  const count = fc.integer({ min: 0, max: 5000 });
  fc.assert(
    fc.property(count, count, (errors, successes) => {
      const isHalted = judgeErrors(numbers(errors + successes, errors), NOTHING, RULE) !== undefined;
      const withError = judgeErrors(numbers(errors + successes + 1, errors + 1), NOTHING, RULE) !== undefined;
      const withSuccess = judgeErrors(numbers(errors + successes + 1, errors), NOTHING, RULE) !== undefined;
      if (isHalted) assert.ok(withError);
      if (!isHalted && errors + successes >= RULE.minAnswers) assert.ok(!withSuccess);
    }),
  );
});

test('after people went on, only what came since is judged', () => {
  assert.equal(judgeErrors(numbers(10, 8), { answered: 10, errors: 8 }, RULE), undefined);
  assert.equal(judgeErrors(numbers(14, 12), { answered: 10, errors: 8 }, RULE), undefined);
  assert.ok(judgeErrors(numbers(15, 13), { answered: 10, errors: 8 }, RULE) !== undefined);
  // A retry that succeeded takes an error away that was excused.
  assert.equal(judgeErrors(numbers(20, 3), { answered: 10, errors: 8 }, RULE), undefined);
});

test('success is a share of the whole wave, exactly', () => {
  assert.ok(isReached(9, 10, 90));
  assert.ok(!isReached(8, 10, 80.01));
  assert.ok(isReached(7, 1000, 0.7));
  assert.ok(isReached(0, 0, 100));
  const { rate, threshold } = stalledNumbers(numbers(10, 5), 10, 90);
  assert.deepEqual([rate, threshold], [0.5, 0.9]);
  assert.equal(stalledNumbers(numbers(0, 0), 0, 90).rate, 0);
});
