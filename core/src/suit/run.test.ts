import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../bytes/index.ts';
import {
  CLASS_ID,
  commands,
  IMAGE,
  type Item,
  imageDigest,
  installing,
  MemoryPlatform,
  manifest,
  map,
  OTHER_IMAGE,
  VENDOR_ID,
  verified,
} from './fixture.test.ts';
import type { SuitPlatform } from './platform.ts';
import { runSection } from './run.ts';

/** Runs an install section over `count` components named a, b, c … */
async function install(count: number, items: Item[], platform = new MemoryPlatform()): Promise<string[]> {
  await runSection(await verified(installing(count, ...items)), 'install', platform);
  return platform.log;
}

async function refuses(code: string, count: number, items: Item[], platform = new MemoryPlatform()): Promise<string[]> {
  await assert.rejects(install(count, items, platform), { code });
  return platform.log;
}

const WRITE = (text: string): Item[] => [20, map({ 18: utf8(text) }), 18, 0];
const INVOKE = [23, 0];

test('runs the shared sequence before the section, with parameters cleared before', async () => {
  const bytes = manifest({
    shared: commands(20, map({ 23: utf8('shared') })),
    elements: { 9: commands(23, 0, 20, map({ 23: utf8('own') }), 23, 0), 7: commands(3, 15) },
  });
  const platform = new MemoryPlatform();
  const subject = await verified(bytes);
  await runSection(subject, 'invoke', platform);
  await runSection(subject, 'invoke', platform);
  assert.deepEqual(platform.log, ['invoke a 0 shared', 'invoke a 0 own', 'invoke a 0 shared', 'invoke a 0 own']);
  // No digest was ever set: the condition fails.
  await assert.rejects(runSection(subject, 'validate', platform), { code: 'SUIT_CONDITION_FAILED' });
});

test('refuses a section that is not there', async () => {
  const subject = await verified(manifest());
  await assert.rejects(runSection(subject, 'install', new MemoryPlatform()), { code: 'SUIT_SECTION_MISSING' });
});

const VENDOR = [20, map({ 1: VENDOR_ID }), 1, 15];
const CLASS = [20, map({ 2: CLASS_ID }), 2, 15];
const DEVICE = [20, map({ 24: new Uint8Array(16).fill(7) }), 24, 15];
const HOLDING: [string, Item[]][] = [
  ['vendor-identifier', VENDOR],
  ['class-identifier', CLASS],
  ['device-identifier', DEVICE],
  ['image-match', [20, map({ 3: imageDigest(IMAGE), 14: IMAGE.length }), 3, 15]],
  ['image-match without a size', [20, map({ 3: imageDigest(IMAGE) }), 3, 15]],
  ['image-not-match', [20, map({ 3: imageDigest(OTHER_IMAGE) }), 25, 15]],
  ['component-slot', [20, map({ 5: 0 }), 5, 5]],
  ['check-content', [20, map({ 18: IMAGE }), 6, 15]],
  ['security-counter', [20, map({ [-257]: 5 }), -257, 15]],
];

test('every condition holds when its parameter fits', async () => {
  for (const [name, items] of HOLDING) {
    const platform = new MemoryPlatform();
    platform.floor = 5n;
    platform.put('a', IMAGE);
    assert.deepEqual(await install(1, [...items, ...INVOKE], platform), ['invoke a 0 -'], name);
  }
});

const UUID = new Uint8Array(16);
const FAILING: [string, Item[]][] = [
  ['another vendor', [20, map({ 1: UUID }), 1, 15]],
  ['another class', [20, map({ 2: UUID }), 2, 15]],
  ['another device', [20, map({ 24: UUID }), 24, 15]],
  ['another image', [20, map({ 3: imageDigest(OTHER_IMAGE) }), 3, 15]],
  ['another size', [20, map({ 3: imageDigest(IMAGE), 14: IMAGE.length + 1 }), 3, 15]],
  ['the image that must not be there', [20, map({ 3: imageDigest(IMAGE) }), 25, 15]],
  ['another slot', [20, map({ 5: 1 }), 5, 5]],
  ['other content', [20, map({ 18: OTHER_IMAGE }), 6, 15]],
  ['content that is a prefix', [20, map({ 18: IMAGE.subarray(0, -1) }), 6, 15]],
  ['abort', [14, 15]],
];

