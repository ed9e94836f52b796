import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'node:test';
import { decode } from 'cbor2';
import fc from 'fast-check';
import { fromHex, toHex, utf8 } from '../bytes/index.ts';
import {
  CBOR_ERRORS,
  CborError,
  type CborErrorCode,
  CborTag,
  type CborValue,
  decodeCbor,
  encodeCbor,
} from './index.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const APPENDIX_A = join(
  resolve(ROOT, process.env['PAWL_VECTORS'] ?? '../shared/vectors'),
  'cbor/rfc8949_appendix_a.json',
);

type AppendixVector = { hex: string; roundtrip: boolean; decoded?: unknown; diagnostic?: string };

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CborError) return error.code;
    throw error;
  }
  return 'accepted';
}

function deep(levels: number): Uint8Array {
  return fromHex(`${'81'.repeat(levels)}00`);
}

/** What the profile does with a vector: floats and simple values have no place in it, nor have indefinite lengths. */
function expectedCode(hex: string): string {
  if (/^(f[0-389ab]|c1fb)/.test(hex) && !/^f[4-7]$/.test(hex)) return 'CBOR_INVALID';
  return /^(5f|7f|9f|bf|83018202039f|83019f|826161bf)/.test(hex) ? 'CBOR_INDEFINITE' : 'accepted';
}

function asJson(value: CborValue): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, item]) => [String(key as string | number), asJson(item)]));
  }
  if (Array.isArray(value)) return value.map(asJson);
  return value;
}

test('treats every example of RFC 8949 appendix A as the profile says', (t) => {
  if (!existsSync(APPENDIX_A)) {
    t.skip('the vectors of RFC 8949 appendix A are not there (PAWL_VECTORS)');
    return;
  }
  const vectors = JSON.parse(readFileSync(APPENDIX_A, 'utf8')) as AppendixVector[];
  assert.ok(vectors.length >= 80);
  for (const { hex, decoded, diagnostic } of vectors) {
    const expected = expectedCode(hex);
    assert.equal(
      codeOf(() => decodeCbor(fromHex(hex))),
      expected,
      hex,
    );
    if (expected !== 'accepted') continue;
    const value = decodeCbor(fromHex(hex));
    assert.equal(toHex(encodeCbor(value)), hex);
    const isExactInJson = typeof decoded !== 'number' || Number.isSafeInteger(decoded);
    if (diagnostic === undefined && isExactInJson && !(value instanceof CborTag)) {
      assert.deepEqual(asJson(value), decoded, hex);
    }
  }
});

