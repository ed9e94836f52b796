import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { utf8 } from '../bytes/index.ts';
import { encodeCbor } from '../cbor/index.ts';
import { ACTIONS, type ActionName, CONDITIONS, type ConditionName, LIMITS } from './constants.ts';
import { commands, IMAGE, type Item, imageDigest, installing, manifest, map } from './fixture.test.ts';
import type { Command, Manifest, Sequence } from './manifest.ts';
import { encodeManifest, parseManifest } from './manifest-codec.ts';
import type { Parameters } from './parameters.ts';

const one = (...items: Item[]): Uint8Array => installing(1, ...items);
const two = (...items: Item[]): Uint8Array => installing(2, 12, 0, ...items);
const element = (key: number, value: Item): Uint8Array => manifest({ elements: { [key]: value } });
const shared = (...items: Item[]): Uint8Array => manifest({ shared: commands(...items) });
const text = (...entries: [Item, Item][]): Uint8Array =>
  element(23, encodeCbor(new Map<Item, Item>([['en', new Map<Item, Item>(entries)]])));
const nested = (depth: number): Item => (depth === 0 ? commands(14, 0) : commands(32, nested(depth - 1)));
const COUNTER = map({ [-257]: 1 });

const TABLE: [string, string, Uint8Array][] = [
  ['no bytes', 'SUIT_MANIFEST_MALFORMED', new Uint8Array()],
  ['an array', 'SUIT_MANIFEST_MALFORMED', encodeCbor([])],
  ['trailing bytes', 'SUIT_MANIFEST_MALFORMED', new Uint8Array([...manifest(), 0])],
  ['no manifest version', 'SUIT_MANIFEST_MALFORMED', element(1, undefined)],
  ['another manifest version', 'SUIT_MANIFEST_MALFORMED', element(1, 2)],
  ['no sequence number', 'SUIT_MANIFEST_MALFORMED', element(2, undefined)],
  ['a negative sequence number', 'SUIT_MANIFEST_MALFORMED', element(2, -1)],
  ['no common', 'SUIT_MANIFEST_MALFORMED', element(3, undefined)],
  ['no components', 'SUIT_MANIFEST_MALFORMED', manifest({ common: { 2: undefined } })],
  ['an empty component list', 'SUIT_MANIFEST_MALFORMED', manifest({ components: [] })],
  ['the same component twice', 'SUIT_MANIFEST_MALFORMED', manifest({ components: [[utf8('a')], [utf8('a')]] })],
  ['a component of text', 'SUIT_MANIFEST_MALFORMED', manifest({ components: [['a']] })],
  ['17 components', 'SUIT_LIMIT_EXCEEDED', installing(17, 12, 0, 14, 0)],
  [
    'a component of 9 parts',
    'SUIT_LIMIT_EXCEEDED',
    manifest({ components: [Array.from({ length: 9 }, () => utf8('a'))] }),
  ],
  ['a long component', 'SUIT_LIMIT_EXCEEDED', manifest({ components: [[new Uint8Array(257)]] })],
  ['an element of common', 'SUIT_ELEMENT_UNSUPPORTED', manifest({ common: { 5: map({}) } })],
  ['an unknown key of common', 'SUIT_ELEMENT_UNSUPPORTED', manifest({ common: { 9: 1 } })],
  ['a manifest component id that is none', 'SUIT_MANIFEST_MALFORMED', element(5, 1)],
  ['delegation of before -13', 'SUIT_ELEMENT_UNSUPPORTED', element(25, commands(14, 0))],
  ['install of before -28', 'SUIT_ELEMENT_UNSUPPORTED', element(17, commands(14, 0))],
  ['an unknown key', 'SUIT_ELEMENT_UNSUPPORTED', element(99, 1)],
  ['a text key', 'SUIT_ELEMENT_UNSUPPORTED', encodeCbor(new Map<Item, Item>([['x', 1]]))],
  ['a validate that is severed', 'SUIT_MANIFEST_MALFORMED', element(7, [-16, new Uint8Array(32)])],
  ['a severed digest of another size', 'SUIT_MANIFEST_MALFORMED', element(20, [-16, new Uint8Array(31)])],
  ['a severed digest of three parts', 'SUIT_MANIFEST_MALFORMED', element(20, [-16, new Uint8Array(32), 0])],
  ['a severed digest of another algorithm', 'SUIT_DIGEST_UNSUPPORTED', element(20, [-17, new Uint8Array(32)])],
  ['a section that is neither', 'SUIT_MANIFEST_MALFORMED', element(20, 5)],
  ['an empty version', 'SUIT_MANIFEST_MALFORMED', element(6, encodeCbor([]))],
  ['a version of text', 'SUIT_MANIFEST_MALFORMED', element(6, encodeCbor(['1']))],
  ['a long reference', 'SUIT_LIMIT_EXCEEDED', element(4, 'x'.repeat(513))],
  ['a reference that is no text', 'SUIT_MANIFEST_MALFORMED', element(4, 1)],
  ['an empty sequence', 'SUIT_MANIFEST_MALFORMED', one()],
  ['a command without argument', 'SUIT_MANIFEST_MALFORMED', one(3)],
  ['a sequence that is a map', 'SUIT_MANIFEST_MALFORMED', element(7, encodeCbor(map({ 3: 15 })))],
  ['a reporting policy of 16', 'SUIT_MANIFEST_MALFORMED', one(3, 16)],
  ['a negative reporting policy', 'SUIT_MANIFEST_MALFORMED', one(3, -1)],
  ['an index that is too high', 'SUIT_MANIFEST_MALFORMED', two(12, 2)],
  ['a huge index', 'SUIT_MANIFEST_MALFORMED', two(12, 2n ** 64n - 1n)],
  ['an index of false', 'SUIT_MANIFEST_MALFORMED', two(12, false)],
  ['an empty index list', 'SUIT_MANIFEST_MALFORMED', two(12, [])],
  ['an index twice', 'SUIT_MANIFEST_MALFORMED', two(12, [0, 0])],
  ['a source that is too high', 'SUIT_MANIFEST_MALFORMED', two(20, map({ 22: 2 }))],
  ['no parameters', 'SUIT_MANIFEST_MALFORMED', one(20, map({}))],
  ['parameters that are no map', 'SUIT_MANIFEST_MALFORMED', one(20, 5)],
  ['try-each of one', 'SUIT_MANIFEST_MALFORMED', one(15, [commands(14, 0)])],
  ['try-each of nil', 'SUIT_MANIFEST_MALFORMED', one(15, [null, null])],
  ['try-each with nil first', 'SUIT_MANIFEST_MALFORMED', one(15, [null, commands(14, 0)])],
  ['run-sequence of nothing', 'SUIT_MANIFEST_MALFORMED', one(32, new Uint8Array())],
  ['a reserved command', 'SUIT_COMMAND_UNSUPPORTED', one(10, 15)],
  ['a command of no document', 'SUIT_COMMAND_UNSUPPORTED', one(30, 2)],
  ['a command that has a reserved number', 'SUIT_COMMAND_UNSUPPORTED', one(36, 2)],
  ['another custom command', 'SUIT_COMMAND_UNSUPPORTED', one(-258, 0)],
  ['a command of text', 'SUIT_COMMAND_UNSUPPORTED', one('fetch', 0)],
  ['a command that is a list', 'SUIT_COMMAND_UNSUPPORTED', one([3], 0)],
  ['an unknown command in a branch', 'SUIT_COMMAND_UNSUPPORTED', one(15, [commands(14, 0), commands(99, 0)])],
  ['an unknown command in a section', 'SUIT_COMMAND_UNSUPPORTED', element(8, commands(99, 0))],
  ['another custom parameter', 'SUIT_PARAMETER_UNSUPPORTED', one(20, map({ [-258]: 1 }))],
  ['a parameter of no document', 'SUIT_PARAMETER_UNSUPPORTED', one(20, map({ 6: 1 }))],
  ['a parameter of text', 'SUIT_PARAMETER_UNSUPPORTED', one(20, new Map<Item, Item>([['uri', 'x']]))],
  ['a vendor that is no UUID', 'SUIT_PARAMETER_UNSUPPORTED', one(20, map({ 1: 5 }))],
  ['a short vendor', 'SUIT_MANIFEST_MALFORMED', one(20, map({ 1: new Uint8Array(15) }))],
  ['a digest of another algorithm', 'SUIT_DIGEST_UNSUPPORTED', one(20, map({ 3: encodeCbor([-10, IMAGE]) }))],
  ['a digest that is no byte string', 'SUIT_MANIFEST_MALFORMED', one(20, map({ 3: [-16, new Uint8Array(32)] }))],
  ['a size above 2^53', 'SUIT_MANIFEST_MALFORMED', one(20, map({ 14: 2n ** 53n }))],
  ['a negative size', 'SUIT_MANIFEST_MALFORMED', one(20, map({ 14: -1 }))],
  ['a strict order of 1', 'SUIT_MANIFEST_MALFORMED', one(20, map({ 12: 1 }))],
  ['a uri that is bytes', 'SUIT_MANIFEST_MALFORMED', one(20, map({ 21: utf8('x') }))],
  ['a long uri', 'SUIT_LIMIT_EXCEEDED', one(20, map({ 21: 'x'.repeat(513) }))],
  ['long content', 'SUIT_LIMIT_EXCEEDED', one(20, map({ 18: new Uint8Array(4097) }))],
  ['a negative counter', 'SUIT_MANIFEST_MALFORMED', one(20, map({ [-257]: -1 }))],
  ['soft failure outside', 'SUIT_RULE_VIOLATED', one(20, map({ 13: true }))],
  ['fetch in shared', 'SUIT_RULE_VIOLATED', shared(21, 2)],
  ['fetch in a branch of shared', 'SUIT_RULE_VIOLATED', shared(15, [commands(21, 2), null])],
  ['a custom condition in shared', 'SUIT_RULE_VIOLATED', shared(-257, 15)],
  ['a custom parameter in shared', 'SUIT_RULE_VIOLATED', shared(20, COUNTER)],
  ['set-parameters in shared', 'SUIT_RULE_VIOLATED', shared(19, map({ 14: 1 }))],
  ['a digest by set-parameters', 'SUIT_RULE_VIOLATED', one(19, map({ 3: imageDigest(IMAGE) }))],
  ['strict order by set-parameters', 'SUIT_RULE_VIOLATED', one(19, map({ 12: false }))],
  ['two components, no index first', 'SUIT_RULE_VIOLATED', installing(2, 14, 0)],
  ['two components, no index in shared', 'SUIT_RULE_VIOLATED', manifest({ components: [[utf8('a')], [utf8('b')]] })],
  ['deep sequences', 'SUIT_LIMIT_EXCEEDED', one(32, nested(LIMITS.sequenceDepthMax))],
  ['many commands', 'SUIT_LIMIT_EXCEEDED', one(...Array.from({ length: 513 }, () => [14, 0]).flat())],
  ['many bytes', 'SUIT_LIMIT_EXCEEDED', element(14, new Uint8Array(LIMITS.manifestSizeBytesMax))],
  ['text that is no map', 'SUIT_MANIFEST_MALFORMED', element(23, encodeCbor([]))],
  ['text by number', 'SUIT_MANIFEST_MALFORMED', element(23, encodeCbor(map({ 1: map({}) })))],
  ['an unknown text', 'SUIT_ELEMENT_UNSUPPORTED', text([5, 'x'])],
  ['a text that is a number', 'SUIT_MANIFEST_MALFORMED', text([1, 5])],
  ['text of an unknown component', 'SUIT_COMPONENT_UNSUPPORTED', text([[utf8('z')], map({ 1: 'x' })])],
  ['an unknown text of a component', 'SUIT_ELEMENT_UNSUPPORTED', text([[utf8('a')], map({ 9: 'x' })])],
  ['a text of a component that is bytes', 'SUIT_MANIFEST_MALFORMED', text([[utf8('a')], map({ 1: utf8('x') })])],
];