test('a condition that does not hold ends the section before the next command', async () => {
  for (const [name, items] of FAILING) {
    const platform = new MemoryPlatform();
    platform.put('a', IMAGE);
    const log = await refuses('SUIT_CONDITION_FAILED', 1, [...items, ...INVOKE], platform);
    assert.deepEqual(log, [], name);
  }
});

test('a condition without its parameter fails', async () => {
  for (const code of [1, 2, 3, 5, 6, 24, 25]) {
    assert.deepEqual(await refuses('SUIT_CONDITION_FAILED', 1, [code, 15, ...INVOKE]), [], String(code));
  }
  assert.deepEqual(await refuses('SUIT_SECURITY_COUNTER_TOO_LOW', 1, [-257, 15, ...INVOKE]), []);
});

test('the device identifier fails on a device that has none', async () => {
  const platform: SuitPlatform = {
    vendorId: VENDOR_ID,
    classId: CLASS_ID,
    floor: 0n,
    isComponentSupported: () => true,
    componentSlot: () => 0,
    digestOf: async () => ({ digest: new Uint8Array(32), sizeBytes: 0 }),
  };
  const subject = await verified(installing(1, ...DEVICE));
  await assert.rejects(runSection(subject, 'install', platform), { code: 'SUIT_CONDITION_FAILED' });
});

test('a security counter below the floor is refused with its own code', async () => {
  const platform = new MemoryPlatform();
  platform.floor = 6n;
  await refuses('SUIT_SECURITY_COUNTER_TOO_LOW', 1, [20, map({ [-257]: 5 }), -257, 15, ...INVOKE], platform);
  platform.floor = 2n ** 64n - 1n;
  await install(1, [20, map({ [-257]: 2n ** 64n - 1n }), -257, 15], platform);
});

test('the component-slot condition compares with the slot that is installed into', async () => {
  const branches = [0, 1].map((slot) => commands(20, map({ 5: slot }), 5, 5, 20, map({ 23: utf8(`for ${slot}`) })));
  for (const slot of [0, 1]) {
    const platform = new MemoryPlatform();
    platform.slot = slot;
    assert.deepEqual(await install(1, [15, branches, ...INVOKE], platform), [`invoke a ${slot} for ${slot}`]);
  }
  const platform = new MemoryPlatform();
  platform.slot = 2;
  await refuses('SUIT_CONDITION_FAILED', 1, [15, branches, ...INVOKE], platform);
});

test('fetch, copy, write and invoke reach the platform with their parameters', async () => {
  const platform = new MemoryPlatform();
  platform.files.set('f.bin', IMAGE);
  const fetching = [12, 0, 20, map({ 21: 'f.bin', 25: utf8('x') }), 21, 2];
  const copying = [12, 1, 20, map({ 22: 0, 3: imageDigest(IMAGE), 14: IMAGE.length }), 22, 2, 3, 15];
  const writing = [12, 2, 20, map({ 18: utf8('c'), 23: utf8('args') }), 18, 2, 23, 2];
  const log = await install(3, [...fetching, ...copying, ...writing], platform);
  assert.deepEqual(log, ['fetch a f.bin', `copy a b ${IMAGE.length}`, 'write c', 'invoke c 0 args']);
});

test('a directive without its parameter ends everything, also inside try-each', async () => {
  const digest = { 3: imageDigest(IMAGE), 14: 1 };
  const incomplete: Item[][] = [
    [21, 2],
    [18, 2],
    [20, map(digest), 22, 2],
    [20, map({ 22: 0, 14: 1 }), 22, 2],
    [20, map({ 22: 0, 3: imageDigest(IMAGE) }), 22, 2],
  ];
  for (const items of incomplete) {
    await refuses('SUIT_PARAMETER_MISSING', 1, items);
    await refuses('SUIT_PARAMETER_MISSING', 1, [15, [commands(...items), commands(...INVOKE)]]);
  }
});

test('what the platform throws passes through unchanged, also inside try-each and soft failure', async () => {
  const fetching: Item[] = [20, map({ 21: 'missing', 13: true }), 21, 2];
  await assert.rejects(install(1, [15, [commands(...fetching), null]]), { message: 'no file missing' });
  await assert.rejects(install(1, [32, commands(...fetching), ...INVOKE]), { message: 'no file missing' });
});