const REFUSED: readonly (readonly [string, string, CborErrorCode])[] = [
  ['nothing at all', '', 'CBOR_TRUNCATED'],
  ['an integer without its argument', '18', 'CBOR_TRUNCATED'],
  ['an eight-byte integer that is cut', '1b0000000100000', 'CBOR_TRUNCATED'],
  ['a byte string longer than the data', '42ff', 'CBOR_TRUNCATED'],
  ['a byte string of 2^64 - 1 bytes', '5bffffffffffffffff', 'CBOR_TRUNCATED'],
  ['an array of 2^32 elements in five bytes', '9b0000000100000000', 'CBOR_TRUNCATED'],
  ['a map that lacks its last value', 'a101', 'CBOR_TRUNCATED'],
  ['a map of 2^63 pairs', 'bb8000000000000000', 'CBOR_TRUNCATED'],
  ['a tag without content', 'd2', 'CBOR_TRUNCATED'],
  ['a second item', '0000', 'CBOR_TRAILING'],
  ['a byte behind a map', 'a000', 'CBOR_TRAILING'],
  ['a key twice', 'a2010001ff', 'CBOR_DUPLICATE_KEY'],
  ['a text key twice', 'a2616100616100', 'CBOR_DUPLICATE_KEY'],
  ['an array key twice', 'a28101008101f6', 'CBOR_DUPLICATE_KEY'],
  ['an indefinite byte string', '5f4100ff', 'CBOR_INDEFINITE'],
  ['an indefinite text', '7f6161ff', 'CBOR_INDEFINITE'],
  ['an indefinite array', '9fff', 'CBOR_INDEFINITE'],
  ['an indefinite map inside an array', '81bfff', 'CBOR_INDEFINITE'],
  ['a lone break', 'ff', 'CBOR_INDEFINITE'],
  ['a break as map value', 'a101ff', 'CBOR_INDEFINITE'],
  ['zero in two bytes', '1800', 'CBOR_NOT_DETERMINISTIC'],
  ['23 in two bytes', '1817', 'CBOR_NOT_DETERMINISTIC'],
  ['255 in three bytes', '1900ff', 'CBOR_NOT_DETERMINISTIC'],
  ['65535 in five bytes', '1a0000ffff', 'CBOR_NOT_DETERMINISTIC'],
  ['2^32 - 1 in nine bytes', '1b00000000ffffffff', 'CBOR_NOT_DETERMINISTIC'],
  ['a negative integer in too many bytes', '3800', 'CBOR_NOT_DETERMINISTIC'],
  ['a long length', '580100', 'CBOR_NOT_DETERMINISTIC'],
  ['a long tag number', 'd80100', 'CBOR_NOT_DETERMINISTIC'],
  ['keys out of order', 'a202000100', 'CBOR_NOT_DETERMINISTIC'],
  ['a negative key before a positive one', 'a220000100', 'CBOR_NOT_DETERMINISTIC'],
  ['keys in the older length-first order', 'a3416100206161f6', 'CBOR_NOT_DETERMINISTIC'],
  ['a reserved additional information', '1c', 'CBOR_INVALID'],
  ['a reserved length', '5d', 'CBOR_INVALID'],
  ['a half float', 'f93c00', 'CBOR_INVALID'],
  ['a single float', 'fa47c35000', 'CBOR_INVALID'],
  ['a double float', 'fb3ff199999999999a', 'CBOR_INVALID'],
  ['an unassigned simple value', 'f0', 'CBOR_INVALID'],
  ['a two-byte simple value', 'f8ff', 'CBOR_INVALID'],
  ['text that is not UTF-8', '61ff', 'CBOR_INVALID'],
  ['text with an encoded surrogate', '63eda080', 'CBOR_INVALID'],
  ['text with an overlong encoding', '62c080', 'CBOR_INVALID'],
  ['a tag number above 2^53', 'db002000000000000000', 'CBOR_INVALID'],
  ['seventeen nested arrays', toHex(deep(17)), 'CBOR_TOO_DEEP'],
  ['seventeen nested tags', `${'c6'.repeat(17)}00`, 'CBOR_TOO_DEEP'],
  ['seventeen maps nested as keys', `${'a1'.repeat(17)}${'00'.repeat(18)}`, 'CBOR_TOO_DEEP'],
];

for (const [what, hex, code] of REFUSED) {
  test(`refuses ${what} with ${code}`, () => {
    const bytes = new Uint8Array(Buffer.from(hex, 'hex'));
    assert.equal(
      codeOf(() => decodeCbor(bytes)),
      code,
    );
  });
}

test('names the offset of the item at fault', () => {
  assert.throws(() => decodeCbor(fromHex('8301021803')), { details: { offset: 3 } });
});

test('accepts depth and size up to the limit and nothing beyond', () => {
  assert.deepEqual(decodeCbor(deep(2), { depthMax: 2 }), [[0]]);
  assert.equal(
    codeOf(() => decodeCbor(deep(3), { depthMax: 2 })),
    'CBOR_TOO_DEEP',
  );
  assert.equal(
    codeOf(() => decodeCbor(deep(16))),
    'accepted',
  );
  assert.deepEqual(decodeCbor(fromHex('420000'), { sizeBytesMax: 3 }), new Uint8Array(2));
  assert.equal(
    codeOf(() => decodeCbor(fromHex('420000'), { sizeBytesMax: 2 })),
    'CBOR_TOO_LARGE',
  );
  assert.equal(
    codeOf(() => decodeCbor(new Uint8Array(1024 * 1024 + 1))),
    'CBOR_TOO_LARGE',
  );
});

