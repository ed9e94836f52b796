import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { test } from 'node:test';
import { describeElf } from './elf.ts';
import { identifyImage } from './identify.ts';

/** A header with one program header and two section headers, in either class and byte order. */
function build(elfClass: 32 | 64, isLittle: boolean, machine: number): Uint8Array<ArrayBuffer> {
  const is64 = elfClass === 64;
  const [headerSize, segmentSize, sectionSize] = is64 ? [64, 56, 64] : [52, 32, 40];
  const bytes = new Uint8Array(headerSize + segmentSize + 2 * sectionSize);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, is64 ? 2 : 1, isLittle ? 1 : 2, 1]);
  const view = new DataView(bytes.buffer);
  const word = (at: number, value: number): void =>
    is64 ? view.setBigUint64(at, BigInt(value), isLittle) : view.setUint32(at, value, isLittle);
  view.setUint16(16, 2, isLittle);
  view.setUint16(18, machine, isLittle);
  word(24, 0x0800_0145);
  word(is64 ? 32 : 28, headerSize);
  word(is64 ? 40 : 32, headerSize + segmentSize);
  [headerSize, segmentSize, 1, sectionSize, 2].forEach((value, at) => {
    view.setUint16((is64 ? 52 : 40) + at * 2, value, isLittle);
  });
  return bytes;
}

test('describes both classes in both byte orders', () => {
  for (const [elfClass, isLittle, machine, name] of [
    [32, true, 40, 'arm'],
    [32, false, 8, 'mips'],
    [64, true, 183, 'aarch64'],
    [64, false, 9999, 'machine 9999'],
  ] as const) {
    const bytes = build(elfClass, isLittle, machine);
    assert.equal(identifyImage(bytes), 'elf');
    assert.deepEqual(describeElf(bytes), {
      format: 'elf',
      sizeBytes: bytes.length,
      class: elfClass,
      byteOrder: isLittle ? 'little' : 'big',
      type: 'executable',
      machine: name,
      entry: '0x8000145',
      segmentCount: 1,
      sectionCount: 2,
    });
  }
});

test('describes the running executable', { skip: process.platform === 'linux' ? false : 'not an ELF platform' }, () => {
  const described = describeElf(new Uint8Array(readFileSync(process.execPath)));
  assert.equal(described.class, 64);
  assert.ok(described.segmentCount > 4 && described.sectionCount > 10);
  // Its first bytes alone are an ELF file that was cut.
  const file = openSync(process.execPath, 'r');
  const head = new Uint8Array(Math.min(4096, fstatSync(file).size));
  readSync(file, head);
  closeSync(file);
  assert.equal(identifyImage(head), 'elf');
  assert.throws(() => describeElf(head), { code: 'IMAGE_TRUNCATED' });
});

test('takes the section count from the first section when the header has no room for it', () => {
  const bytes = build(64, true, 62);
  const view = new DataView(bytes.buffer);
  view.setUint16(60, 0, true);
  view.setBigUint64(64 + 56 + 32, 2n, true);
  assert.equal(describeElf(bytes).sectionCount, 2);
  view.setBigUint64(64 + 56 + 32, 2n ** 62n, true);
  assert.throws(() => describeElf(bytes), { code: 'IMAGE_TRUNCATED' });
});

test('refuses every truncation', () => {
  for (const bytes of [build(32, true, 40), build(64, true, 62)]) {
    for (let length = 0; length < bytes.length; length += 1) {
      assert.throws(() => describeElf(bytes.subarray(0, length)), { code: 'IMAGE_TRUNCATED' }, `length ${length}`);
    }
  }
});

test('refuses malformed headers, each with its code', () => {
  const cases: [string, (view: DataView) => void, string][] = [
    ['another magic', (view) => view.setUint8(1, 0), 'IMAGE_MALFORMED'],
    ['class 3', (view) => view.setUint8(4, 3), 'IMAGE_MALFORMED'],
    ['byte order 0', (view) => view.setUint8(5, 0), 'IMAGE_MALFORMED'],
    ['version 2', (view) => view.setUint8(6, 2), 'IMAGE_MALFORMED'],
    ['program headers of another size', (view) => view.setUint16(54, 8, true), 'IMAGE_MALFORMED'],
    ['section headers of another size', (view) => view.setUint16(58, 8, true), 'IMAGE_MALFORMED'],
    ['too many program headers', (view) => view.setUint16(56, 0xffff, true), 'IMAGE_TRUNCATED'],
    ['a section table at 2^62', (view) => view.setBigUint64(40, 2n ** 62n, true), 'IMAGE_TRUNCATED'],
  ];
  for (const [name, change, code] of cases) {
    const bytes = build(64, true, 62);
    change(new DataView(bytes.buffer));
    assert.throws(() => describeElf(bytes), { code }, name);
  }
});
