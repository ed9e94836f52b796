import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CborTag, type CborValue, encodeCbor } from '../cbor/index.ts';
import { LIMITS } from './constants.ts';
import { encodeEnvelope, parseEnvelope } from './envelope.ts';
import { map } from './fixture.test.ts';

const WRAPPER = encodeCbor([new Uint8Array(3)]);
const MANIFEST = new Uint8Array(3);

function tagged(value: CborValue, tag = 107): Uint8Array {
  return encodeCbor(new CborTag(tag, value));
}

const TABLE: [string, string, Uint8Array][] = [
  ['no bytes', 'SUIT_ENVELOPE_MALFORMED', new Uint8Array()],
  ['no tag', 'SUIT_ENVELOPE_MALFORMED', encodeCbor(map({ 2: WRAPPER, 3: MANIFEST }))],
  ['another tag', 'SUIT_ENVELOPE_MALFORMED', tagged(map({ 2: WRAPPER, 3: MANIFEST }), 1070)],
  ['an array', 'SUIT_ENVELOPE_MALFORMED', tagged([WRAPPER, MANIFEST])],
  ['no manifest', 'SUIT_ENVELOPE_MALFORMED', tagged(map({ 2: WRAPPER }))],
  ['a manifest that is no byte string', 'SUIT_ENVELOPE_MALFORMED', tagged(map({ 2: WRAPPER, 3: 'x' }))],
  ['no wrapper', 'SUIT_AUTHENTICATION_MISSING', tagged(map({ 3: MANIFEST }))],
  ['a wrapper that is no byte string', 'SUIT_ENVELOPE_MALFORMED', tagged(map({ 2: [], 3: MANIFEST }))],
  ['an empty wrapper', 'SUIT_ENVELOPE_MALFORMED', tagged(map({ 2: encodeCbor([]), 3: MANIFEST }))],
  ['a wrapper of other things', 'SUIT_ENVELOPE_MALFORMED', tagged(map({ 2: encodeCbor([1]), 3: MANIFEST }))],
  ['delegation, which is gone', 'SUIT_ELEMENT_UNSUPPORTED', tagged(map({ 1: MANIFEST, 2: WRAPPER, 3: MANIFEST }))],
  ['an unknown key', 'SUIT_ELEMENT_UNSUPPORTED', tagged(map({ 2: WRAPPER, 3: MANIFEST, 99: MANIFEST }))],
  ['an element that was removed', 'SUIT_ELEMENT_UNSUPPORTED', tagged(map({ 1: MANIFEST, 2: WRAPPER, 3: MANIFEST }))],
  [
    'validate, which cannot be severed',
    'SUIT_ELEMENT_UNSUPPORTED',
    tagged(map({ 2: WRAPPER, 3: MANIFEST, 7: MANIFEST })),
  ],
  ['a member that is no byte string', 'SUIT_ENVELOPE_MALFORMED', tagged(map({ 2: WRAPPER, 3: MANIFEST, 20: 'x' }))],
  ['the bytes twice', 'SUIT_ENVELOPE_MALFORMED', encodeCbor([1, 2])],
  ['keys out of order', 'SUIT_ENVELOPE_MALFORMED', new Uint8Array([0xd8, 0x6b, 0xa2, 0x03, 0x40, 0x02, 0x40])],
  ['a key twice', 'SUIT_ENVELOPE_MALFORMED', new Uint8Array([0xd8, 0x6b, 0xa2, 0x02, 0x40, 0x02, 0x40])],
  ['an indefinite map', 'SUIT_ENVELOPE_MALFORMED', new Uint8Array([0xd8, 0x6b, 0xbf, 0x02, 0x40, 0x03, 0x40, 0xff])],
  ['a long tag', 'SUIT_ENVELOPE_MALFORMED', new Uint8Array([0xd9, 0x00, 0x6b, 0xa0])],
  ['deep nesting', 'SUIT_ENVELOPE_MALFORMED', new Uint8Array(5000).fill(0x81)],
  [
    'too many blocks',
    'SUIT_LIMIT_EXCEEDED',
    tagged(map({ 2: encodeCbor(Array.from({ length: 10 }, () => MANIFEST)), 3: MANIFEST })),
  ],
  ['too many bytes', 'SUIT_LIMIT_EXCEEDED', new Uint8Array(LIMITS.envelopeSizeBytesMax + 1)],
];

test('refuses what is no envelope, each with its code', () => {
  for (const [name, code, bytes] of TABLE) {
    assert.throws(() => parseEnvelope(bytes), { name: 'SuitError', code }, name);
  }
});

test('integrated payloads are accepted only when asked for, by name and size', () => {
  const holding = (name: string, length = 8): Uint8Array => {
    const elements = map({ 2: WRAPPER, 3: MANIFEST });
    elements.set(name, new Uint8Array(length));
    return tagged(elements);
  };
  assert.throws(() => parseEnvelope(holding('#p')), { code: 'SUIT_ELEMENT_UNSUPPORTED' });
  const options = { integratedSizeBytesMax: 8 };
  assert.deepEqual([...parseEnvelope(holding('#p'), options).integrated.keys()], ['#p']);
  assert.throws(() => parseEnvelope(holding('#p', 9), options), { code: 'SUIT_LIMIT_EXCEEDED' });
  for (const name of ['p', '', '#', '#../x', '#a b', `#${'x'.repeat(129)}`]) {
    assert.throws(() => parseEnvelope(holding(name), options), { code: 'SUIT_ELEMENT_UNSUPPORTED' }, name);
  }
});

test('every envelope that is written is read back, and written again the same', () => {
  const bytes = fc.uint8Array({ maxLength: 64 });
  const envelopes = fc.record({
    digest: bytes,
    blocks: fc.array(bytes, { maxLength: LIMITS.authenticationBlocksMax }),
    manifest: bytes,
    members: fc.array(fc.tuple(fc.constantFrom(14, 16, 20, 23), bytes)).map((entries) => new Map(entries)),
    integrated: fc.array(fc.tuple(fc.stringMatching(/^#[a-z0-9._-]{1,8}$/), bytes)).map((entries) => new Map(entries)),
  });
  fc.assert(
    fc.property(envelopes, (envelope) => {
      const encoded = encodeEnvelope(envelope);
      const parsed = parseEnvelope(encoded, { integratedSizeBytesMax: 4096 });
      assert.deepEqual(parsed.blocks, envelope.blocks);
      assert.deepEqual(parsed.members, envelope.members);
      assert.deepEqual(parsed.integrated, envelope.integrated);
      assert.deepEqual(encodeEnvelope(parsed), encoded);
    }),
  );
});
