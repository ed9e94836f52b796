import assert from 'node:assert/strict';
import test from 'node:test';
import {
  CborTag,
  type CborValue,
  expectArray,
  expectBytes,
  expectInt,
  expectMap,
  expectTag,
  expectText,
  expectUint,
} from './index.ts';

const VALUES: Readonly<Record<string, CborValue>> = {
  map: new Map(),
  array: [1],
  'byte string': new Uint8Array(1),
  text: 'a',
  'unsigned integer': 1,
  'negative integer': -1,
  'large integer': 2n ** 60n,
  'tag 5': new CborTag(5, 1),
  null: null,
  undefined,
  boolean: true,
};

const CHECKS: readonly (readonly [string, (value: CborValue) => unknown, readonly string[]])[] = [
  ['map', (value) => expectMap(value, 'x.y'), ['map']],
  ['array', (value) => expectArray(value, 'x.y'), ['array']],
  ['array of one', (value) => expectArray(value, 'x.y', 1), ['array']],
  ['array of two', (value) => expectArray(value, 'x.y', 2), []],
  ['byte string', (value) => expectBytes(value, 'x.y'), ['byte string']],
  ['text', (value) => expectText(value, 'x.y'), ['text']],
  ['unsigned integer', (value) => expectUint(value, 'x.y'), ['unsigned integer', 'large integer']],
  ['small integer', (value) => expectInt(value, 'x.y'), ['unsigned integer', 'negative integer']],
  ['tag 5', (value) => expectTag(value, 5, 'x.y'), ['tag 5']],
  ['tag 6', (value) => expectTag(value, 6, 'x.y'), []],
];

for (const [name, check, accepted] of CHECKS) {
  test(`takes only the right type where ${name} is expected, and says where it was not`, () => {
    for (const [kind, value] of Object.entries(VALUES)) {
      if (accepted.includes(kind)) assert.doesNotThrow(() => check(value), kind);
      else assert.throws(() => check(value), { code: 'CBOR_TYPE_UNEXPECTED', message: /at "x\.y"/ }, kind);
    }
  });
}

test('gives unsigned integers as bigint whatever their size', () => {
  assert.equal(expectUint(7, ''), 7n);
  assert.equal(expectUint(2n ** 63n, ''), 2n ** 63n);
});
