import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../bytes/index.ts';
import { encodeCbor, walkCbor } from '../cbor/index.ts';
import { explainEnvelope } from './explain.ts';
import {
  CLASS_ID,
  commands,
  IMAGE,
  type Item,
  imageDigest,
  manifest,
  map,
  signRaw,
  VENDOR_ID,
} from './fixture.test.ts';
import { severManifest } from './sign.ts';

const COMMANDS: Item[][] = [
  [15, [commands(5, 15), commands(14, 15)]],
  [32, commands(24, 2)],
  [34, map({ 0: map({ 18: IMAGE }) })],
  [35, map({ 0: [18] })],
  [-300, utf8('custom')],
  [20, map({ 3: imageDigest(IMAGE), 21: 'a\u001bname' }), 21, 2],
];
const INSTALL = commands(...COMMANDS.flat());
const LONG = commands(20, map({ 18: new Uint8Array(60) }), 18, 15);

test('every line stands at the offset that it names', async () => {
  const bytes = await signRaw(manifest({ elements: { 20: INSTALL } }));
  const lines = explainEnvelope(bytes);
  const at = (text: string): number => {
    const found = lines.find((line) => line.text.startsWith(text));
    assert.ok(found !== undefined, text);
    return found.offset;
  };
  // The bytes at an offset are those that CBOR would write for the value shown.
  const startsWith = (offset: number, expected: Uint8Array): void =>
    assert.deepEqual(bytes.subarray(offset, offset + expected.length), expected);
  startsWith(at('vendor-id'), encodeCbor(VENDOR_ID));
  startsWith(at('class-id'), encodeCbor(CLASS_ID));
  startsWith(at('uri'), encodeCbor('a\u001bname'));
  startsWith(at('directive fetch'), Uint8Array.of(21, 2));
  startsWith(at('condition vendor-identifier'), Uint8Array.of(1, 15));
  startsWith(at('directive override-multiple'), Uint8Array.of(0x18, 34));
  startsWith(at('algorithm: -9 ESP256'), Uint8Array.of(0x28));
  startsWith(at('image-digest: SHA-256'), Uint8Array.of(0x82, 0x2f));
});

test('names nested commands, and shows what it cannot name as it is, without control characters', async () => {
  const bytes = await signRaw(manifest({ elements: { 20: INSTALL, 99: 1 } }));
  const text = explainEnvelope(bytes).map((line) => line.text);
  for (const expected of ['branch 0', 'condition component-slot 15', 'condition device-identifier 2', '99: 1']) {
    assert.ok(text.includes(expected), expected);
  }
  assert.ok(text.some((line) => line.startsWith('command -300')));
  assert.ok(text.every((line) => !line.includes('\u001b')));
});

test('a severed section shows its digest in the manifest, and itself in the envelope', async () => {
  const { manifest: small, members } = severManifest(manifest({ elements: { 20: LONG } }), ['install']);
  const text = explainEnvelope(await signRaw(small, undefined, { members })).map((line) => line.text);
  assert.ok(text.some((line) => line.startsWith('install (digest of the severed member): SHA-256')));
  assert.ok(text.includes('install (severed)'));
});

test('explains what is broken as far as it can be read, and only CBOR at all', async () => {
  const bytes = await signRaw(new Uint8Array([0xff]));
  assert.ok(explainEnvelope(bytes).some(({ text }) => text.startsWith("manifest: h'ff'")));
  assert.throws(() => explainEnvelope(utf8('no envelope')), { name: 'CborError' });
  assert.ok(explainEnvelope(encodeCbor([1, 2])).length > 0);
});

test('the tree of offsets covers the bytes without a gap', async () => {
  const bytes = await signRaw(manifest({ elements: { 20: INSTALL } }));
  const check = (node: ReturnType<typeof walkCbor>): void => {
    let at = node.contentStart;
    for (const child of node.children) {
      assert.equal(child.start, at);
      check(child);
      at = child.end;
    }
    if (node.children.length > 0) assert.equal(at, node.end);
  };
  const tree = walkCbor(bytes, { order: 'any' });
  check(tree);
  assert.deepEqual([tree.start, tree.end], [0, bytes.length]);
});
