import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeCbor } from '../cbor/index.ts';
import { sha256 } from '../crypto/index.ts';
import { describeManifest } from './describe.ts';
import {
  CLASS_ID,
  commands,
  IMAGE,
  type Item,
  imageDigest,
  manifest,
  map,
  OTHER_IMAGE,
  VENDOR_ID,
  verified,
} from './fixture.test.ts';

type Parts = {
  readonly shared?: Item[];
  readonly install?: Item[];
  readonly version?: number[] | null;
  readonly validate?: Item[];
  readonly load?: Item[];
  readonly invoke?: Item[];
};

const IDENTIFIERS = [20, map({ 1: VENDOR_ID, 2: CLASS_ID }), 1, 15, 2, 15];
const IMAGE_SET = [20, map({ 3: imageDigest(IMAGE), 14: IMAGE.length })];
const COUNTER = [20, map({ [-257]: 9 }), -257, 15];
const FETCH = [12, 0, 20, map({ 21: 'x.enc' }), 21, 2];
const COPY = [12, 1, 20, map({ 22: 0, 19: new Uint8Array([1]) }), 22, 2, 3, 15];
const SHARED = [12, 1, ...IDENTIFIERS, ...IMAGE_SET];
const INSTALL = [12, 1, ...COUNTER, ...FETCH, ...COPY];

async function describe({
  shared = SHARED,
  install = INSTALL,
  version = [1, 2, 3],
  ...others
}: Parts): Promise<unknown> {
  const { validate = [12, 1, 3, 15], load = [12, 1, 14, 15], invoke = [12, 1, 23, 2] } = others;
  const setVersion = version === null ? undefined : encodeCbor(version);
  const bytes = manifest({
    components: [[new Uint8Array([1])], [new Uint8Array([2])]],
    shared: commands(...shared),
    elements: {
      2: 77,
      6: setVersion,
      7: commands(...validate),
      8: commands(...load),
      9: commands(...invoke),
      20: commands(...install),
    },
  });
  return describeManifest(await verified(bytes));
}

const EXPECTED = {
  vendorId: VENDOR_ID,
  classId: CLASS_ID,
  sequenceNumber: 77n,
  securityCounter: 9n,
  version: '1.2.3',
  imageDigest: sha256(IMAGE),
  imageSizeBytes: IMAGE.length,
  payloads: [{ uri: 'x.enc', encryptionInfo: new Uint8Array([1]) }],
};

test('says what a manifest installs', async () => {
  assert.deepEqual(await describe({}), EXPECTED);
  const plain = [12, 1, ...COUNTER, ...FETCH, 12, 1, 20, map({ 22: 0 }), 22, 2, 3, 15];
  assert.deepEqual(await describe({ install: plain }), { ...EXPECTED, payloads: [{ uri: 'x.enc' }] });
});

test('follows run-sequence, loops and branches that come to the same', async () => {
  const slots = [0, 1].map((slot) => commands(20, map({ 5: slot }), 5, 5));
  const nested = [12, [1], 15, slots, 32, commands(...IDENTIFIERS), ...IMAGE_SET];
  assert.deepEqual(await describe({ shared: nested }), EXPECTED);
  const same = [0, 1].map((slot) => commands(20, map({ 5: slot, 23: new Uint8Array([5]) }), 5, 5, ...IMAGE_SET));
  assert.deepEqual(await describe({ shared: [12, 1, ...IDENTIFIERS, 15, same] }), EXPECTED);
  const soft = commands(20, map({ 13: true, 5: 0 }), 5, 5);
  assert.deepEqual(await describe({ shared: [...SHARED, 32, soft] }), EXPECTED);
  const looped = [12, true, ...IDENTIFIERS, 32, commands(20, map({ 5: 0 })), 15, slots, 12, 1, ...IMAGE_SET];
  assert.deepEqual(await describe({ shared: looped }), EXPECTED);
  // An open value that is overridden before anyone needs it is no longer open.
  const settled = [12, 1, ...IDENTIFIERS, 15, [commands(20, map({ 14: 1 })), null], ...IMAGE_SET];
  assert.deepEqual(await describe({ shared: settled }), EXPECTED);
  const preset = [...SHARED];
  assert.deepEqual(await describe({ shared: preset, install: [12, 1, 19, map({ 14: 1 }), ...INSTALL] }), EXPECTED);
});

