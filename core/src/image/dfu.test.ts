import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { concat, utf8 } from '../bytes/index.ts';
import { describeDfu } from './dfu.ts';
import { describeImage, identifyImage } from './identify.ts';

const TOOLS = { suffix: 'dfu-suffix', pack: 'dfuse-pack' };
const missing = Object.values(TOOLS).filter((tool) => spawnSync(tool, ['--help']).error !== undefined);
// With CI=true a missing tool must fail the tests, not skip them.
const skip = missing.length > 0 && process.env['CI'] !== 'true' ? `not installed: ${missing.join(', ')}` : false;

/** The CRC of DFU, bit by bit from its definition: reflected, all ones at first, not inverted at the end. */
function crcOf(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : 0xedb8_8320);
  }
  return crc >>> 0;
}

const le = (value: number, sizeBytes: number): Uint8Array =>
  Uint8Array.from({ length: sizeBytes }, (_, at) => Math.floor(value / 256 ** at) & 0xff);

function withSuffix(body: Uint8Array, version = 0x011a, ids = [0x0100, 0xdf11, 0x0483]): Uint8Array {
  const head = concat(body, ...ids.map((id) => le(id, 2)), le(version, 2), utf8('UFD'), le(16, 1));
  return concat(head, le(crcOf(head), 4));
}

function target(elements: Uint8Array, count: number, patch: { mark?: string; name?: Uint8Array; size?: number } = {}) {
  const name = new Uint8Array(255);
  name.set(patch.name ?? utf8('flash'));
  const size = le(patch.size ?? elements.length, 4);
  return concat(utf8(patch.mark ?? 'Target'), le(0, 1), le(1, 4), name, size, le(count, 4), elements);
}
const element = (address: number, data: Uint8Array, size = data.length): Uint8Array =>
  concat(le(address, 4), le(size, 4), data);
function dfuse(targets: Uint8Array, count = 1, patch: { version?: number; size?: number } = {}): Uint8Array {
  const size = le(patch.size ?? 11 + targets.length, 4);
  return withSuffix(concat(utf8('DfuSe'), le(patch.version ?? 1, 1), size, le(count, 1), targets));
}

describe('DFU files made by dfu-util', { skip }, () => {
  let folder = '';
  const path = (name: string): string => join(folder, name);
  const load = (name: string): Uint8Array => new Uint8Array(readFileSync(path(name)));
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pawl-dfu-'));
    writeFileSync(path('a.bin'), Buffer.alloc(200, 7));
    writeFileSync(path('b.bin'), Buffer.alloc(50, 9));
    writeFileSync(path('plain.dfu'), Buffer.alloc(200, 7));
    execFileSync(TOOLS.suffix, ['-v', '0483', '-p', 'df11', '-d', '2000', '-a', path('plain.dfu')]);
    const elements = ['-b', `0x08000000:${path('a.bin')}`, '-b', `0x08004000:${path('b.bin')}`];
    execFileSync(TOOLS.pack, [...elements, '-D', '0x1209:0xabcd', path('se.dfu')]);
  });
  after(() => rmSync(folder, { recursive: true }));

  test('a file with a suffix', () => {
    assert.equal(identifyImage(load('plain.dfu')), 'dfu');
    assert.deepEqual(describeImage(load('plain.dfu')), {
      format: 'dfu',
      sizeBytes: 216,
      payloadSizeBytes: 200,
      vendorId: '0483',
      productId: 'df11',
      deviceRelease: '2000',
    });
  });

  test('a DfuSe file with two elements', () => {
    const { targets, vendorId } = describeDfu(load('se.dfu'));
    assert.equal(vendorId, '1209');
    const elements = [
      { address: 0x0800_0000, sizeBytes: 200 },
      { address: 0x0800_4000, sizeBytes: 50 },
    ];
    assert.deepEqual(targets, [{ alternate: 0, name: 'ST...', elements }]);
  });

  test('every flipped bit and every truncation is refused', () => {
    for (const name of ['plain.dfu', 'se.dfu']) {
      const bytes = load(name);
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const flipped = bytes.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        assert.throws(() => describeDfu(flipped), { name: 'ImageError' }, `${name} bit ${bit}`);
      }
      for (let length = 0; length < bytes.length; length += 1) {
        assert.throws(() => describeDfu(bytes.subarray(0, length)), { name: 'ImageError' }, `${name} length ${length}`);
      }
    }
  });
});

test('a suffix may be for any device', () => {
  const described = describeDfu(withSuffix(utf8('firmware'), 0x0100, [0xffff, 0xffff, 0xffff]));
  assert.deepEqual(described, { format: 'dfu', sizeBytes: 24, payloadSizeBytes: 8 });
});

test('a target may go without a name', () => {
  const bare = target(element(0, utf8('x')), 1);
  bare.fill(0, 7, 11);
  assert.deepEqual(describeDfu(dfuse(bare)).targets, [{ alternate: 0, elements: [{ address: 0, sizeBytes: 1 }] }]);
  const full = target(element(0, utf8('x')), 1, { name: new Uint8Array(255).fill(0x41) });
  assert.equal(describeDfu(dfuse(full)).targets?.[0]?.name?.length, 255);
});

test('refuses what contradicts itself, each with its code', () => {
  const good = element(0x100, utf8('abcd'));
  const refused: [name: string, bytes: Uint8Array, code: string][] = [
    ['another version of DFU', withSuffix(utf8('firmware'), 0x0200), 'IMAGE_MALFORMED'],
    ['no suffix', concat(utf8('DfuSe'), new Uint8Array(30)), 'IMAGE_TRUNCATED'],
    ['nothing but a mark', utf8('DfuSe'), 'IMAGE_TRUNCATED'],
    ['DfuSe by its suffix only', withSuffix(utf8('firmware is this')), 'IMAGE_MALFORMED'],
    ['DfuSe that is cut in its prefix', withSuffix(utf8('DfuSe')), 'IMAGE_TRUNCATED'],
    ['another version of DfuSe', dfuse(target(good, 1), 1, { version: 2 }), 'IMAGE_MALFORMED'],
    ['another size', dfuse(target(good, 1), 1, { size: 12 }), 'IMAGE_MALFORMED'],
    ['a target too many', dfuse(target(good, 1), 2), 'IMAGE_TRUNCATED'],
    ['a target too few', dfuse(target(good, 1), 0), 'IMAGE_MALFORMED'],
    ['no mark of a target', dfuse(target(good, 1, { mark: 'target' })), 'IMAGE_MALFORMED'],
    ['a target over the end', dfuse(target(good, 1, { size: 1000 })), 'IMAGE_TRUNCATED'],
    ['an element too many', dfuse(target(good, 2)), 'IMAGE_TRUNCATED'],
    ['an element too few', dfuse(target(good, 0)), 'IMAGE_MALFORMED'],
    ['an element over the end', dfuse(target(element(0x100, utf8('abcd'), 9), 1)), 'IMAGE_TRUNCATED'],
    ['an address that wraps', dfuse(target(element(0xffff_fffe, utf8('abcd')), 1)), 'IMAGE_MALFORMED'],
    ['an overlap', dfuse(target(concat(good, element(0x102, utf8('abcd'))), 2)), 'IMAGE_MALFORMED'],
    ['a name that is no text', dfuse(target(good, 1, { name: Uint8Array.of(7) })), 'IMAGE_MALFORMED'],
  ];
  for (const [name, bytes, code] of refused) assert.throws(() => describeDfu(bytes), { code }, name);
});
