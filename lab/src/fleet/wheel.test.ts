import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Wheel } from './wheel.ts';

function takeAll(wheel: Wheel): number[] {
  const taken: number[] = [];
  for (let device = wheel.take(); device !== undefined; device = wheel.take()) taken.push(device);
  return taken;
}

test('each device becomes due once, not before its time and within a slot of it', () => {
  // Up to 400 s: more than one turn of the wheel.
  const delays = fc.array(fc.integer({ min: 0, max: 400_000 }), { minLength: 1, maxLength: 50 });
  const property = fc.property(delays, fc.integer({ min: 1, max: 30_000 }), (due, stepMs) => {
    const wheel = new Wheel(due.length);
    for (const [device, delay] of due.entries()) wheel.add(device, delay);
    const seen = new Set<number>();
    for (let nowMs = 0; nowMs <= 400_000 + stepMs; nowMs += stepMs) {
      wheel.advance(nowMs);
      for (const device of takeAll(wheel)) {
        const delay = due[device] ?? Number.NaN;
        assert.ok(nowMs >= delay, 'not early');
        assert.ok(nowMs <= delay + 20 + stepMs, 'not late');
        assert.ok(!seen.has(device), 'once');
        seen.add(device);
      }
    }
    assert.equal(seen.size, due.length);
  });
  fc.assert(property, { numRuns: 60 });
});

test('those that are due are served in the order in which they became due', () => {
  const wheel = new Wheel(3);
  wheel.add(0, 300);
  wheel.add(1, 100);
  wheel.add(2, 200);
  wheel.advance(1000);
  assert.equal(wheel.readyCount, 3);
  assert.deepEqual(takeAll(wheel), [1, 2, 0]);
  assert.equal(wheel.readyCount, 0);
});
