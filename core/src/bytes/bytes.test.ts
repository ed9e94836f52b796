import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ByteReader,
  BytesError,
  type BytesErrorCode,
  CodedError,
  concat,
  errorRow,
  fromBase64,
  fromBase64Url,
  fromHex,
  fromUtf8,
  isCodedError,
  isEqualBytes,
  quote,
  safeSize,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from './index.ts';

function refuses(code: BytesErrorCode, act: () => unknown): void {
  assert.throws(act, (error) => error instanceof BytesError && error.code === code);
}

const bytes = fc.uint8Array({ maxLength: 200 });

test('hex, base64 and base64url come back as they went', () => {
  fc.assert(
    fc.property(bytes, (value) => {
      assert.deepEqual(fromHex(toHex(value)), value);
      assert.deepEqual(fromBase64(toBase64(value)), value);
      assert.deepEqual(fromBase64Url(toBase64Url(value)), value);
    }),
  );
});

test('one value has one spelling: what is accepted is what would be written', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 24 }), (text) => {
      for (const [read, write] of [
        [fromHex, toHex],
        [fromBase64, toBase64],
        [fromBase64Url, toBase64Url],
      ] as const) {
        let value: Uint8Array;
        try {
          value = read(text);
        } catch (error) {
          assert.ok(isCodedError(error));
          continue;
        }
        assert.equal(write(value), text);
      }
    }),
  );
});

// RFC 4648 §10.
test('base64 is that of RFC 4648', () => {
  for (const [plain, encoded] of [
    ['', ''],
    ['f', 'Zg=='],
    ['fo', 'Zm8='],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg=='],
    ['fooba', 'Zm9vYmE='],
    ['foobar', 'Zm9vYmFy'],
  ] as const) {
    assert.equal(toBase64(utf8(plain)), encoded);
    assert.equal(fromUtf8(fromBase64(encoded)), plain);
  }
});

test('refuses text that is almost hex or base64', () => {
  for (const text of ['0', 'AB', '0g', ' 00']) refuses('BYTES_HEX_INVALID', () => fromHex(text));
  for (const text of ['Zg', 'Zg=', 'Zh==', 'Zm9v\n', 'Zm-_']) refuses('BYTES_BASE64_INVALID', () => fromBase64(text));
  for (const text of ['Zg==', 'Zh', 'Zm+/']) refuses('BYTES_BASE64_INVALID', () => fromBase64Url(text));
});

test('refuses bytes that are not UTF-8, and keeps a byte order mark', () => {
  for (const hex of ['ff', 'c080', 'eda080', 'f4908080', 'e282']) {
    refuses('BYTES_UTF8_INVALID', () => fromUtf8(fromHex(hex)));
  }
  assert.equal(fromUtf8(fromHex('efbbbf61')), '\ufeffa');
});

test('sizes are exact up to 2^53 - 1 and refused beyond, never rounded', () => {
  for (const size of [0n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 53n - 1n]) {
    assert.equal(BigInt(safeSize(size, 'size')), size);
  }
  for (const size of [2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n, -1n]) {
    refuses('BYTES_INTEGER_UNSAFE', () => safeSize(size, 'size'));
  }
  for (const size of [2 ** 53, -1]) refuses('BYTES_INTEGER_UNSAFE', () => safeSize(size, 'size'));
});

test('equality looks at length and content', () => {
  assert.ok(isEqualBytes(utf8('abc'), utf8('abc')));
  assert.ok(!isEqualBytes(utf8('abc'), utf8('abd')));
  assert.ok(!isEqualBytes(utf8('abc'), utf8('ab')));
  assert.ok(isEqualBytes(concat(), new Uint8Array()));
  assert.equal(fromUtf8(concat(utf8('a'), utf8(''), utf8('bc'))), 'abc');
});

test('the reader gives each field once and refuses to read past the end', () => {
  const reader = new ByteReader(fromHex('01020304050607080910111213141516ffee'));
  assert.equal(reader.u8(), 0x01);
  assert.equal(reader.u16le(), 0x0302);
  assert.equal(reader.u16be(), 0x0405);
  assert.equal(reader.u32le(), 0x09080706);
  assert.equal(reader.u32be(), 0x10111213);
  assert.equal(toHex(reader.bytes(3)), '141516');
  assert.equal(reader.offset, 16);
  assert.equal(reader.remaining, 2);
  refuses('BYTES_TRUNCATED', () => reader.u64be());
  refuses('BYTES_TRUNCATED', () => reader.bytes(3));
  refuses('BYTES_TRUNCATED', () => reader.bytes(-1));
  assert.equal(reader.remaining, 2);
  assert.equal(new ByteReader(fromHex('00ffffffffffffffff'), 1).u64be(), 2n ** 64n - 1n);
});

test('an error says what, with details quoted and cut, and never more', () => {
  const error = new CodedError(
    'X_CODE',
    { message: 'it is not so', advice: 'Do.' },
    { at: 'a\n"b', n: 3, no: undefined },
  );
  assert.equal(error.message, 'it is not so (at "a\\n\\"b", n 3)');
  assert.equal(error.status, 500);
  assert.equal(quote('x'.repeat(100)).length, 64 + 3);
  assert.ok(isCodedError(error));
  assert.ok(!isCodedError(new Error('no')));
  assert.throws(() => errorRow({}, 'X_CODE' as never), TypeError);
});
