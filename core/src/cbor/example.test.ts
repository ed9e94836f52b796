import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeCbor, encodeCbor, expectMap, expectUint, walkCbor } from '@pawl/core/cbor';

test('one spelling for each value, and nothing else is read', () => {
  const bytes = encodeCbor(new Map([['counter', 7]]));
  const map = expectMap(decodeCbor(bytes), 'my format');
  assert.equal(expectUint(map.get('counter'), 'my format.counter'), 7n);
  // 0x18 0x07 is the number 7 in two bytes where one is enough.
  assert.throws(() => decodeCbor(Uint8Array.of(0x18, 0x07)), { code: 'CBOR_NOT_DETERMINISTIC' });
  // Where each item stands: the map's value is its last byte.
  assert.equal(walkCbor(bytes).children[1]?.start, bytes.length - 1);
});
