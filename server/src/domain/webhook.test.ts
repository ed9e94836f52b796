import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { afterAttempt, WAIT_MAX_MS } from './webhook.ts';

test('an answer of the 2xx kind is a delivery, however often it was tried', () => {
  fc.assert(
    fc.property(fc.nat(20), fc.integer({ min: 200, max: 299 }), (attempts, status) => {
      assert.equal(afterAttempt({ attempts, deadInARow: 4 }, status, 0.5).kind, 'delivered');
    }),
  );
});

test('what fails is tried eight times, each wait longer than the one before and none longer than the bound', () => {
  const chance = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(
      fc.constantFrom(undefined, 199, 301, 404, 500),
      fc.array(chance, { minLength: 8 }),
      (status, chances) => {
        let before = 0;
        for (let attempts = 0; attempts < 7; attempts += 1) {
          const after = afterAttempt({ attempts, deadInARow: 0 }, status, chances[attempts] ?? 0);
          assert.ok(after.kind === 'wait' && after.waitMs > before && after.waitMs <= WAIT_MAX_MS);
          before = after.waitMs;
        }
        assert.deepEqual(afterAttempt({ attempts: 7, deadInARow: 0 }, status, 0), { kind: 'dead', isSuspended: false });
      },
    ),
  );
});

test('the fifth dead letter in a row suspends, and so does 410 Gone at once', () => {
  assert.deepEqual(afterAttempt({ attempts: 7, deadInARow: 3 }, 500, 0), { kind: 'dead', isSuspended: false });
  assert.deepEqual(afterAttempt({ attempts: 7, deadInARow: 4 }, 500, 0), { kind: 'dead', isSuspended: true });
  assert.deepEqual(afterAttempt({ attempts: 0, deadInARow: 0 }, 410, 0), { kind: 'dead', isSuspended: true });
});
