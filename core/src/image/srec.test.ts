import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { utf8 } from '../bytes/index.ts';
import { describeImage, identifyImage } from './identify.ts';
import { describeSrec } from './srec.ts';

const TOOL = 'srec_cat';
const isAbsent = spawnSync(TOOL, ['--version']).error !== undefined;
// With CI=true a missing tool must fail the tests, not skip them.
const skip = isAbsent && process.env['CI'] !== 'true' ? 'not installed: srec_cat' : false;

/** A record with its count and checksum, by the specification. */
function record(type: string, address: string, data = '', patch = 0): string {
  const body = Buffer.from(address + data, 'hex');
  const bytes = [body.length + 1, ...body];
  const checksum = (0xff - (bytes.reduce((sum, byte) => sum + byte, 0) & 0xff) + patch) & 0xff;
  return `S${type}${Buffer.from([...bytes, checksum])
    .toString('hex')
    .toUpperCase()}\n`;
}

test('describes what srec_cat writes, with addresses of 16, 24 and 32 bits', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'pawl-srec-'));
  try {
    writeFileSync(join(folder, 'a'), Buffer.alloc(100, 7));
    writeFileSync(join(folder, 'b'), Buffer.alloc(33, 8));
    for (const [address, start] of [
      [0x100, []],
      [0x1_2000, ['-execution-start-address', '0x12004']],
      [0x0800_0000, ['-execution-start-address', '0x08000101']],
    ] as const) {
      const parts = ['a', '-binary', '-offset', `${address}`, 'b', '-binary', '-offset', `${address + 0x400}`];
      const bytes = execFileSync(TOOL, [...parts, ...start, '-o', '-', '-motorola'], { cwd: folder });
      assert.equal(identifyImage(bytes), 'srec');
      assert.deepEqual(describeImage(bytes), {
        format: 'srec',
        sizeBytes: bytes.length,
        dataSizeBytes: 133,
        segments: [
          { address, sizeBytes: 100 },
          { address: address + 0x400, sizeBytes: 33 },
        ],
        ...(start.length === 0 ? {} : { startAddress: Number(start[1]) }),
        header: 'http://srecord.sourceforge.net/',
      });
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        // The checksum does not cover the type of a record.
        if (bytes[(bit >> 3) - 1] === 0x53) continue;
        const flipped = new Uint8Array(bytes);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        // A letter may change its case and a line feed is one of two ends; all else shows.
        if (flipped.length === bytes.length && isSameText(flipped, bytes)) continue;
        assert.throws(() => describeSrec(flipped), { name: 'ImageError' }, `bit ${bit}`);
      }
    }
    const hex = execFileSync(TOOL, ['a', '-binary', '-o', '-', '-intel'], { cwd: folder });
    assert.equal(identifyImage(hex), 'intel-hex');
    assert.ok(readFileSync(join(folder, 'a')).length > 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function isSameText(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).toString('latin1').toUpperCase() === Buffer.from(b).toString('latin1').toUpperCase();
}

test('takes records in any order, CR LF, and no header', () => {
  const text = record('2', '010020', 'aabb') + record('2', '010000', 'cc') + record('8', '010000');
  const described = describeSrec(utf8(text.replaceAll('\n', '\r\n')));
  assert.deepEqual(described.segments, [
    { address: 0x1_0000, sizeBytes: 1 },
    { address: 0x1_0020, sizeBytes: 2 },
  ]);
  assert.deepEqual([described.startAddress, described.header], [0x1_0000, undefined]);
  const counted = record('1', '0000', '00'.repeat(16)) + record('1', '0010', '11') + record('6', '000002');
  assert.deepEqual(describeSrec(utf8(counted)).segments, [{ address: 0, sizeBytes: 17 }]);
});

test('refuses what contradicts itself, each with its code', () => {
  const data = record('1', '0000', 'aabb');
  const end = record('9', '0000');
  const refused: [name: string, text: string, code: string][] = [
    ['no records', '', 'IMAGE_TRUNCATED'],
    ['no end', data, 'IMAGE_TRUNCATED'],
    ['a wrong checksum', record('1', '0000', 'aabb', 1) + end, 'IMAGE_CHECKSUM_MISMATCH'],
    ['a reserved type', `S4030000FC\n${end}`, 'IMAGE_MALFORMED'],
    ['an odd digit', `${data.trim()}0\n${end}`, 'IMAGE_MALFORMED'],
    ['a count beyond the line', `S1FF0000AABB97\n${end}`, 'IMAGE_MALFORMED'],
    ['a count below the address', `S30300000000FC\n${end}`, 'IMAGE_MALFORMED'],
    ['an address that is cut', `S3030000FC00\n${end}`, 'IMAGE_MALFORMED'],
    ['an empty line', `${data}\n${end}`, 'IMAGE_MALFORMED'],
    ['a second header', data + record('0', '0000', '41') + end, 'IMAGE_MALFORMED'],
    ['data after the end', end + data, 'IMAGE_MALFORMED'],
    ['data after the count', record('1', '0000', 'aa') + record('5', '0001') + data + end, 'IMAGE_MALFORMED'],
    ['another count', data + record('5', '0002') + end, 'IMAGE_MALFORMED'],
    ['data in an end', data + record('9', '0000', '00'), 'IMAGE_MALFORMED'],
    ['an overlap', data + record('1', '0001', 'cc') + end, 'IMAGE_MALFORMED'],
    ['data beyond the last address', record('1', 'ffff', 'aabb') + end, 'IMAGE_MALFORMED'],
  ];
  for (const [name, text, code] of refused) assert.throws(() => describeSrec(utf8(text)), { code }, name);
});
