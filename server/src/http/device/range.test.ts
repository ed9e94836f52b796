import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decideDownload, type FileFacts, parseRange, type RangeHeaders } from './range.ts';

const LAST_MODIFIED = new Date('2026-03-01T10:00:00Z');
const file = (sizeBytes: number): FileFacts => ({ sizeBytes, etag: 'abc123', lastModified: LAST_MODIFIED });
const plan = (headers: RangeHeaders, sizeBytes = 1000) => decideDownload(headers, file(sizeBytes), 'BOUNDARY');

const SINGLE: readonly (readonly [string, number, readonly [number, number] | 'unsatisfiable' | undefined])[] = [
  ['bytes=0-', 1000, [0, 999]],
  ['bytes=0-0', 1000, [0, 0]],
  ['bytes=10-19', 1000, [10, 19]],
  ['bytes=990-5000', 1000, [990, 999]],
  ['bytes=-1', 1000, [999, 999]],
  ['bytes=-5000', 1000, [0, 999]],
  ['Bytes = 1-2', 1000, [1, 2]],
  ['bytes=1000-', 1000, 'unsatisfiable'],
  ['bytes=-0', 1000, 'unsatisfiable'],
  ['bytes=-', 1000, 'unsatisfiable'],
  ['bytes=5-4', 1000, 'unsatisfiable'],
  ['bytes=a-b', 1000, 'unsatisfiable'],
  ['bytes=0x1-2', 1000, 'unsatisfiable'],
  ['bytes=', 1000, 'unsatisfiable'],
  ['bytes', 1000, 'unsatisfiable'],
  ['bytes=0-', 0, 'unsatisfiable'],
  ['bytes=-5', 0, 'unsatisfiable'],
  ['lines=1-2', 1000, undefined],
  // 64-bit positions: exact at 2^31, 2^32 and up to the largest size that a number holds.
  ['bytes=2147483648-', 2 ** 31 + 5, [2 ** 31, 2 ** 31 + 4]],
  ['bytes=4294967296-4294967297', 2 ** 32 + 5, [2 ** 32, 2 ** 32 + 1]],
  ['bytes=9007199254740989-', 2 ** 53 - 1, [2 ** 53 - 3, 2 ** 53 - 2]],
  ['bytes=9007199254740993-', 2 ** 53 - 1, 'unsatisfiable'],
  ['bytes=0-18446744073709551615', 1000, [0, 999]],
  ['bytes=18446744073709551616-', 1000, 'unsatisfiable'],
  [`bytes=0-${'9'.repeat(300)}`, 1000, [0, 999]],
  [`bytes=${'9'.repeat(300)}-`, 1000, 'unsatisfiable'],
];

for (const [header, size, expected] of SINGLE) {
  test(`reads ${header.slice(0, 60)} of ${size} bytes`, () => {
    const actual = parseRange(header, size);
    const want = Array.isArray(expected) ? [{ start: expected[0], end: expected[1] }] : expected;
    assert.deepEqual(actual, want);
  });
}

test('answers a request without a range with the whole file', () => {
  assert.deepEqual(plan({}), {
    status: 200,
    contentType: 'application/octet-stream',
    sizeBytes: 1000,
    segments: [{ start: 0, end: 999 }],
  });
});

test('answers an empty file with no bytes at all', () => {
  const answer = plan({}, 0);
  assert.equal(answer.status, 200);
  assert.deepEqual('segments' in answer && answer.segments, []);
});

test('answers one range with 206 and its Content-Range', () => {
  assert.deepEqual(plan({ range: 'bytes=100-' }), {
    status: 206,
    contentType: 'application/octet-stream',
    contentRange: 'bytes 100-999/1000',
    sizeBytes: 900,
    segments: [{ start: 100, end: 999 }],
  });
});

test('answers a range outside the file with 416 and the length', () => {
  assert.deepEqual(plan({ range: 'bytes=1000-' }), { status: 416, contentRange: 'bytes */1000' });
});

