import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OUTCOMES, ROLLOUT_STATES, WAVE_STATES } from '@pawl/contract/management';
import fc from 'fast-check';
import { nextStep, type RolloutSnapshot } from './engine.ts';
import { type OutcomeCounts, waveNumbers } from './outcome.ts';
import { decideRollout } from './rollout.ts';
import { decideWave } from './wave.ts';

const count = fc.integer({ min: 0, max: 20 });
const counts: fc.Arbitrary<OutcomeCounts> = fc.dictionary(fc.constantFrom(...OUTCOMES), count);
const percent = fc.constantFrom(0, 20, 90, 100);
const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });
const time = fc.integer({ min: 0, max: 100 });

const snapshots: fc.Arbitrary<RolloutSnapshot> = fc.record({
  state: fc.constantFrom(...ROLLOUT_STATES),
  nowMs: time,
  startMs: maybe(time),
  endMs: maybe(time),
  isDynamic: fc.boolean(),
  halt: fc.record({ confidencePercent: fc.constantFrom(90 as const, 99 as const), minAnswers: count }),
  waves: fc
    .array(
      fc.record({
        state: fc.constantFrom(...WAVE_STATES),
        size: count,
        successPercent: percent,
        errorPercent: percent,
        soakMs: time,
        soakingMs: maybe(time),
        excused: fc.record({ answered: count, errors: count }),
        counts,
      }),
      { minLength: 1, maxLength: 4 },
    )
    .map((waves) =>
      waves.map((wave, index) => ({
        ...wave,
        position: index + 1,
        size: index === waves.length - 1 ? undefined : wave.size,
      })),
    ),
  pool: counts,
  latePool: counts,
  allowance: fc.oneof(count, fc.constant(Number.POSITIVE_INFINITY)),
  isRetryIdle: fc.boolean(),
});

const looked = (check: (snapshot: RolloutSnapshot) => void): void =>
  fc.assert(fc.property(snapshots, check), { numRuns: 3000 });

test('every step suits the tables of the rollout and of its wave', () => {
  looked((snapshot) => {
    const step = nextStep(snapshot);
    if (step.kind === 'move') assert.ok(decideRollout(snapshot.state, step.event), `${snapshot.state} ${step.event}`);
    if (step.kind === 'halt') assert.ok(decideRollout(snapshot.state, 'halt'));
    if (step.kind === 'tell') assert.equal(snapshot.state, 'stopping');
    if (step.kind !== 'wave') return;
    const wave = snapshot.waves[step.position - 1];
    assert.ok(wave !== undefined && decideWave(wave.state, step.event), `${wave?.state} ${step.event}`);
  });
});

test('offers are made by running rollouts only, within the rate, and never more than a wave has places', () => {
  looked((snapshot) => {
    const step = nextStep(snapshot);
    if (step.kind !== 'offer' && step.kind !== 'offer-again') return;
    assert.equal(snapshot.state, 'running');
    assert.ok(step.limit > 0 && step.limit <= snapshot.allowance);
    if (step.kind !== 'offer') return;
    const wave = snapshot.waves[step.position - 1];
    assert.equal(wave?.state, 'running');
    assert.equal(step.withLate, wave?.size === undefined);
    if (wave?.size !== undefined) assert.ok(waveNumbers(wave.counts).placed + step.limit <= wave.size);
  });
});

test('only the last wave takes devices that joined later, and a dynamic rollout does not finish by itself', () => {
  looked((snapshot) => {
    const step = nextStep(snapshot);
    if (step.kind === 'offer' && step.position < snapshot.waves.length) assert.equal(step.withLate, false);
    if (step.kind === 'move' && step.event === 'finish') assert.equal(snapshot.isDynamic, false);
  });
});

test('a rollout that has ended, or was never started, rests', () => {
  looked((snapshot) => {
    for (const state of ['ready', 'stopped', 'finished'] as const)
      assert.deepEqual(nextStep({ ...snapshot, state }), { kind: 'rest' });
  });
});
