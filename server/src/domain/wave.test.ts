import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WAVE_STATES } from '@pawl/contract/management';
import fc from 'fast-check';
import { decideWave, WAVE_EVENTS, waveSizes } from './wave.ts';

const DRAWN: Readonly<Record<string, string>> = {
  'waiting start': 'running',
  'running reach': 'soaking',
  'running fail': 'failed',
  'running promote': 'done',
  'running end': 'done',
  'soaking soaked': 'done',
  'soaking fail': 'failed',
  'soaking promote': 'done',
  'soaking end': 'done',
  'failed resume': 'running',
  'failed promote': 'done',
  'failed reopen': 'running',
  'done reopen': 'running',
};

test('every state and event of a wave is what is drawn, and nothing else', () => {
  const found = WAVE_STATES.flatMap((state) =>
    WAVE_EVENTS.flatMap((event) => {
      const to = decideWave(state, event);
      return to === undefined ? [] : [[`${state} ${event}`, to]];
    }),
  );
  assert.deepEqual(Object.fromEntries(found), DRAWN);
});

test('shares are rounded up, the last wave takes the rest, and nothing is taken twice', () => {
  assert.deepEqual(waveSizes([{ percent: 1 }, { percent: 25 }, {}], 10), [1, 3, undefined]);
  assert.deepEqual(waveSizes([{ count: 5 }, { count: 5 }, {}], 7), [5, 2, undefined]);
  assert.deepEqual(waveSizes([{ percent: 100 }, { percent: 100 }, {}], 3), [3, 0, undefined]);
  assert.deepEqual(waveSizes([{}], 0), [undefined]);
  // In binary fractions, 1000 x 0.7 / 100 is a little more than 7.
  assert.deepEqual(waveSizes([{ percent: 0.7 }, {}], 1000), [7, undefined]);
});

test('waves of any shares never take more than there are, and each at least its share of what is left', () => {
  const share: fc.Arbitrary<{ percent?: number; count?: number }> = fc.oneof(
    fc.integer({ min: 0, max: 10_000 }).map((points) => ({ percent: points / 100 })),
    fc.integer({ min: 1, max: 1000 }).map((count) => ({ count })),
  );
  fc.assert(
    fc.property(fc.array(share, { maxLength: 8 }), fc.integer({ min: 0, max: 100_000_000 }), (shares, devices) => {
      const sizes = waveSizes([...shares, {}], devices).slice(0, -1);
      let left = devices;
      for (const [index, size = Number.NaN] of sizes.entries()) {
        const { count, percent = 0 } = shares[index] ?? {};
        const wanted = count ?? (devices * percent) / 100;
        assert.ok(size <= left && (size === left || (size >= wanted - 1e-6 && size < wanted + 1)));
        left -= size;
      }
    }),
  );
});