test('answers several ranges as multipart whose length is exact', () => {
  const answer = plan({ range: 'bytes=0-1, 998-' });
  assert.equal(answer.status, 206);
  if (!('segments' in answer)) assert.fail();
  assert.equal(answer.contentType, 'multipart/byteranges; boundary=BOUNDARY');
  const text = answer.segments
    .map((segment) => ('bytes' in segment ? Buffer.from(segment.bytes).toString() : 'xx'))
    .join('');
  assert.equal(
    text,
    '--BOUNDARY\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 0-1/1000\r\n\r\nxx' +
      '\r\n--BOUNDARY\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes 998-999/1000\r\n\r\nxx' +
      '\r\n--BOUNDARY--\r\n',
  );
  assert.equal(answer.sizeBytes, text.length);
});

test('leaves out the ranges that cannot be satisfied when another can', () => {
  const answer = plan({ range: 'bytes=5000-, 1-2' });
  assert.equal('contentRange' in answer && answer.contentRange, 'bytes 1-2/1000');
});

test('refuses many ranges, and ranges that ask for more than the file', () => {
  assert.equal(plan({ range: `bytes=${Array.from({ length: 17 }, (_, i) => `${i}-${i}`).join(',')}` }).status, 416);
  assert.equal(plan({ range: 'bytes=0-,0-' }).status, 416);
});

const CONDITIONS: readonly (readonly [string, RangeHeaders, number])[] = [
  ['If-Match with the tag', { ifMatch: '"abc123"' }, 200],
  ['If-Match with the bare tag', { ifMatch: 'abc123' }, 200],
  ['If-Match in a list', { ifMatch: '"x", "abc123"' }, 200],
  ['If-Match *', { ifMatch: '*' }, 200],
  ['If-Match with another tag', { ifMatch: '"other"' }, 412],
  ['If-Match with a weak tag', { ifMatch: 'W/"abc123"' }, 412],
  ['If-None-Match with the tag', { ifNoneMatch: '"abc123"' }, 304],
  ['If-None-Match with the weak tag', { ifNoneMatch: 'W/"abc123"' }, 304],
  ['If-None-Match with another', { ifNoneMatch: '"other"' }, 200],
  ['If-Range with the tag', { range: 'bytes=1-', ifRange: '"abc123"' }, 206],
  ['If-Range with the date', { range: 'bytes=1-', ifRange: 'Sun, 01 Mar 2026 10:00:00 GMT' }, 206],
  ['If-Range with another tag', { range: 'bytes=1-', ifRange: '"other"' }, 200],
  ['If-Range with a later date', { range: 'bytes=1-', ifRange: 'Sun, 01 Mar 2026 10:00:01 GMT' }, 200],
  ['If-Range with a stale tag and a bad range', { range: 'bytes=9999-', ifRange: '"other"' }, 200],
];

for (const [name, headers, status] of CONDITIONS) {
  test(`${name} gives ${status}`, () => assert.equal(plan(headers).status, status));
}

test('never plans a byte outside the file, whatever the header', () => {
  const number = fc.oneof(fc.constant(''), fc.bigInt({ min: 0n, max: 2n ** 65n }).map(String), fc.nat(50).map(String));
  const spec = fc.tuple(number, number).map(([a, b]) => `${a}-${b}`);
  fc.assert(
    fc.property(fc.array(spec, { minLength: 1, maxLength: 20 }), fc.nat(60), (specs, size) => {
      const answer = plan({ range: `bytes=${specs.join(',')}` }, size);
      if (!('segments' in answer)) return;
      let length = 0;
      for (const segment of answer.segments) {
        if ('bytes' in segment) length += segment.bytes.length;
        else {
          assert.ok(segment.start >= 0 && segment.start <= segment.end && segment.end < size);
          length += segment.end - segment.start + 1;
        }
      }
      assert.equal(answer.sizeBytes, length);
    }),
  );
});