test('refuses a hundred thousand opening brackets without exhausting the stack', () => {
  assert.equal(
    codeOf(() => decodeCbor(new Uint8Array(100_000).fill(0x81))),
    'CBOR_TOO_DEEP',
  );
});

test('interprets no tag', () => {
  const tagged = decodeCbor(fromHex('d81842c049'));
  assert.deepEqual(tagged, new CborTag(24, fromHex('c049')));
  assert.deepEqual(decodeCbor(fromHex('c24101')), new CborTag(2, Uint8Array.of(1)));
  assert.deepEqual(decodeCbor(fromHex('c000')), new CborTag(0, 0));
});

test('hands out plain byte arrays and takes Node buffers for what they are', () => {
  const bytes = decodeCbor(Buffer.from('4401020304', 'hex'));
  assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype);
  assert.equal(toHex(encodeCbor(Buffer.from([1, 2]))), '420102');
  assert.equal(Object.getPrototypeOf(encodeCbor(Buffer.from([1]))), Uint8Array.prototype);
});

test('keeps integers exact: numbers while they are safe, bigints beyond', () => {
  assert.equal(decodeCbor(fromHex('1b001fffffffffffff')), Number.MAX_SAFE_INTEGER);
  assert.equal(decodeCbor(fromHex('1b0020000000000000')), 2n ** 53n);
  assert.equal(decodeCbor(fromHex('3b001fffffffffffff')), -(2n ** 53n));
  assert.equal(toHex(encodeCbor(5n)), '05');
  assert.equal(toHex(encodeCbor(2n ** 32n)), '1b0000000100000000');
});

const UNENCODABLE: readonly (readonly [string, unknown])[] = [
  ['a fraction', 1.5],
  ['not a number', Number.NaN],
  ['minus zero', -0],
  ['an unsafe number', 2 ** 53],
  ['an integer above 64 bits', 2n ** 64n],
  ['an integer below 64 bits', -(2n ** 64n) - 1n],
  ['an unpaired surrogate', '\ud800'],
  ['a plain object', { a: 1 }],
  ['a date', new Date(0)],
  ['a symbol', Symbol.for('a')],
  ['a function', (): void => undefined],
  ['a negative tag', new CborTag(-1, 0)],
  ['a value nested too deeply', Array.from({ length: 17 }).reduce((inner: unknown) => [inner], 0)],
];

for (const [what, value] of UNENCODABLE) {
  test(`does not encode ${what}`, () => {
    assert.equal(
      codeOf(() => encodeCbor(value as CborValue)),
      'CBOR_VALUE_UNENCODABLE',
    );
  });
}

test('does not encode a map with two keys of the same encoding', () => {
  assert.equal(
    codeOf(() =>
      encodeCbor(
        new Map<CborValue, CborValue>([
          [1, 0],
          [1n, 0],
        ]),
      ),
    ),
    'CBOR_DUPLICATE_KEY',
  );
  const bytesTwice = new Map<CborValue, CborValue>([
    [utf8('a'), 0],
    [utf8('a'), 1],
  ]);
  assert.equal(
    codeOf(() => encodeCbor(bytesTwice)),
    'CBOR_DUPLICATE_KEY',
  );
});

const integer = fc
  .bigInt({ min: -(2n ** 64n), max: 2n ** 64n - 1n })
  .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value));

const value = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.maxSafeInteger().map((number) => (number === 0 ? 0 : number)),
    integer,
    fc.string({ unit: 'binary' }),
    fc.boolean(),
    fc.constantFrom(null, undefined),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .uniqueArray(fc.tuple(fc.oneof(fc.integer(), fc.string()), tie('value')), {
        selector: ([key]) => key,
        maxLength: 5,
      })
      .map((entries) => new Map<CborValue, CborValue>(entries.map(([key, item]) => [key === 0 ? 0 : key, item]))),
    fc.tuple(fc.nat(), tie('value')).map(([tag, item]) => new CborTag(tag, item)),
  ),
})).value;

function hasTag(item: CborValue): boolean {
  if (Array.isArray(item)) return item.some(hasTag);
  if (item instanceof Map) return [...item.values()].some(hasTag);
  return item instanceof CborTag || item === -(2n ** 53n);
}

