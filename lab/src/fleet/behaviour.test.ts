import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assignBehaviours, BEHAVIOURS, draw, parseMix } from './behaviour.ts';

test('a mix is read from weights, and refused when a word is unknown, twice or nothing is left', () => {
  assert.deepEqual(parseMix('success=90, failure=5,offline=5'), { success: 90, failure: 5, offline: 5 });
  for (const text of ['', 'success', 'success=x', 'happy=1', 'success=1,success=2', 'success=0', 'success=-1']) {
    assert.equal(parseMix(text), undefined, text);
  }
});

test('a large fleet has the shares that were asked for, and the same ones for the same seed', () => {
  const mix = { success: 80, failure: 10, slow: 6, offline: 4 };
  const devices = 100_000;
  const fleet = assignBehaviours(devices, mix, 7);
  for (const [index, name] of BEHAVIOURS.entries()) {
    const share = fleet.filter((behaviour) => behaviour === index).length / devices;
    // Five standard deviations of a share of 100,000 draws are under 0.8 %.
    assert.ok(Math.abs(share - (name in mix ? mix[name as keyof typeof mix] : 0) / 100) < 0.008, `${name} ${share}`);
  }
  assert.deepEqual(assignBehaviours(devices, mix, 7), fleet);
  assert.notDeepEqual(assignBehaviours(devices, mix, 8), fleet);
});

test('draws lie in [0, 1) and are even', () => {
  const buckets = Array.from({ length: 10 }, () => 0);
  for (let index = 0; index < 100_000; index += 1) {
    const value = draw(3, 1, index);
    assert.ok(value >= 0 && value < 1);
    const bucket = Math.floor(value * 10);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  for (const count of buckets) assert.ok(Math.abs(count - 10_000) < 500, buckets.join(' '));
});
