import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allowance, noteOffers, type RecentOffers, rateNow } from './pace.ts';

test('in no minute are there more offers than the rate, whenever and however often it is looked', () => {
  const gaps = fc.array(fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: 200_000 })), {
    maxLength: 150,
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), gaps, (rate, steps) => {
      let nowMs = 1_000_000;
      let recent: RecentOffers = [];
      const made: [number, number][] = [];
      for (const step of steps) {
        nowMs += step;
        const offers = allowance(rate, recent, nowMs);
        if (offers === 0) continue;
        recent = noteOffers(recent, nowMs, offers);
        made.push([nowMs, offers]);
        const minute = made.filter(([atMs]) => atMs > nowMs - 60_000).reduce((total, [, count]) => total + count, 0);
        assert.ok(minute <= rate, `${minute} of ${rate}`);
      }
    }),
  );
});

test('offers are spread over the minute, and the rate is used up in the long run', () => {
  for (const rate of [1, 7, 60, 1000]) {
    let recent: RecentOffers = [];
    let total = 0;
    let most = 0;
    for (let second = 0; second < 600; second += 1) {
      const offers = allowance(rate, recent, second * 1000);
      if (offers > 0) recent = noteOffers(recent, second * 1000, offers);
      total += offers;
      most = Math.max(most, offers);
    }
    assert.ok(total >= rate * 9.5 - 1 && total <= rate * 10, `${total} of ${rate * 10}`);
    assert.ok(most <= Math.ceil(rate / 30), `${most} at once of ${rate}`);
  }
});

test('a ramp multiplies the rate with every step of successes, up to the limit', () => {
  const ramp = { basePerMinute: 10, factor: 2, everySucceeded: 100 };
  const rates = [0, 99, 100, 250, 1_000_000].map((succeeded) => rateNow({ ratePerMinute: 70, ramp }, succeeded));
  assert.deepEqual(rates, [10, 10, 20, 40, 70]);
  assert.equal(rateNow({ ratePerMinute: undefined, ramp }, 1_000_000), undefined);
  assert.equal(rateNow({ ratePerMinute: undefined, ramp: undefined }, 5), undefined);
  assert.equal(allowance(undefined, [], 0), Number.POSITIVE_INFINITY);
});
