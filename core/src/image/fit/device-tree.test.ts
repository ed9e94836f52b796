import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { concat, utf8 } from '../../bytes/index.ts';
import { describeImage, identifyImage } from '../identify.ts';
import { parseDeviceTree } from './device-tree.ts';

const TOOL = 'dtc';
// With CI=true a missing tool must fail the tests, not skip them.
const isAbsent = spawnSync(TOOL, ['--version']).error !== undefined;
const skip = isAbsent && process.env['CI'] !== 'true' ? `not installed: ${TOOL}` : false;

const u32 = (...values: number[]): Uint8Array => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, at * 4);
  return bytes;
};
const pad = (bytes: Uint8Array): Uint8Array => concat(bytes, new Uint8Array((4 - (bytes.length % 4)) % 4));
const begin = (name: string): Uint8Array => concat(u32(1), pad(utf8(`${name}\0`)));
const END = u32(2);
const NOP = u32(4);
const FINISH = u32(9);
/** `model` is at 0, `x y` at 6, an empty name at 10; the last does not end. */
const STRINGS = utf8('model\0x y\0\0cut');
const property = (name: number, value: Uint8Array): Uint8Array => concat(u32(3, value.length, name), pad(value));

type Patch = { at: number; value: number };
function build(structure: Uint8Array, patches: Patch[] = [], reservation = new Uint8Array(16)): Uint8Array {
  const stringsOffset = 56 + structure.length;
  const size = stringsOffset + STRINGS.length;
  const header = u32(0xd00dfeed, size, 56, stringsOffset, 40, 17, 16, 0, STRINGS.length, structure.length);
  const bytes = concat(header, reservation, structure, STRINGS);
  for (const { at, value } of patches) new DataView(bytes.buffer).setUint32(at, value);
  return bytes;
}
const ROOT = concat(begin(''), property(0, utf8('pump\0')));

test('reads what dtc writes', { skip }, () => {
  const source = '/dts-v1/; / { model = "pump board"; cpus { cpu@0 { reg = <0>; }; cpu@1 { }; }; empty { }; };';
  const bytes = new Uint8Array(execFileSync(TOOL, ['-I', 'dts', '-O', 'dtb'], { input: source }));
  assert.equal(identifyImage(bytes), 'device-tree');
  assert.deepEqual(describeImage(bytes), { format: 'device-tree', sizeBytes: bytes.length, model: 'pump board' });
  const { root, tags } = parseDeviceTree(bytes);
  assert.deepEqual([...root.children.keys()], ['cpus', 'empty']);
  assert.deepEqual(
    tags.filter(({ kind }) => kind === 'begin').map(({ path }) => path),
    ['/', '/cpus', '/cpus/cpu@0', '/cpus/cpu@1', '/empty'],
  );
  for (let length = 4; length < bytes.length; length += 1) {
    assert.throws(() => parseDeviceTree(bytes.subarray(0, length)), { code: 'IMAGE_TRUNCATED' }, `length ${length}`);
  }
});

test('passes over tags that mean nothing', () => {
  const { root } = parseDeviceTree(build(concat(NOP, ROOT, NOP, begin('a'), NOP, END, END, FINISH)));
  assert.deepEqual([...root.children.keys()], ['a']);
});

test('refuses what contradicts itself, each with its code', () => {
  const good = concat(ROOT, END, FINISH);
  const size = build(good).length;
  const refused: [name: string, bytes: Uint8Array, code?: string][] = [
    ['another magic', build(good, [{ at: 0, value: 1 }])],
    ['another version', build(good, [{ at: 20, value: 16 }])],
    ['another compatible version', build(good, [{ at: 24, value: 2 }])],
    ['another boot CPU', build(good, [{ at: 28, value: 1 }])],
    ['a size beyond the end', build(good, [{ at: 4, value: size + 1 }]), 'IMAGE_TRUNCATED'],
    ['strings beyond the end', build(good, [{ at: 32, value: STRINGS.length + 1 }])],
    ['a structure over the strings', build(good, [{ at: 36, value: good.length + 1 }])],
    ['a structure over the reservations', build(good, [{ at: 8, value: 52 }])],
    ['reservations in the header', build(good, [{ at: 16, value: 32 }])],
    [
      'reservations that are not aligned',
      build(good, [
        { at: 16, value: 36 },
        { at: 8, value: 56 },
      ]),
    ],
    ['reservations that do not end', build(good, [], new Uint8Array(16).fill(1)), 'IMAGE_TRUNCATED'],
    [
      'a structure that is not aligned',
      build(good, [
        { at: 8, value: 57 },
        { at: 36, value: good.length - 1 },
      ]),
    ],
    ['a structure that is too long', build(concat(good, NOP))],
    ['a structure that does not end', build(concat(ROOT, END)), 'IMAGE_TRUNCATED'],
    ['a root that is not closed', build(concat(ROOT, FINISH))],
    ['no root', build(FINISH)],
    ['two roots', build(concat(ROOT, END, ROOT, END, FINISH))],
    ['an end too many', build(concat(END, FINISH))],
    ['a property before the root', build(concat(property(0, utf8('x\0')), good))],
    ['an unknown tag', build(concat(u32(7), good))],
    ['a root with a name', build(concat(begin('root'), END, FINISH))],
    ['a node without a name', build(concat(ROOT, begin(''), END, END, FINISH))],
    ['a node with a path', build(concat(ROOT, begin('a/b'), END, END, FINISH))],
    ['a name of other characters', build(concat(ROOT, begin('a b'), END, END, FINISH))],
    ['a name that is too long', build(concat(ROOT, begin('a'.repeat(256)), END, END, FINISH))],
    ['a name that does not end', build(concat(u32(1), u32(0x61616161)))],
    ['a node twice', build(concat(ROOT, begin('a'), END, begin('a'), END, END, FINISH))],
    ['a property twice', build(concat(ROOT, property(0, utf8('x\0')), END, FINISH))],
    ['a property after a node', build(concat(begin(''), begin('a'), END, property(0, utf8('x\0')), END, FINISH))],
    ['a property without a name', build(concat(begin(''), property(10, utf8('x')), END, FINISH))],
    ['a property name of other characters', build(concat(begin(''), property(6, utf8('x')), END, FINISH))],
    ['a property name that does not end', build(concat(begin(''), property(12, utf8('x')), END, FINISH))],
    ['a property name beyond the strings', build(concat(begin(''), property(500, utf8('x')), END, FINISH))],
    ['a property over the end', build(concat(begin(''), u32(3, 100, 0), END, FINISH)), 'IMAGE_TRUNCATED'],
    ['too many levels', build(concat(begin(''), ...Array.from({ length: 16 }, () => begin('a'))))],
    ['too many tags', build(concat(...Array.from({ length: 65_537 }, () => NOP)))],
  ];
  for (const [name, bytes, code = 'IMAGE_MALFORMED'] of refused) {
    assert.throws(() => parseDeviceTree(bytes), { code }, name);
  }
  // What has the magic but is no sound tree is taken for a FIT image, so that it is told what is wrong with it.
  assert.equal(identifyImage(build(FINISH)), 'fit');
});
