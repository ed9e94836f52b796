import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RateLimit, sourceKey } from './rate-limit.ts';

test('no more than the burst and what has flowed in since are let through, whatever the times', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 10 }),
      fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 200 }),
      (burst, perS, gaps) => {
        const limit = new RateLimit({ burst, perS });
        let [atMs, passed] = [0, 0];
        for (const gap of gaps) {
          atMs += gap;
          if (limit.waitS('a', atMs) > 0) continue;
          limit.count('a', atMs);
          passed += 1;
        }
        assert.ok(passed <= burst + (atMs / 1000) * perS + 1e-6);
      },
    ),
  );
});

test('after the wait that was named there is room, and one key does not slow another', () => {
  const limit = new RateLimit({ burst: 3, perS: 0.25 });
  for (let count = 0; count < 3; count += 1) limit.count('a', 0);
  assert.equal(limit.waitS('a', 0), 4);
  assert.equal(limit.waitS('a', 4000), 0);
  assert.equal(limit.waitS('b', 0), 0);
  // A clock that goes back gives nothing away, and does not lock anybody out for longer.
  assert.equal(limit.waitS('a', -100_000), 4);
});

test('a million sources take no more memory than twenty thousand', () => {
  const limit = new RateLimit({ burst: 1, perS: 1 });
  for (let source = 0; source < 100_000; source += 1) limit.count(`10.${source}`, 0);
  assert.equal(limit.size, 20_000);
  assert.equal(limit.waitS('10.99999', 0), 1);
});

test('one host is one source, however many addresses it has', () => {
  const table: readonly (readonly [string, string])[] = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:1:2:3:4', '2001:db8:0:0::/64'],
    ['2001:0db8:0000:0001::', '2001:db8:0:1::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ];
  for (const [address, key] of table) assert.equal(sourceKey(address), key, address);
});
