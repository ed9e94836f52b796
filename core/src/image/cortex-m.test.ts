import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { describeCortexM } from './cortex-m.ts';
import { describeImage, identifyImage } from './identify.ts';

/** A vector table with these words first, then one handler for the rest. */
function table(...words: number[]): Uint8Array {
  const bytes = Buffer.alloc(128);
  for (let at = 0; at < 16; at += 1) bytes.writeUInt32LE(words[at] ?? 0x0800_0301, at * 4);
  return new Uint8Array(bytes);
}

test('recognises and describes a real hub image', () => {
  const zip = fileURLToPath(import.meta.resolve('pybricks-firmware-new/build/primehub.zip'));
  const image = unzipSync(new Uint8Array(readFileSync(zip)))['firmware-base.bin']!;
  assert.equal(identifyImage(image), 'cortex-m-raw');
  const described = describeCortexM(image);
  assert.equal(described.sizeBytes, image.length);
  assert.equal(described.initialStackPointer, 0x2005_0000);
  assert.ok(described.resetHandler > 0x0800_0000 && described.resetHandler < 0x0810_0000);
  assert.ok(described.lowestHandler <= described.resetHandler);
});

test('describes a table whose reserved vectors are zero', () => {
  const bytes = table(0x2000_4000, 0x0800_0145, 0x0800_0201, 0x0800_0203, 0, 0, 0, 0, 0, 0, 0);
  assert.deepEqual(describeImage(bytes), {
    format: 'cortex-m-raw',
    sizeBytes: 128,
    initialStackPointer: 0x2000_4000,
    resetHandler: 0x0800_0145,
    lowestHandler: 0x0800_0145,
  });
});

test('does not take other bytes for a vector table', () => {
  const cases: [string, Uint8Array][] = [
    ['a stack pointer outside RAM', table(0x0800_0000)],
    ['an odd stack pointer', table(0x2000_4001)],
    ['a handler without the Thumb bit', table(0x2000_4000, 0x0800_0144)],
    ['no reset handler', table(0x2000_4000, 0)],
    ['a handler in RAM', table(0x2000_4000, 0x2000_0001)],
    ['handlers far apart', table(0x2000_4000, 0x0000_0101)],
    ['hardly any handler', table(0x2000_4000, 0x0800_0145, ...Array.from({ length: 14 }, () => 0))],
    ['zeros', new Uint8Array(128)],
    ['ones', new Uint8Array(128).fill(0xff)],
  ];
  for (const [name, bytes] of cases) {
    assert.equal(identifyImage(bytes), 'raw', name);
    assert.throws(() => describeCortexM(bytes), { code: 'IMAGE_MALFORMED' }, name);
  }
  assert.throws(() => describeCortexM(table(0x2000_4000).subarray(0, 63)), { code: 'IMAGE_TRUNCATED' });
});
