import assert from 'node:assert/strict';
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, realpathSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { sha256 } from '@pawl/core/crypto';
import { nodeDisk } from '../disk.ts';
import { DirectorySlots } from './directory.ts';

const BLOCK_BYTES = 512 * 1024;

let dir: string;
let slots: DirectorySlots;

beforeEach(async () => {
  dir = mkdtempSync(join(realpathSync(tmpdir()), 'pawl-slots-'));
  slots = new DirectorySlots(nodeDisk, dir);
  await slots.prepare();
});
afterEach(() => rmSync(dir, { recursive: true }));

async function write(bytes: Uint8Array, keepBytes = 0): Promise<void> {
  const writer = await slots.openToWrite('b', keepBytes);
  await writer.write(bytes);
  await writer.finish();
  await writer.close();
}

describe('slots in folders', () => {
  test('have no current one until one is made so, and then by a relative link', async () => {
    assert.equal(await slots.current(), undefined);
    for (const slot of ['a', 'b', 'b'] as const) {
      await slots.activate(slot);
      assert.equal(await slots.current(), slot);
      assert.ok(lstatSync(join(dir, 'current')).isSymbolicLink());
      assert.equal(readlinkSync(join(dir, 'current')), join('slots', slot));
    }
  });

  test('do not take a link to another place for a slot', async () => {
    await nodeDisk.link('/etc', join(dir, 'current'));
    assert.equal(await slots.current(), undefined);
  });

  test('hold what was written, whatever the pieces', async () => {
    for (const size of [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 2 * BLOCK_BYTES + 7]) {
      const bytes = new Uint8Array(size).map((_, index) => index % 251);
      await write(bytes);
      assert.deepEqual(new Uint8Array(readFileSync(join(slots.pathOf('b'), 'image'))), bytes, `${size} bytes`);
      assert.deepEqual(await slots.digestOf('b', -16), { digest: sha256(bytes), sizeBytes: size });
    }
  });

  test('keep as much of the beginning as asked for, and no more than there is', async () => {
    await write(new Uint8Array(100).fill(1));
    await write(new Uint8Array(5).fill(2), 60);
    const image = readFileSync(join(slots.pathOf('b'), 'image'));
    assert.deepEqual([image.length, image[59], image[60]], [65, 1, 2]);
    const writer = await slots.openToWrite('b', 1000);
    assert.equal(writer.sizeBytes, 65);
    await writer.truncate(10);
    assert.equal(writer.sizeBytes, 10);
    assert.equal((await writer.read(0, 100)).length, 10);
    await writer.close();
  });

  test('write beyond 4 GiB where they should', async () => {
    const at = 2 ** 32 + 1;
    const file = await nodeDisk.open(join(slots.pathOf('b'), 'image'));
    await file.truncate(at);
    await file.close();
    const writer = await slots.openToWrite('b', at);
    await writer.write(Uint8Array.of(7, 8));
    assert.deepEqual(await writer.read(at - 1, 10), Uint8Array.of(0, 7, 8));
    await writer.close();
    assert.equal(statSync(join(slots.pathOf('b'), 'image')).size, at + 2);
  });

  test('give their space back, and count it as theirs', async () => {
    const disk = { ...nodeDisk, freeBytes: async () => 1000 };
    const small = new DirectorySlots(disk, dir);
    await write(new Uint8Array(234));
    assert.equal(await small.capacityBytes('b'), 1234);
    await small.discard('b');
    assert.equal(await small.capacityBytes('b'), 1000);
  });
});
