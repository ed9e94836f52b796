import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { concat, utf8 } from '../bytes/index.ts';
import { describeImage, identifyImage } from './identify.ts';
import { describeUf2 } from './uf2.ts';

/**
 * 300 counting bytes at 0x10000000 for RP2040, made by uf2conv.py of microsoft/uf2 at 90e9741: `uf2conv.py -c -f RP2040 -b
 * 0x10000000`.
 */
const FOREIGN = join(import.meta.dirname, 'fixtures/counting.uf2');

type Options = {
  flags?: number;
  address?: number;
  size?: number;
  number?: number;
  count?: number;
  family?: number;
  data?: Uint8Array;
  end?: number;
};
function block(options: Options = {}): Uint8Array {
  const bytes = Buffer.alloc(512);
  const { flags = 0x2000, address = 0, size = 256, number = 0, count = 1, family = 0xe48bff56 } = options;
  const fields = [0x0a324655, 0x9e5d5157, flags, address, size, number, count, family];
  for (const [at, value] of fields.entries()) bytes.writeUInt32LE(value, at * 4);
  bytes.set(options.data ?? new Uint8Array(476), 32);
  bytes.writeUInt32LE(options.end ?? 0x0ab16f30, 508);
  return new Uint8Array(bytes);
}

test('describes what uf2conv makes', () => {
  const bytes = new Uint8Array(readFileSync(FOREIGN));
  assert.equal(identifyImage(bytes), 'uf2');
  assert.deepEqual(describeImage(bytes), {
    format: 'uf2',
    sizeBytes: 1024,
    blockCount: 2,
    families: [
      {
        familyId: '0xe48bff56',
        family: 'RP2040',
        blockCount: 2,
        dataSizeBytes: 512,
        segments: [{ address: 0x1000_0000, sizeBytes: 512 }],
      },
    ],
    files: [],
  });
  for (let length = 8; length < bytes.length; length += 1) {
    // A file that is cut between two blocks has one too few.
    const code = length === 512 ? 'IMAGE_MALFORMED' : 'IMAGE_TRUNCATED';
    assert.throws(() => describeUf2(bytes.subarray(0, length)), { code }, `length ${length}`);
  }
});

test('holds firmware for several families, in any order, each numbered for itself', () => {
  const bytes = concat(
    // RP2350 erratum E10: the lone block of picotool that says there are two.
    block({ family: 0xe48bff57, address: 0x10ff_ff00, count: 2 }),
    block({ number: 1, count: 2, address: 0x100 }),
    block({ number: 0, count: 2 }),
    block({ family: 0x1234_5678, flags: 0x2001 }),
    block({ flags: 0, family: 0, size: 16 }),
  );
  const { families, blockCount } = describeUf2(bytes);
  assert.equal(blockCount, 5);
  assert.deepEqual(
    families.map(({ familyId, dataSizeBytes }) => [familyId, dataSizeBytes]),
    [
      ['0xe48bff57', 256],
      ['0xe48bff56', 512],
      ['0x12345678', 0],
      [undefined, 16],
    ],
  );
});

test('holds files for a file system', () => {
  const data = concat(new Uint8Array(256).fill(7), utf8('sound/hello.wav\0'));
  const bytes = concat(
    block({ flags: 0x1000, family: 300, count: 2, data }),
    block({ flags: 0x1000, family: 300, count: 2, number: 1, address: 256, size: 44, data: data.subarray(212) }),
  );
  assert.deepEqual(describeUf2(bytes).files, [{ name: 'sound/hello.wav', sizeBytes: 300 }]);
  const refused: Uint8Array[] = [
    block({ flags: 0x1000, family: 300 }),
    block({ flags: 0x1000, family: 255, data }),
    block({ flags: 0x1000, family: 300, data: new Uint8Array(476).fill(0x41) }),
    concat(
      block({ flags: 0x1000, family: 300, count: 2, data }),
      block({ flags: 0x1000, family: 301, count: 2, number: 1, data }),
    ),
  ];
  for (const each of refused) assert.throws(() => describeUf2(each), { code: 'IMAGE_MALFORMED' });
});

test('refuses what contradicts itself, each with its code', () => {
  const pair = (options: Options): Uint8Array =>
    concat(block({ count: 2 }), block({ count: 2, number: 1, ...options }));
  const refused: [name: string, bytes: Uint8Array][] = [
    ['another magic of a later block', concat(block(), new Uint8Array(512))],
    ['another magic at the end', block({ end: 1 })],
    ['more data than a block holds', block({ size: 477 })],
    ['a number beyond the count', block({ number: 1 })],
    ['an address that wraps', block({ address: 0xffff_ff01 })],
    ['a block twice', concat(block(), block({ address: 256 }))],
    ['another count', pair({ count: 3, address: 256 })],
    ['a missing block', block({ count: 2 })],
    ['an overlap', pair({ address: 255 })],
    [
      'two blocks with the erratum of one',
      concat(...[0, 1, 2].map((number) => block({ family: 0xe48bff57, number, count: 4 }))),
    ],
  ];
  for (const [name, bytes] of refused) assert.throws(() => describeUf2(bytes), { code: 'IMAGE_MALFORMED' }, name);
  assert.throws(() => describeUf2(block().subarray(0, 500)), { code: 'IMAGE_TRUNCATED' });
});
