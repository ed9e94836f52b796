import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEVICE_OPERATIONS } from '@pawl/contract/device';
import { utf8 } from '@pawl/core/bytes';
import { decodeCbor, encodeCbor } from '@pawl/core/cbor';
import { DeviceApiError } from './errors.ts';
import { decodeDocument, encodeDocument, negotiate, parseBody } from './representation.ts';

const ACCEPTS: readonly (readonly [string | undefined, string])[] = [
  [undefined, 'application/hal+json'],
  ['', 'application/hal+json'],
  ['*/*', 'application/hal+json'],
  ['application/json', 'application/json'],
  ['application/json;charset=UTF-8', 'application/json'],
  ['application/hal+json', 'application/hal+json'],
  ['application/cbor', 'application/cbor'],
  ['application/cbor, application/json;q=0.5', 'application/cbor'],
  ['application/json;q=0.9, */*;q=0.1', 'application/json'],
  ['application/*;q=0.5, application/hal+json;q=0', 'application/json'],
  ['text/html, */*;q=0.8', 'application/hal+json'],
];

for (const [accept, expected] of ACCEPTS) {
  test(`Accept ${accept ?? 'missing'} gives ${expected}`, () => assert.equal(negotiate(accept), expected));
}

test('refuses an Accept that nothing of ours satisfies', () => {
  for (const accept of ['text/html', 'application/json;q=0']) {
    assert.throws(() => negotiate(accept), { code: 'DEVICE_ACCEPT_UNSUPPORTED' });
  }
});

test('writes the same document as JSON and as CBOR, without undefined members', () => {
  const document = { id: '17', n: 5, list: [true, { a: 'ü' }], left: undefined };
  const asJson = JSON.parse(encodeDocument(document, 'application/json').body.toString());
  assert.deepEqual(asJson, { id: '17', n: 5, list: [true, { a: 'ü' }] });
  const asCbor = decodeCbor(encodeDocument(document, 'application/cbor').body as Uint8Array);
  assert.deepEqual(
    asCbor,
    new Map<string, unknown>([
      ['n', 5],
      ['id', '17'],
      ['list', [true, new Map([['a', 'ü']])]],
    ]),
  );
});

const feedbackSchema = DEVICE_OPERATIONS.postDeploymentFeedback.body;
const configSchema = DEVICE_OPERATIONS.putConfigData.body;
const STATUS = { execution: 'closed', result: { finished: 'success' } };
const json = (value: unknown): Uint8Array => utf8(JSON.stringify(value));

test('ignores unknown members, and id and time of any type', () => {
  for (const extra of [
    { id: 17, time: '20260131T101112' },
    { id: '', time: 5, timestamp: 1_700_000_000_000 },
    { id: { a: [] }, time: null, weather: 'fair' },
  ]) {
    const body = parseBody(feedbackSchema, json({ ...extra, status: { ...STATUS, more: 1 } }), 'application/json');
    assert.deepEqual(body, { status: STATUS });
  }
});

test('takes a CBOR body', () => {
  const bytes = encodeCbor(
    new Map([
      [
        'status',
        new Map<string, string | Map<string, string>>([
          ['execution', 'closed'],
          ['result', new Map([['finished', 'none']])],
        ]),
      ],
    ]),
  );
  assert.equal(parseBody(feedbackSchema, bytes, 'application/cbor').status.result.finished, 'none');
});

const MALFORMED: readonly (readonly [string, Uint8Array, string])[] = [
  ['no bytes', utf8(''), 'application/json'],
  ['cut JSON', utf8('{"status":'), 'application/json'],
  ['trailing JSON', utf8('{} {}'), 'application/json'],
  ['a repeated member', utf8('{"status":1,"sta\\u0074us":{}}'), 'application/json'],
  ['nesting of 17', utf8(`${'['.repeat(17)}${']'.repeat(17)}`), 'application/json'],
  ['nesting of 100000', utf8('['.repeat(100_000)), 'application/json'],
  ['not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'application/json'],
  ['cut CBOR', Uint8Array.of(0xa1, 0x61), 'application/cbor'],
  ['trailing CBOR', Uint8Array.of(0xa0, 0xa0), 'application/cbor'],
  ['repeated CBOR keys', Uint8Array.of(0xa2, 0x61, 0x61, 1, 0x61, 0x61, 1), 'application/cbor'],
  ['CBOR keys that are not text', Uint8Array.of(0xa1, 1, 1), 'application/cbor'],
  ['an array', json([]), 'application/json'],
  ['no status', json({}), 'application/json'],
  ['an unknown execution', json({ status: { ...STATUS, execution: 'done' } }), 'application/json'],
  ['no result', json({ status: { execution: 'closed' } }), 'application/json'],
  ['a code beyond 32 bits', json({ status: { ...STATUS, code: 2 ** 31 } }), 'application/json'],
  ['51 details', json({ status: { ...STATUS, details: Array(51).fill('x') } }), 'application/json'],
];

for (const [name, bytes, type] of MALFORMED) {
  test(`refuses a body with ${name}`, () => {
    assert.throws(() => parseBody(feedbackSchema, bytes, type), { code: 'DEVICE_BODY_MALFORMED' });
  });
}

test('refuses other media types', () => {
  for (const type of [undefined, '', 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonx']) {
    assert.throws(() => decodeDocument(json({}), type), { code: 'DEVICE_CONTENT_TYPE_UNSUPPORTED' });
  }
  assert.deepEqual(decodeDocument(json({}), 'Application/JSON; charset=utf-8'), {});
});

test('reads a long run of open quotes in linear time', () => {
  const started = process.hrtime.bigint();
  assert.throws(() => decodeDocument(utf8(`["${'\\"'.repeat(120_000)}`), 'application/json'), DeviceApiError);
  assert.ok(process.hrtime.bigint() - started < 1_000_000_000n);
});

test('holds attributes to their quota', () => {
  const put = (body: unknown) => parseBody(configSchema, json(body), 'application/json');
  assert.deepEqual(put({ id: '', time: 1, status: {}, data: { VIN: 'x' } }), { data: { VIN: 'x' } });
  assert.equal(put({ mode: 'remove', data: { VIN: null } }).mode, 'remove');
  for (const body of [
    { data: {} },
    { mode: 'merge' },
    { mode: 'clear', data: { a: '1' } },
    { data: { ['k'.repeat(129)]: 'v' } },
    { data: { k: 'v'.repeat(129) } },
    { data: { k: 5 } },
    { data: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`k${i}`, 'v'])) },
  ]) {
    assert.throws(() => put(body), { code: 'DEVICE_BODY_MALFORMED' });
  }
});
