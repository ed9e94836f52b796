import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { encodeReleaseCustom, parseReleaseCustom } from './release-custom.ts';

test('reads back the numbers of a release, up to 64 bits', () => {
  const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  fc.assert(
    fc.property(uint64, uint64, (sequenceNumber, securityCounter) => {
      const custom = { version: '1.2.3-rc.1+7', sequenceNumber, securityCounter };
      assert.deepEqual(parseReleaseCustom(encodeReleaseCustom(custom)), custom);
    }),
  );
});

test('refuses custom data that is missing or not in its one spelling', () => {
  const good = { version: '1.0.0', sequenceNumber: '1', securityCounter: '0' };
  const bad = [
    undefined,
    {},
    { pawl: null },
    { pawl: { ...good, version: 1 } },
    { pawl: { ...good, version: '1'.repeat(65) } },
    ...[1, '', '-1', '01', '1.0', '0x1', ' 1', '1e3', '18446744073709551616', '9'.repeat(30)].map((value) => ({
      pawl: { ...good, sequenceNumber: value },
    })),
    { pawl: { version: '1.0.0', sequenceNumber: '1' } },
  ];
  for (const custom of bad) assert.throws(() => parseReleaseCustom(custom), { code: 'TRUST_CUSTOM_INVALID' });
});
