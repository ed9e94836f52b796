import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../bytes/index.ts';
import { classUuid, vendorUuid } from './identifiers.ts';

test('makes the vendor and class identifiers of the examples in the draft', () => {
  const vendorId = vendorUuid('arm.com');
  assert.equal(toHex(vendorId), 'fa6b4a53d5ad5fdfbe9de663e4d41ffe');
  assert.equal(toHex(classUuid(vendorId, 'suit')), '1492af1425695e48bf429b2d51f2ab45');
});

test('sets version 5 and the variant of RFC 9562', () => {
  const vendorId = vendorUuid('example.com');
  assert.equal(vendorId.length, 16);
  // Appendix of RFC 9562 has www.example.com: 2ed6657d-e927-568b-95e1-2665a8aea6a2.
  assert.equal(toHex(vendorUuid('www.example.com')), '2ed6657de927568b95e12665a8aea6a2');
});