/** The same value with map entries in the order of their encoded keys, as they come out. */
function ordered(item: CborValue): CborValue {
  if (Array.isArray(item)) return item.map(ordered);
  if (item instanceof CborTag) return new CborTag(item.tag, ordered(item.value));
  if (!(item instanceof Map)) return item;
  const entries = [...item].toSorted(([a], [b]) => Buffer.compare(encodeCbor(a), encodeCbor(b)));
  return new Map(entries.map(([key, inner]) => [key, ordered(inner)]));
}

test('decodes what it encoded', () => {
  fc.assert(
    fc.property(value, (item) => {
      assert.deepEqual(decodeCbor(encodeCbor(item)), ordered(item));
    }),
  );
});

test('reads what cbor2 reads in its deterministic mode', () => {
  // Tags apart, which cbor2 would interpret, and -2^53, which it does not read exactly.
  const untagged = value.filter((item) => !hasTag(item));
  fc.assert(
    fc.property(untagged, (item) => {
      const bytes = encodeCbor(item);
      assert.deepEqual(decodeCbor(bytes), decode(bytes, { cde: true, preferMap: true }));
    }),
  );
});

test('accepts no bytes that cbor2 refuses in its deterministic mode', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 24 }), (bytes) => {
      if (codeOf(() => decodeCbor(bytes)) !== 'accepted') return;
      assert.doesNotThrow(() => decode(bytes, { cde: true, preferMap: true, ignoreGlobalTags: true }));
    }),
    { numRuns: 5000 },
  );
});

test('either refuses arbitrary bytes or encodes them back exactly', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      if (codeOf(() => decodeCbor(bytes)) === 'accepted') {
        assert.equal(toHex(encodeCbor(decodeCbor(bytes))), toHex(bytes));
      }
    }),
    { numRuns: 2000 },
  );
});

// A COSE_Sign1 in its tag: nested maps, byte strings, text, negative and large integers.
const SAMPLE = encodeCbor(
  new CborTag(18, [
    encodeCbor(
      new Map<CborValue, CborValue>([
        [1, -7],
        [4, utf8('11')],
      ]),
    ),
    new Map<CborValue, CborValue>([
      [-65537, 2n ** 60n],
      ['x', [true, null, 'é', 1000, 100_000]],
    ]),
    null,
    new Uint8Array(300).fill(7),
  ]),
);

test('refuses every truncation of a message', () => {
  for (let length = 0; length < SAMPLE.length; length++) {
    assert.equal(
      codeOf(() => decodeCbor(SAMPLE.subarray(0, length))),
      'CBOR_TRUNCATED',
      `length ${length}`,
    );
  }
});

test('refuses every message with one bit flipped, or encodes exactly the flipped bytes', () => {
  for (let bit = 0; bit < SAMPLE.length * 8; bit++) {
    const flipped = SAMPLE.slice();
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    if (codeOf(() => decodeCbor(flipped)) === 'accepted') {
      assert.equal(toHex(encodeCbor(decodeCbor(flipped))), toHex(flipped), `bit ${bit}`);
    }
  }
});

test('has a test above or beside for each of its codes', () => {
  const seen = new Set<string>([...REFUSED.map(([, , code]) => code), 'CBOR_TOO_LARGE', 'CBOR_VALUE_UNENCODABLE']);
  seen.add('CBOR_TYPE_UNEXPECTED');
  assert.deepEqual(Object.keys(CBOR_ERRORS).toSorted(), [...seen].toSorted());
});

test('reads map keys in any order where that is asked for, and still no key twice', () => {
  const unsorted = fromHex('a3200103040102');
  assert.throws(() => decodeCbor(unsorted), { code: 'CBOR_NOT_DETERMINISTIC' });
  assert.deepEqual(
    decodeCbor(unsorted, { order: 'any' }),
    new Map([
      [-1, 1],
      [3, 4],
      [1, 2],
    ]),
  );
  for (const twice of ['a3010202030104', 'a2010201020304'.slice(0, 10)]) {
    assert.throws(() => decodeCbor(fromHex(twice), { order: 'any' }), { code: 'CBOR_DUPLICATE_KEY' });
  }
});