test('refuses every manifest that is not wholly understood, each with its code', () => {
  for (const [name, code, bytes] of TABLE) {
    assert.throws(() => parseManifest(bytes), { name: 'SuitError', code }, name);
  }
});

test('accepts what is just within the limits', () => {
  parseManifest(one(32, nested(LIMITS.sequenceDepthMax - 1)));
  parseManifest(one(...Array.from({ length: 512 }, () => [14, 0]).flat()));
  parseManifest(installing(16, 12, [15, 0], 14, 15));
  parseManifest(one(20, map({ 14: 2n ** 53n - 1n, [-257]: 2n ** 64n - 1n })));
  parseManifest(text([1, 'manifest'], [[utf8('a')], map({ 1: 'vendor', 8: 'current' })]));
});

test('a manifest is not written with values that cannot be read back', () => {
  const sections = new Map([
    ['load', { value: [{ kind: 'override-parameters', parameters: { securityCounter: -1n } }] }],
  ]);
  const subject = { sequenceNumber: 1n, components: [[utf8('a')]], sections } as unknown as Manifest;
  assert.throws(() => encodeManifest(subject), { code: 'SUIT_MANIFEST_MALFORMED' });
});

const bytes = fc.uint8Array({ maxLength: 40 });
const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 });
const digest = fc.oneof(
  fc.uint8Array({ minLength: 32, maxLength: 32 }).map((value) => ({ algorithm: -16, bytes: value })),
  fc.uint8Array({ minLength: 48, maxLength: 48 }).map((value) => ({ algorithm: -43, bytes: value })),
);
const COMPONENT_COUNT = 3;
const parameters: fc.Arbitrary<Parameters> = fc
  .record(
    {
      vendorId: uuid,
      classId: uuid,
      imageDigest: digest,
      componentSlot: fc.nat(),
      strictOrder: fc.boolean(),
      imageSizeBytes: fc.maxSafeNat(),
      content: bytes,
      encryptionInfo: bytes,
      uri: fc.string({ unit: 'grapheme', maxLength: 20 }),
      sourceComponent: fc.nat({ max: COMPONENT_COUNT - 1 }),
      invokeArgs: bytes,
      deviceId: uuid,
      fetchArguments: bytes,
      securityCounter: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  .filter((value) => Object.keys(value).length > 0);

const policy = fc.nat({ max: 15 });
const index = fc.oneof(
  fc.nat({ max: COMPONENT_COUNT - 1 }),
  fc.constant(true as const),
  fc.uniqueArray(fc.nat({ max: COMPONENT_COUNT - 1 }), { minLength: 1 }),
);
const leaf: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant('condition' as const),
    name: fc.constantFrom(...(Object.keys(CONDITIONS) as ConditionName[])),
    policy,
  }),
  fc.record({
    kind: fc.constant('action' as const),
    name: fc.constantFrom(...(Object.keys(ACTIONS) as ActionName[])),
    policy,
  }),
  fc.record({ kind: fc.constant('set-component-index' as const), index }),
  fc.record({ kind: fc.constant('override-parameters' as const), parameters }),
);
/** fast-check's records have no prototype; what is parsed has. */
const asPlain = (command: Command): Command => ({ ...command });
const { sequence } = fc.letrec<{ command: Command; sequence: Sequence }>((tie) => ({
  command: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaf,
    fc.record({ kind: fc.constant('run-sequence' as const), sequence: tie('sequence') }),
    fc.record({
      kind: fc.constant('try-each' as const),
      sequences: fc.array(tie('sequence'), { minLength: 2, maxLength: 3 }),
      hasEmptyEnd: fc.boolean(),
    }),
  ),
  sequence: fc.array(tie('command').map(asPlain), { minLength: 1, maxLength: 4 }),
}));
const section = sequence.map((value) => ({ value: [{ kind: 'set-component-index' as const, index: 0 }, ...value] }));
const manifests: fc.Arbitrary<Manifest> = fc
  .record({
    sequenceNumber: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    components: fc.constant([[utf8('a')], [utf8('b'), utf8('c')], []]),
    referenceUri: fc.option(fc.webUrl(), { nil: undefined }),
    setVersion: fc.option(fc.constantFrom([1, 2, 3], [1, 2, -1, 3]), { nil: undefined }),
    coswid: fc.option(
      fc.oneof(
        bytes.map((value) => ({ value })),
        digest.map((severed) => ({ severed })),
      ),
      { nil: undefined },
    ),
    validate: section,
    install: fc.option(
      fc.oneof(
        section,
        digest.map((severed) => ({ severed })),
      ),
      { nil: undefined },
    ),
  })
  .map(({ validate, install, ...rest }) => {
    const sections = new Map([
      ['validate', validate],
      ...(install === undefined ? [] : [['install', install] as const]),
    ] as const);
    const present = Object.entries({ ...rest, sections }).filter(([, value]) => value !== undefined);
    return Object.fromEntries(present) as unknown as Manifest;
  });

test('every manifest that is written is read back the same, and written again the same', () => {
  fc.assert(
    fc.property(manifests, (subject) => {
      const encoded = encodeManifest(subject);
      const parsed = parseManifest(encoded);
      assert.deepEqual(parsed, subject);
      assert.deepEqual(encodeManifest(parsed), encoded);
    }),
    { numRuns: 300 },
  );
});

test('no bytes make the parser fail in any other way than by refusing', () => {
  const start = manifest({ elements: { 7: commands(3, 15), 20: commands(15, [commands(5, 5), null], 21, 2) } });
  const mutations = fc.array(fc.tuple(fc.nat({ max: start.length - 1 }), fc.nat({ max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(mutations, (changes) => {
      const changed = new Uint8Array(start);
      for (const [at, value] of changes) changed[at] = value;
      try {
        const parsed = parseManifest(changed);
        assert.deepEqual(encodeManifest(parsed), changed);
      } catch (error) {
        assert.equal((error as Error).name, 'SuitError');
      }
    }),
    { numRuns: 3000 },
  );
});