const other = (slot: number, ...items: Item[]): Uint8Array => commands(20, map({ 5: slot }), 5, 5, ...items);
const OTHER_SET = [20, map({ 3: imageDigest(OTHER_IMAGE), 14: 1 })];
const AMBIGUOUS: [string, Parts][] = [
  ['a digest for each slot', { shared: [12, 1, ...IDENTIFIERS, 15, [other(0, ...IMAGE_SET), other(1, ...OTHER_SET)]] }],
  ['a digest in one branch only', { shared: [12, 1, ...IDENTIFIERS, 15, [other(0, ...IMAGE_SET), null]] }],
  ['a digest that a soft sequence may set', { shared: [...SHARED, 32, commands(20, map({ 13: true, 14: 1 }))] }],
  [
    'a name for each slot',
    { install: [12, 0, 15, [other(0, 20, map({ 21: 'a' })), other(1, 20, map({ 21: 'b' }))], 21, 2] },
  ],
  ['a fetch in a branch', { install: [12, 1, ...COUNTER, 15, [commands(...FETCH), null], ...COPY] }],
  ['vendor checked in a branch', { shared: [12, 1, 15, [commands(...IDENTIFIERS), null], ...IMAGE_SET] }],
  ['no vendor', { shared: [12, 1, 20, map({ 2: CLASS_ID }), 2, 15, ...IMAGE_SET] }],
  ['vendor set but not checked', { shared: [12, 1, 20, map({ 1: VENDOR_ID, 2: CLASS_ID }), 2, 15, ...IMAGE_SET] }],
  ['vendor checked but not set', { shared: [12, 1, 1, 15, ...SHARED] }],
  ['two vendors', { shared: [...SHARED, 20, map({ 1: CLASS_ID }), 1, 15] }],
  ['no counter', { install: [...FETCH, ...COPY] }],
  ['two counters', { install: [12, 1, ...COUNTER, 20, map({ [-257]: 10 }), -257, 15, ...FETCH, ...COPY] }],
  ['no image check', { install: [12, 1, ...COUNTER, ...FETCH, 12, 1, 20, map({ 22: 0 }), 22, 2] }],
  ['no size', { shared: [12, 1, ...IDENTIFIERS, 20, map({ 3: imageDigest(IMAGE) })] }],
  [
    'a digest that is not SHA-256',
    { shared: [12, 1, ...IDENTIFIERS, 20, map({ 3: encodeCbor([-43, new Uint8Array(48)]), 14: 1 })] },
  ],
  ['no version', { version: null }],
  ['another component after a branch', { shared: [12, 1, 15, [commands(12, 0), null], ...SHARED] }],
  ['two encryptions of a payload', { install: [...INSTALL, 20, map({ 19: new Uint8Array([2]) }), 22, 2] }],
  ['parameters for several components at once', { install: [34, map({ 1: map({ 14: 5 }) }), ...INSTALL] }],
  ['copied parameters', { install: [12, 1, 35, map({ 0: [14] }), ...INSTALL] }],
  ['components that change places', { install: [...INSTALL, 31, 2] }],
  ['a component that is given up', { install: [...INSTALL, 33, 2] }],
  // The digest that was checked first is not the one of the image that is there in the end.
  ['another image after the check', { install: [...INSTALL, ...OTHER_SET, 22, 2] }],
  [
    'another image before the check',
    { install: [12, 1, ...COUNTER, ...FETCH, 12, 1, ...OTHER_SET, 20, map({ 22: 0 }), 22, 2, ...IMAGE_SET, 3, 15] },
  ],
  ['content of its own', { install: [...INSTALL, 20, map({ 18: OTHER_IMAGE }), 18, 2] }],
  [
    'a copy of any image',
    {
      shared: [12, 1, ...IDENTIFIERS],
      install: [12, 1, ...COUNTER, ...FETCH, 12, 1, 20, map({ 22: 0 }), 22, 2, ...IMAGE_SET, 3, 15],
    },
  ],
  [
    'another image in validate',
    { validate: [12, 0, 20, map({ 21: 'x.enc' }), 21, 2, 12, 1, 20, map({ 22: 0 }), ...OTHER_SET, 22, 2] },
  ],
  [
    'another image of a branch in validate',
    { validate: [12, 1, 15, [commands(...OTHER_SET, 20, map({ 22: 0 }), 22, 2), null]] },
  ],
  ['content of its own in load', { load: [12, 1, 20, map({ 18: OTHER_IMAGE }), 18, 2] }],
  ['a fetch in invoke', { invoke: [12, 1, 32, commands(20, map({ 21: 'x.enc' }), 21, 2)] }],
  ['a fetch without a name', { install: [12, 1, ...COUNTER, 12, 0, 21, 2] }],
];

