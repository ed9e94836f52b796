import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { describeImage, identifyImage } from './identify.ts';
import { describeUimage } from './uimage.ts';

const TOOL = 'mkimage';
// With CI=true a missing tool must fail the tests, not skip them.
const isAbsent = spawnSync(TOOL, ['-V']).error !== undefined;
const skip = isAbsent && process.env['CI'] !== 'true' ? `not installed: ${TOOL}` : false;

describe('images made by mkimage', { skip }, () => {
  let folder = '';
  const make = (...args: string[]): Uint8Array => {
    const env = { ...process.env, SOURCE_DATE_EPOCH: '1700000000' };
    execFileSync(TOOL, [...args, 'out'], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
    return new Uint8Array(readFileSync(join(folder, 'out')));
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pawl-uimage-'));
    writeFileSync(join(folder, 'a'), Buffer.alloc(301, 7));
    writeFileSync(join(folder, 'b'), Buffer.alloc(50, 8));
  });
  after(() => rmSync(folder, { recursive: true }));
  const kernel = (): Uint8Array =>
    make(
      '-A',
      'arm',
      '-O',
      'linux',
      '-T',
      'kernel',
      '-C',
      'gzip',
      '-a',
      '8000',
      '-e',
      '8040',
      '-n',
      'pump 1',
      '-d',
      'a',
    );

  test('a kernel', () => {
    const bytes = kernel();
    assert.equal(identifyImage(bytes), 'uimage');
    assert.deepEqual(describeImage(bytes), {
      format: 'uimage',
      sizeBytes: 64 + 301,
      name: 'pump 1',
      type: 'kernel',
      compression: 'gzip',
      timestamp: 1_700_000_000,
      loadAddress: 0x8000,
      entryAddress: 0x8040,
      contentSizes: [301],
      trailingSizeBytes: 0,
    });
  });

  test('several images in one', () => {
    const bytes = make('-A', 'arm', '-T', 'multi', '-C', 'none', '-n', 'both', '-d', 'a:b');
    const { contentSizes, type } = describeUimage(bytes);
    assert.deepEqual([contentSizes, type], [[301, 50], 'multi']);
    // The list of sizes reaches over the end, or the images do not fill the data.
    for (const size of [51, 1]) {
      const changed = bytes.slice();
      const view = new DataView(changed.buffer);
      view.setUint32(64 + 8, size);
      view.setUint32(64 + 4, size === 1 ? 1 : 60);
      view.setUint32(24, crc32(changed.subarray(64)));
      view.setUint32(4, 0);
      view.setUint32(4, crc32(changed.subarray(0, 64)));
      assert.throws(() => describeUimage(changed), { name: 'ImageError' });
    }
  });

  test('every flipped bit and every truncation is refused', () => {
    const bytes = kernel();
    for (let bit = 32; bit < bytes.length * 8; bit += 1) {
      const flipped = bytes.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.throws(() => describeUimage(flipped), { code: 'IMAGE_CHECKSUM_MISMATCH' }, `bit ${bit}`);
    }
    for (let length = 0; length < bytes.length; length += 1) {
      assert.throws(() => describeUimage(bytes.subarray(0, length)), { code: 'IMAGE_TRUNCATED' }, `length ${length}`);
    }
    const named = bytes.slice();
    named[32] = 7;
    const view = new DataView(named.buffer);
    view.setUint32(4, 0);
    view.setUint32(4, crc32(named.subarray(0, 64)));
    assert.throws(() => describeUimage(named), { code: 'IMAGE_MALFORMED' });
  });
});
