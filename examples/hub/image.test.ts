import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkHubImage } from './image.ts';
import { loadPackageImage } from './package-image.ts';

const require = createRequire(import.meta.url);
const packageZip = (alias: string): string => join(dirname(require.resolve(alias)), 'primehub.zip');

describe('the hub image', () => {
  let image: Uint8Array;
  let dir: string;
  before(async () => {
    ({ image } = await loadPackageImage(packageZip('pybricks-firmware-old'), 'Test Hub'));
    dir = mkdtempSync(join(tmpdir(), 'pawl-hub-'));
  });
  after(() => rmSync(dir, { recursive: true }));

  const boot = (bytes: Uint8Array | undefined): { status: number | null; stderr: string } => {
    rmSync(join(dir, 'image'), { force: true });
    if (bytes !== undefined) writeFileSync(join(dir, 'image'), bytes);
    return spawnSync(process.execPath, [join(import.meta.dirname, 'boot.ts'), dir], { encoding: 'utf8' });
  };
  const changed = (change: (copy: Uint8Array) => void): Uint8Array => {
    const copy = image.slice();
    change(copy);
    return copy;
  };

  test('of both real firmware versions starts, and they differ', async () => {
    const newer = await loadPackageImage(packageZip('pybricks-firmware-new'), 'Test Hub');
    assert.equal(newer.firmwareVersion, 'ci-release-90-v4.0.0b5');
    assert.equal(checkHubImage(image), undefined);
    assert.equal(checkHubImage(newer.image), undefined);
    assert.notDeepEqual(newer.image, image);
    assert.equal(boot(image).status, 0);
  });

  test('carries the name of the hub where the metadata says', () => {
    assert.equal(Buffer.from(image).subarray(294_180, 294_189).toString(), 'Test Hub\0');
  });

  test('has the checksum that an independent bit-by-bit CRC gives', () => {
    const area = new Uint8Array(1_015_808).fill(0xff);
    area.set(image);
    area.fill(0, image.length - 4, image.length);
    let crc = 0xffff_ffffn;
    const view = new DataView(area.buffer);
    for (let offset = 0; offset < area.length; offset += 4) {
      crc ^= BigInt(view.getUint32(offset, true));
      for (let bit = 0; bit < 32; bit++) {
        crc = ((crc << 1n) ^ ((crc & 0x8000_0000n) === 0n ? 0n : 0x104c1_1db7n)) & 0xffff_ffffn;
      }
    }
    assert.equal(new DataView(image.buffer).getUint32(image.length - 4, true), Number(crc));
  });

  test('does not start when it was cut short, wherever', () => {
    for (const length of [0, 4, 471, 476, 1024, image.length >> 1, image.length - 4, image.length - 1]) {
      assert.notEqual(checkHubImage(image.subarray(0, length)), undefined, `length ${length}`);
    }
    const half = boot(image.subarray(0, 1 << 17));
    assert.equal(half.status, 1);
    assert.match(half.stderr, /does not start: the checksum is/);
  });

  test('does not start with one flipped bit, wherever', () => {
    for (let offset = 0; offset < image.length; offset += 29_417) {
      assert.notEqual(checkHubImage(changed((copy) => (copy[offset]! ^= 1))), undefined, `offset ${offset}`);
    }
    assert.notEqual(checkHubImage(changed((copy) => (copy[copy.length - 1]! ^= 0x80))), undefined);
  });

  test('does not start when its vectors point nowhere, and the reason says so', () => {
    const word = (offset: number, value: number) =>
      checkHubImage(changed((copy) => new DataView(copy.buffer).setUint32(offset, value, true)));
    assert.match(word(0, 0x2005_0004) ?? '', /stack pointer/);
    assert.match(word(0, 0x0804_0000) ?? '', /stack pointer/);
    assert.match(word(4, 0x0804_2e50) ?? '', /is even/);
    assert.match(word(4, 0x0800_0001) ?? '', /not in flash/);
    assert.match(checkHubImage(new Uint8Array(2 ** 20).fill(1)) ?? '', /too long/);
    assert.match(checkHubImage(new Uint8Array(1023)) ?? '', /whole number/);
  });

  test('that is missing does not start', () => {
    const { status, stderr } = boot(undefined);
    assert.equal(status, 1);
    assert.match(stderr, /ENOENT/);
  });
});
