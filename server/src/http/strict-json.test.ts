import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseStrictJson } from './strict-json.ts';

test('reads every JSON value as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      const text = JSON.stringify(value);
      assert.deepEqual(parseStrictJson(text), JSON.parse(text));
    }),
  );
});

test('refuses a repeated member, however its name is spelled and wherever it stands', () => {
  for (const text of [
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '[{"x":{"b":{},"c":1,"b":{}}}]',
    '{"":1,"":1}',
    '{"a":{"a":1},"a":2}',
    '{"__proto__":1,"__proto__":2}',
  ]) {
    assert.throws(() => parseStrictJson(text), /a repeated member/, text);
  }
});

test('the same name in different objects, and in a value, is no repetition', () => {
  for (const text of [
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"a":"a","b":"a"}',
    '{"a":["a","a"],"b":"{\\"a\\":1"}',
  ]) {
    assert.deepEqual(parseStrictJson(text), JSON.parse(text), text);
  }
});

test('refuses nesting beyond 16, and reads 16', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  assert.doesNotThrow(() => parseStrictJson(nested(16)));
  assert.throws(() => parseStrictJson(nested(17)), /too deep/);
  assert.throws(() => parseStrictJson(nested(100_000)), /too deep/);
});

test('refuses what is no JSON text', () => {
  for (const text of [
    '',
    ' ',
    '{',
    '{"a":1}x',
    "{'a':1}",
    '{"a":1,}',
    '[1,]',
    '01',
    '\u{feff}{}',
    '{"a":NaN}',
    '"\n"',
  ]) {
    assert.throws(() => parseStrictJson(text), SyntaxError, JSON.stringify(text));
  }
});

test('its time grows with the length of the text, not with its square', () => {
  const hostile = `[${'"\\\\",'.repeat(200_000)}1`;
  assert.throws(() => parseStrictJson(hostile), SyntaxError);
  assert.doesNotThrow(() => parseStrictJson(`${hostile}]`));
});

const UNKEPT = ['{"a":"\\u0000"}', '{"\\u0000":1}', '["\\ud800"]', '["\\udc00\\ud800"]', '["x\\uD83D"]'];

test('refuses a text that no database holds, or mends it where it is told so', () => {
  for (const text of UNKEPT) {
    assert.throws(() => parseStrictJson(text), SyntaxError, text);
    assert.ok(JSON.stringify(parseStrictJson(text, 'mended')).includes('\ufffd'), text);
  }
  for (const text of ['["\\ud83d\\ude00"]', '["\\\\u0000"]', '["\\u0001"]', '{"__proto__":"\\u00e9"}']) {
    for (const texts of ['refused', 'mended'] as const)
      assert.deepEqual(parseStrictJson(text, texts), JSON.parse(text));
  }
});
