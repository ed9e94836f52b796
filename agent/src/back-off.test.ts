import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BackOff, jitteredMs } from './back-off.ts';

const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const limits = fc
  .tuple(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 1, max: 1000 }))
  .map(([firstMs, times]) => ({ firstMs, maxMs: firstMs * times }));

test('a wait after a failure lies between nothing and a limit that doubles up to the most', () => {
  fc.assert(
    fc.property(limits, fc.array(unit, { maxLength: 80 }), ({ firstMs, maxMs }, draws) => {
      let draw = 0;
      const backOff = new BackOff({ firstMs, maxMs }, () => draw);
      for (const [failures, value] of draws.entries()) {
        draw = value;
        assert.equal(backOff.failures, failures);
        const waitMs = backOff.nextMs();
        const limitMs = Math.min(maxMs, firstMs * 2 ** failures);
        assert.ok(waitMs >= 0 && waitMs <= limitMs, `${waitMs} of ${limitMs}`);
        assert.ok(Math.abs(waitMs - limitMs * value) <= 0.5);
      }
    }),
  );
});

test('a success starts the doubling over', () => {
  const backOff = new BackOff({ firstMs: 100, maxMs: 1000 }, () => 0.5);
  const three = (): number[] => [backOff.nextMs(), backOff.nextMs(), backOff.nextMs()];
  assert.deepEqual(three(), [50, 100, 200]);
  backOff.reset();
  assert.deepEqual(three(), [50, 100, 200]);
});

test('a poll interval is spread by a tenth to both sides, and no more', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 86_400_000 }), unit, (intervalMs, draw) => {
      const waitMs = jitteredMs(intervalMs, () => draw);
      assert.ok(waitMs >= Math.floor(intervalMs * 0.9) && waitMs <= Math.ceil(intervalMs * 1.1));
    }),
  );
});