test('index true and index array apply a command to each component', async () => {
  assert.deepEqual(await install(3, [12, true, ...INVOKE]), ['invoke a 0 -', 'invoke b 0 -', 'invoke c 0 -']);
  assert.deepEqual(await install(3, [12, [2, 0], ...INVOKE]), ['invoke c 0 -', 'invoke a 0 -']);
  const each = await install(2, [
    12,
    true,
    20,
    map({ 23: utf8('x') }),
    12,
    1,
    20,
    map({ 23: utf8('y') }),
    12,
    true,
    ...INVOKE,
  ]);
  assert.deepEqual(each, ['invoke a 0 x', 'invoke b 0 y']);
});

test('try-each and run-sequence loop over the components with one index inside, and give the list back', async () => {
  const platform = new MemoryPlatform();
  platform.put('b', IMAGE);
  const check = commands(20, map({ 3: imageDigest(IMAGE) }), 3, 15, 20, map({ 23: utf8('has') }));
  const items: Item[] = [12, true, 15, [check, null], ...INVOKE, 32, commands(...INVOKE), ...INVOKE];
  const once = ['invoke a 0 -', 'invoke b 0 has'];
  assert.deepEqual(await install(2, items, platform), [...once, ...once, ...once]);
});

test('an index that a nested sequence sets stays set when it succeeds', async () => {
  assert.deepEqual(await install(2, [12, 0, 32, commands(12, 1), ...INVOKE]), ['invoke b 0 -']);
  assert.deepEqual(await install(2, [12, 0, 15, [commands(12, 1, 14, 0), null], ...INVOKE]), ['invoke a 0 -']);
});

test('try-each takes the first sequence that succeeds', async () => {
  const fail = commands(20, map({ 23: utf8('left behind') }), 14, 15);
  const first = commands(20, map({ 23: utf8('first') }));
  const second = commands(20, map({ 23: utf8('second') }));
  assert.deepEqual(await install(1, [15, [fail, first, second], ...INVOKE]), ['invoke a 0 first']);
});

test('a sequence that fails softly leaves no parameter behind', async () => {
  const fail = commands(20, map({ 23: utf8('left behind') }), 14, 15);
  assert.deepEqual(await install(1, [15, [fail, fail, null], ...INVOKE]), ['invoke a 0 -']);
  const soft = commands(20, map({ 13: true, 23: utf8('left behind') }), 14, 15);
  assert.deepEqual(await install(1, [32, soft, ...INVOKE]), ['invoke a 0 -']);
});

test('try-each fails when all sequences fail and there is no nil at the end', async () => {
  const fail = commands(14, 15);
  assert.deepEqual(await refuses('SUIT_CONDITION_FAILED', 1, [15, [fail, fail], ...INVOKE]), []);
  // Its failure is a condition failure to the sequence around it.
  assert.deepEqual(await install(1, [15, [commands(15, [fail, fail]), null], ...INVOKE]), ['invoke a 0 -']);
});

test('soft-failure set to false in a try-each makes a failure final', async () => {
  const hard = commands(20, map({ 13: false }), 14, 15);
  assert.deepEqual(await refuses('SUIT_CONDITION_FAILED', 1, [15, [hard, null], ...INVOKE]), []);
});

test('run-sequence fails hard by default and does not inherit softness', async () => {
  assert.deepEqual(await refuses('SUIT_CONDITION_FAILED', 1, [32, commands(14, 15), ...INVOKE]), []);
  const inner = commands(32, commands(14, 15), ...INVOKE);
  const outer = commands(20, map({ 13: true }), 32, inner, ...INVOKE);
  // The inner failure ends the outer sequence, which is soft; then the section goes on.
  assert.deepEqual(await install(1, [32, outer, ...INVOKE]), ['invoke a 0 -']);
});

test('set-parameters sets only what is not set, override-parameters replaces', async () => {
  const value = (text: string): Item => map({ 23: utf8(text) });
  assert.deepEqual(await install(1, [19, value('one'), 19, value('two'), ...INVOKE]), ['invoke a 0 one']);
  assert.deepEqual(await install(1, [19, value('one'), 20, value('two'), ...INVOKE]), ['invoke a 0 two']);
});

test('parameters belong to one component', async () => {
  const items = [12, 0, 20, map({ 23: utf8('a only') }), 12, 1, ...INVOKE];
  assert.deepEqual(await install(2, items), ['invoke b 0 -']);
});

