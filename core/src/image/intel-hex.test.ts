import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../bytes/index.ts';
import { identifyImage } from './identify.ts';
import { describeIntelHex } from './intel-hex.ts';

function record(type: number, offset: number, data: readonly number[]): string {
  const bytes = [data.length, offset >> 8, offset & 0xff, type, ...data];
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  return `:${[...bytes, -sum & 0xff].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join('')}`;
}

const END = ':00000001FF';
const file = (...lines: string[]): Uint8Array => utf8(lines.map((line) => `${line}\n`).join(''));
const refuses = (bytes: Uint8Array, code: string, name?: string): void =>
  assert.throws(() => describeIntelHex(bytes), { code }, name);

test('reads the example record of the specification and merges what touches', () => {
  // Hexadecimal Object File Format Specification, a data record as every tool prints it.
  const bytes = utf8(
    ':10010000214601360121470136007EFE09D2190140\r\n:100110002146017E17C20001FF5F16002148011928\r\n:00000001FF\r\n',
  );
  assert.equal(identifyImage(bytes), 'intel-hex');
  assert.deepEqual(describeIntelHex(bytes), {
    format: 'intel-hex',
    sizeBytes: bytes.length,
    dataSizeBytes: 32,
    segments: [{ address: 0x100, sizeBytes: 32 }],
  });
});

test('follows linear and segment addresses, in any order, and gives the start address', () => {
  const bytes = file(
    record(4, 0, [0x08, 0x00]),
    record(0, 0xfffe, [1, 2]),
    record(4, 0, [0x08, 0x01]),
    record(0, 0, [3]),
    record(2, 0, [0x12, 0x00]),
    record(0, 0x10, [4, 5, 6]),
    record(0, 0x20, []),
    record(5, 0, [0x08, 0x00, 0x01, 0x45]),
    END,
  );
  const { segments, dataSizeBytes, startAddress } = describeIntelHex(bytes);
  assert.deepEqual(segments, [
    { address: 0x1_2010, sizeBytes: 3 },
    { address: 0x0800_fffe, sizeBytes: 3 },
  ]);
  assert.equal(dataSizeBytes, 6);
  assert.equal(startAddress, 0x0800_0145);
  assert.equal(describeIntelHex(file(record(3, 0, [0x10, 0x00, 0x00, 0x05]), END)).startAddress, 0x1_0005);
});

test('reaches the last address of 32 bits and not beyond', () => {
  assert.deepEqual(describeIntelHex(file(record(4, 0, [0xff, 0xff]), record(0, 0xffff, [1]), END)).segments, [
    { address: 0xffff_ffff, sizeBytes: 1 },
  ]);
  refuses(file(record(4, 0, [0xff, 0xff]), record(0, 0xffff, [1, 2]), END), 'IMAGE_MALFORMED');
});

test('refuses malformed files, each with its code', () => {
  const data = record(0, 0, [1, 2, 3]);
  refuses(utf8(''), 'IMAGE_TRUNCATED');
  refuses(file(data), 'IMAGE_TRUNCATED', 'no end-of-file record');
  refuses(file(data.slice(0, -2) + '00', END), 'IMAGE_CHECKSUM_MISMATCH');
  refuses(file(data.slice(0, -2), END), 'IMAGE_MALFORMED', 'a record that is too short');
  refuses(file(`${data}00`, END), 'IMAGE_MALFORMED', 'a record that is too long');
  refuses(file(data.slice(0, -1), END), 'IMAGE_MALFORMED', 'an odd number of digits');
  refuses(file(data.slice(1), END), 'IMAGE_MALFORMED', 'no colon');
  refuses(file(data, '', END), 'IMAGE_MALFORMED', 'an empty line');
  refuses(file(data, END, data), 'IMAGE_MALFORMED', 'data behind the end');
  refuses(file(data, END, END), 'IMAGE_MALFORMED', 'two ends');
  refuses(file(record(6, 0, []), END), 'IMAGE_MALFORMED', 'an unknown type');
  refuses(file(record(1, 0, [0])), 'IMAGE_MALFORMED', 'an end with data');
  refuses(file(record(4, 0, [0]), END), 'IMAGE_MALFORMED', 'a short address');
  refuses(file(record(4, 4, [0, 0]), END), 'IMAGE_MALFORMED', 'an address record with an offset');
  refuses(file(record(5, 0, [0, 0, 0, 0]), record(3, 0, [0, 0, 0, 0]), END), 'IMAGE_MALFORMED', 'two start addresses');
  refuses(file(record(0, 0xffff, [1, 2]), END), 'IMAGE_MALFORMED', 'data that wraps');
  refuses(file(data, record(0, 2, [9]), END), 'IMAGE_MALFORMED', 'data that overlaps');
  refuses(
    file(record(0, 5, [9]), record(0, 0, [1, 2, 3, 4, 5, 6]), END),
    'IMAGE_MALFORMED',
    'data that overlaps backwards',
  );
});

test('refuses every truncation before the end record and every changed digit', () => {
  const bytes = file(record(4, 0, [8, 0]), record(0, 16, [1, 2, 3, 4]), END);
  for (let length = 0; length < bytes.length - 1; length += 1) {
    assert.throws(
      () => describeIntelHex(bytes.subarray(0, length)),
      ({ code }) => ['IMAGE_TRUNCATED', 'IMAGE_MALFORMED'].includes(code),
      `length ${length}`,
    );
  }
  for (let at = 0; at < bytes.length - 1; at += 1) {
    const changed = bytes.slice();
    changed[at] = bytes[at] === 0x30 ? 0x31 : 0x30;
    assert.throws(
      () => describeIntelHex(changed),
      ({ code }) => ['IMAGE_CHECKSUM_MISMATCH', 'IMAGE_MALFORMED'].includes(code),
      `digit ${at}`,
    );
  }
});