test('refuses a manifest that does not say one clear thing', async () => {
  for (const [name, parts] of AMBIGUOUS) {
    await assert.rejects(describe(parts), { code: 'SUIT_MANIFEST_AMBIGUOUS' }, name);
  }
});

test('refuses addresses, odd versions and a manifest that installs nothing', async () => {
  const address = [12, 1, ...COUNTER, 12, 0, 20, map({ 21: 'http://x/y' }), 21, 2];
  await assert.rejects(describe({ install: address }), { code: 'SUIT_URI_UNSUPPORTED' });
  await assert.rejects(describe({ version: [1, 2] }), { code: 'SUIT_VERSION_INVALID' });
  const subject = await verified(manifest());
  assert.throws(() => describeManifest(subject), { code: 'SUIT_SECTION_MISSING' });
});

test('refuses a manifest that fetches outside of install', async () => {
  const subject = await verified(manifest({ elements: { 16: commands(21, 2), 20: commands(...COUNTER) } }));
  assert.throws(() => describeManifest(subject), { code: 'SUIT_MANIFEST_AMBIGUOUS' });
});

test('refuses a manifest with dependencies, or with sections that it does not describe', async () => {
  for (const key of [15, 18, 24]) {
    const subject = await verified(manifest({ elements: { [key]: commands(14, 2), 20: commands(...COUNTER) } }));
    assert.throws(() => describeManifest(subject), { code: 'SUIT_MANIFEST_AMBIGUOUS' });
  }
  const common = { 1: map({ 0: map({}) }) };
  const subject = await verified(manifest({ common, elements: { 20: commands(...COUNTER) } }));
  assert.throws(() => describeManifest(subject), { code: 'SUIT_MANIFEST_AMBIGUOUS' });
});

test('gives up on loops inside loops', async () => {
  const components = Array.from({ length: 16 }, (_, i) => [new Uint8Array([i])]);
  let inner = commands(12, true);
  for (let depth = 0; depth < 5; depth += 1) inner = commands(12, true, 32, inner);
  const subject = await verified(manifest({ components, shared: null, elements: { 20: inner } }));
  assert.throws(() => describeManifest(subject), { code: 'SUIT_LIMIT_EXCEEDED' });
});

test('joins branches that set versions or events of the same and of another kind', async () => {
  const version = (part: number): Item => map({ 28: encodeCbor([1, [part]]) });
  const event = (day: number): Item => map({ 29: encodeCbor(map({ 7: day })) });
  for (const items of [version(1), version(2), event(1), event(2)]) {
    const branches = [commands(20, version(1), 20, event(1)), commands(20, items)];
    assert.deepEqual(await describe({ shared: [...SHARED, 15, branches] }), EXPECTED);
  }
});