test('without strict order a component must not be both target and source', async () => {
  const copy = (source: number): Item[] => [20, map({ 22: source, 3: imageDigest(IMAGE), 14: 1 }), 22, 0];
  const loose = [12, 0, 20, map({ 12: false })];
  const platform = new MemoryPlatform();
  platform.put('b', IMAGE);
  await refuses('SUIT_RULE_VIOLATED', 3, [...loose, ...WRITE('x'), 12, 1, ...copy(0)], platform);
  await refuses('SUIT_RULE_VIOLATED', 3, [...loose, ...copy(1), 12, 1, ...WRITE('x')], platform);
  // Strict order again is a barrier.
  await install(3, [...loose, ...WRITE('x'), 20, map({ 12: true }), 12, 1, ...copy(0)], platform);
});

test('without strict order a run-sequence picks its component first and stays there', async () => {
  const loose = [12, 0, 20, map({ 12: false })];
  assert.deepEqual(await install(2, [...loose, 32, commands(12, 1, ...INVOKE), ...INVOKE]), [
    'invoke b 0 -',
    'invoke a 0 -',
  ]);
  await refuses('SUIT_RULE_VIOLATED', 2, [...loose, 32, commands(...INVOKE)]);
  await refuses('SUIT_RULE_VIOLATED', 2, [...loose, 32, commands(12, 1, 12, 0)]);
  await refuses('SUIT_RULE_VIOLATED', 2, [12, true, 20, map({ 12: false }), 32, commands(12, 1)]);
  assert.deepEqual(await install(2, [12, true, 20, map({ 12: false }), 32, commands(...INVOKE)]), [
    'invoke a 0 -',
    'invoke b 0 -',
  ]);
  const soft = commands(12, 1, 20, map({ 13: true }), 14, 0);
  assert.deepEqual(await install(2, [...loose, 32, soft, ...INVOKE]), ['invoke a 0 -']);
});

test('refuses before the first command what the platform does not support', async () => {
  const platform = new MemoryPlatform();
  platform.unsupported.add('b');
  assert.deepEqual(await refuses('SUIT_COMPONENT_UNSUPPORTED', 2, [12, 0, ...INVOKE], platform), []);
  const plain: SuitPlatform = {
    vendorId: VENDOR_ID,
    classId: CLASS_ID,
    floor: 0n,
    isComponentSupported: () => true,
    componentSlot: () => 0,
    digestOf: () => assert.fail('nothing may run'),
  };
  // Also in a branch that would never run, and in another section.
  const hidden: Item[][] = [
    [23, 0],
    [18, 0],
    [6, 0],
  ].map((items) => [15, [commands(14, 0), commands(...items)]]);
  for (const items of hidden) {
    const subject = await verified(
      manifest({ shared: null, elements: { 7: commands(3, 15), 20: commands(...items) } }),
    );
    await assert.rejects(runSection(subject, 'validate', plain), { code: 'SUIT_COMMAND_UNSUPPORTED' });
  }
});

test('refuses payload names that are paths or addresses, before the first command', async () => {
  const names = ['http://x/y', '/etc/x', '../x', 'a/b', '.hidden', '', '#absent', 'a\\b', 'a\0', 'ä', 'x'.repeat(129)];
  for (const uri of names) {
    const log = await refuses('SUIT_URI_UNSUPPORTED', 1, [...INVOKE, 20, map({ 21: uri }), 21, 0]);
    assert.deepEqual(log, [], uri);
  }
});

test('hands an integrated payload to fetch', async () => {
  const bytes = installing(1, 20, map({ 21: '#p' }), 21, 2, 20, map({ 3: imageDigest(IMAGE) }), 3, 15);
  const platform = new MemoryPlatform();
  await runSection(await verified(bytes, { integrated: new Map([['#p', IMAGE]]) }), 'install', platform);
  const changed = await verified(bytes, { integrated: new Map([['#p', OTHER_IMAGE]]) });
  await assert.rejects(runSection(changed, 'install', platform), { code: 'SUIT_CONDITION_FAILED' });
});

test('stops after the most commands that one run may execute', async () => {
  const sixteen = [12, true, 32, commands(...Array.from({ length: 300 }, () => INVOKE).flat())];
  const log = await refuses('SUIT_LIMIT_EXCEEDED', 16, sixteen);
  assert.ok(log.length > 4000 && log.length <= 4096);
});

test('parameters of an identifier without parts are not those of one with an empty part', async () => {
  const components = [[], [new Uint8Array()]];
  const install = commands(12, 0, 20, map({ 18: IMAGE }), 12, 1, 18, 15);
  const subject = await verified(manifest({ components, shared: null, elements: { 20: install } }));
  await assert.rejects(runSection(subject, 'install', new MemoryPlatform()), { code: 'SUIT_PARAMETER_MISSING' });
});
