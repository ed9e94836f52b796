import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromUtf8, utf8 } from '../bytes/index.ts';
import type { JsonValue } from '../trust/index.ts';
import { canonicalJson, expectItems, expectMembers, expectString, parseCanonicalJson } from './canonical-json.ts';

const text = (value: JsonValue): string => fromUtf8(canonicalJson(value));

test('sorts members by UTF-16 code units and escapes as RFC 8785 does', () => {
  assert.equal(text({ b: 1, a: [true, null, 'x'] }), '{"a":[true,null,"x"],"b":1}');
  // RFC 8785 §3.2.3, the sorting example: U+1F600 (a surrogate pair) stands before U+FB33.
  assert.equal(
    text({ '€': 1, '\r': 2, '\ufb33': 3, '1': 4, '😀': 5, '\u0080': 6, ö: 7 }),
    '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}',
  );
  assert.equal(text('\u000f\n"\\/€'), '"\\u000f\\n\\"\\\\/€"');
});

test('keeps a member that is named __proto__', () => {
  const bytes = utf8('{"__proto__":1}');
  assert.deepEqual(canonicalJson(parseCanonicalJson(bytes)), bytes);
});

test('refuses every second spelling of a value', () => {
  const cases = [
    '{"a":1,"a":1}',
    '{"a":1,"a":2}',
    '{"b":1,"a":2}',
    '{ "a":1}',
    '1.0',
    '1.5',
    '1e2',
    '-0',
    '9007199254740993',
    '"\\u0041"',
    '"\\/"',
    '"\\ud800"',
    '1 ',
    '1\n',
    '\ufeff1',
    '[1,]',
    '{"a":1}x',
    '',
  ];
  for (const json of cases) {
    assert.throws(() => parseCanonicalJson(utf8(json)), { code: 'STATEMENT_MALFORMED' }, json);
  }
  assert.throws(() => parseCanonicalJson(Uint8Array.of(0x22, 0xff, 0x22)), { code: 'STATEMENT_MALFORMED' });
});

test('refuses what is too large or too deep, without overflowing the stack', () => {
  assert.throws(() => parseCanonicalJson(utf8(`"${'x'.repeat(65_535)}"`)), { code: 'STATEMENT_TOO_LARGE' });
  assert.throws(() => parseCanonicalJson(utf8('['.repeat(30_000) + ']'.repeat(30_000))), {
    code: 'STATEMENT_TOO_LARGE',
  });
  assert.doesNotThrow(() => parseCanonicalJson(utf8('['.repeat(12) + ']'.repeat(12))));
});

test('refuses to write what JSON cannot say exactly', () => {
  for (const value of [1.5, Number.NaN, 2 ** 53, '\udc00']) {
    assert.throws(() => canonicalJson(value), { code: 'STATEMENT_MALFORMED' });
  }
  assert.throws(() => canonicalJson({ a: undefined } as unknown as JsonValue), TypeError);
});

test('reads fields only with the expected members and kinds', () => {
  assert.throws(() => expectMembers(1, ['a'], 'x'), { code: 'STATEMENT_MALFORMED' });
  assert.throws(() => expectMembers({ a: 1, b: 2 }, ['a'], 'x'), { code: 'STATEMENT_MALFORMED' });
  assert.throws(() => expectMembers({}, ['a'], 'x'), { code: 'STATEMENT_MALFORMED' });
  assert.throws(() => expectString(1, 'x'), { code: 'STATEMENT_MALFORMED' });
  assert.throws(() => expectItems({}, 'x'), { code: 'STATEMENT_MALFORMED' });
});
