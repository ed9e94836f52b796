import assert from 'node:assert/strict';
import test from 'node:test';
import { canonicalize } from '@tufjs/canonical-json';
import fc from 'fast-check';
import { fromUtf8, utf8 } from '../bytes/index.ts';
import { encodeCanonicalJson } from './canonical-json.ts';
import { type JsonValue, parseJson } from './json.ts';
import { TRUST_LIMITS } from './limits.ts';

const SIZE_BYTES_MAX = 1 << 20;

function parse(text: string): JsonValue {
  return parseJson(utf8(text), SIZE_BYTES_MAX);
}

/** As an ordinary object, for comparison with what other readers give. */
function plain(value: JsonValue): unknown {
  return JSON.parse(JSON.stringify(value));
}

const jsonArbitrary = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.string({ unit: 'binary' }),
    fc.maxSafeInteger().map((number) => (number === 0 ? 0 : number)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: 'grapheme-ascii' }), tie('value'), { maxKeys: 4 }),
  ),
})).value;

test('reads what JSON.parse reads', () => {
  const text = ' { "a" : [ 1 , -2, true,false,null , "x\\u00e9\\n\\"\\\\" ] , "b":{},"c":[] } ';
  assert.deepEqual(plain(parse(text)), JSON.parse(text));
  fc.assert(fc.property(jsonArbitrary, (value) => assert.deepEqual(plain(parse(JSON.stringify(value))), plain(value))));
});

test('refuses what is not strict JSON, or can be read in two ways', () => {
  const cases = [
    ['', 'nothing'],
    ['{"a":1,"a":1}', 'a name twice'],
    ['{"a":{"b":1,"\\u0062":2}}', 'a name twice, once escaped'],
    ['{"__proto__":1,"__proto__":2}', '__proto__ twice'],
    ['{"a":1}x', 'trailing text'],
    ['{"a":1} {}', 'a second value'],
    ['\ufeff{}', 'a byte order mark'],
    ['{"a":1,}', 'a trailing comma'],
    ['[1,]', 'a trailing comma in an array'],
    ['[1 2]', 'no comma'],
    ['{"a" 1}', 'no colon'],
    ['{a:1}', 'a bare name'],
    ["{'a':1}", 'single quotes'],
    ['{"a":1', 'an open object'],
    ['[', 'an open array'],
    ['"abc', 'an open string'],
    ['"abc\\', 'an open escape'],
    ['"a\nb"', 'a raw control character'],
    ['"\\x41"', 'an unknown escape'],
    ['"\\ud800"', 'a lone surrogate'],
    ['1.0', 'a fraction'],
    ['1e3', 'an exponent'],
    ['01', 'a leading zero'],
    ['-0', 'minus zero'],
    ['+1', 'a plus sign'],
    ['9007199254740992', 'an integer over 2^53 - 1'],
    ['NaN', 'not a number'],
    ['nul', 'half a literal'],
    ['/**/1', 'a comment'],
    ['\u00a01', 'a foreign space'],
    ['['.repeat(TRUST_LIMITS.jsonDepthMax + 2) + ']'.repeat(TRUST_LIMITS.jsonDepthMax + 2), 'deep nesting'],
    ['['.repeat(100_000), 'very deep nesting'],
  ] as const;
  for (const [text, what] of cases) assert.throws(() => parse(text), { code: 'TRUST_METADATA_MALFORMED' }, what);
  assert.throws(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22), 10), { code: 'TRUST_METADATA_MALFORMED' });
  assert.throws(() => parseJson(utf8('"0123456789"'), 11), { code: 'TRUST_LENGTH_EXCEEDED' });
});

test('keeps __proto__ as a name like any other', () => {
  const value = parse('{"__proto__":{"polluted":true}}');
  assert.equal(fromUtf8(encodeCanonicalJson(value)), '{"__proto__":{"polluted":true}}');
  assert.equal(Object.hasOwn({}, 'polluted'), false);
});

test('writes the canonical form that tuf-js writes', () => {
  fc.assert(
    fc.property(jsonArbitrary, (value) => assert.equal(fromUtf8(encodeCanonicalJson(value)), canonicalize(value))),
  );
});

test('sorts names by code point', () => {
  const text = fromUtf8(encodeCanonicalJson({ '\u{10000}': 1, '\uffee': 2, b: 3, B: 4 }));
  assert.equal(text, '{"B":4,"b":3,"\uffee":2,"\u{10000}":1}');
});

test('refuses a number that is not an exact integer in the canonical form', () => {
  for (const number of [1.5, Number.NaN, 2 ** 53]) assert.throws(() => encodeCanonicalJson({ number }), TypeError);
});
