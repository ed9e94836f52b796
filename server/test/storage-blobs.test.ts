/** What the server asks of its object store, over both implementations: a folder, and a real S3-compatible server. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { BlobStore, StoredBlob } from '../src/blobs/blob-store.ts';
import { FolderBlobs } from '../src/blobs/folder-blobs.ts';
import { S3Blobs } from '../src/blobs/s3-blobs.ts';
import { startS3 } from './s3-server.ts';

type Started = { readonly blobs: BlobStore; close(): Promise<void> };

async function folderStore(): Promise<Started> {
  const folder = await mkdtemp(join(tmpdir(), 'pawl-blobs-'));
  return { blobs: new FolderBlobs(folder), close: () => rm(folder, { recursive: true, force: true }) };
}

const MIB = 2 ** 20;

async function s3Store(): Promise<Started> {
  const server = await startS3();
  // What is longer than 6 MiB goes in parts of 5 MiB, the least that S3 takes.
  return {
    blobs: new S3Blobs({ ...server.options, singleBytesMax: 6 * MIB, partBytes: 5 * MIB }),
    close: () => server.close(),
  };
}

const hex = (name: string, bytes: Uint8Array) => createHash(name).update(bytes).digest('hex');
const codeOf = (code: string) => (error: Error & { code?: string }) => error.code === code;
const patterned = (length: number, seed: number) => {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) bytes[index] = (index * 7 + seed + (index >> 8)) & 255;
  return bytes;
};

async function* chunks(bytes: Uint8Array, size = 65_536, failAt = Number.POSITIVE_INFINITY): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    if (at >= failAt) throw new Error('the client went away');
    yield bytes.subarray(at, at + size);
  }
}

for (const [name, start] of [
  ['a folder', folderStore],
  ['an S3-compatible store', s3Store],
] as const) {
  describe(name, () => {
    let started: Started;
    let blobs: BlobStore;
    before(async () => {
      started = await start();
      blobs = started.blobs;
    });
    after(() => started.close());

    const read = async (sha256: string, first: number, last: number) =>
      new Uint8Array(Buffer.concat(await blobs.open(sha256, { start: first, end: last }).toArray()));

    const listed = async () => {
      const all: StoredBlob[] = [];
      for await (const blob of blobs.list()) all.push(blob);
      return all;
    };

    for (const length of [1, 100_003, 6 * MIB, 12 * MIB + 17]) {
      test(`${length} bytes are stored under their digest, read whole and by range, and deleted`, async () => {
        const bytes = patterned(length, length);
        const sha256 = hex('sha256', bytes);
        assert.equal(await blobs.has(sha256), false);
        const digests = await blobs.write(chunks(bytes), { sha256, sizeBytes: length });
        assert.deepEqual(digests, { sha256, sha1: hex('sha1', bytes), md5: hex('md5', bytes), sizeBytes: length });
        assert.equal(await blobs.has(sha256), true);
        assert.equal(Buffer.compare(await blobs.readVerified(sha256), bytes), 0);
        const [first, last] = [Math.floor(length / 3), length - 1];
        assert.equal(Buffer.compare(await read(sha256, first, last), bytes.subarray(first)), 0);
        assert.equal(Buffer.compare(await read(sha256, 0, Math.min(1, last)), bytes.subarray(0, 2)), 0);
        await blobs.delete(sha256);
        assert.equal(await blobs.has(sha256), false);
        await blobs.delete(sha256);
      });
    }

    for (const length of [50_000, 12 * MIB]) {
      test(`of ${length} bytes, other, fewer and more are refused, as is a source that fails, and nothing is kept`, async () => {
        const bytes = patterned(length, 1);
        const expected = { sha256: hex('sha256', bytes), sizeBytes: length };
        const other = bytes.with(length - 1, 255 - (bytes.at(-1) ?? 0));
        for (const wrong of [other, bytes.subarray(1), Buffer.concat([bytes.subarray(0, 10), bytes])]) {
          await assert.rejects(blobs.write(chunks(wrong), expected), codeOf('ARTIFACT_MISMATCH'));
        }
        await assert.rejects(blobs.write(chunks(bytes, 1000, length / 2), expected), /the client went away/);
        assert.equal(await blobs.has(expected.sha256), false);
        assert.deepEqual(await listed(), []);
      });
    }

    test('the same object twice, also at once, is no error', async () => {
      const bytes = patterned(20_000, 2);
      const expected = { sha256: hex('sha256', bytes), sizeBytes: bytes.length };
      await Promise.all([blobs.write(chunks(bytes, 999), expected), blobs.write(chunks(bytes), expected)]);
      await blobs.write(chunks(bytes, 77), expected);
      assert.equal(Buffer.compare(await blobs.readVerified(expected.sha256), bytes), 0);
      await blobs.delete(expected.sha256);
    });

    test('the list names every object with its size and when it was written', async () => {
      const all = Array.from({ length: 12 }, (_, index) => patterned(100 + index, index));
      const since = Date.now();
      for (const bytes of all)
        await blobs.write(chunks(bytes), { sha256: hex('sha256', bytes), sizeBytes: bytes.length });
      const found = await listed();
      const expected = all.map((bytes) => `${hex('sha256', bytes)} ${bytes.length}`);
      assert.deepEqual(new Set(found.map((blob) => `${blob.sha256} ${blob.sizeBytes}`)), new Set(expected));
      assert.ok(found.every(({ writtenMs }) => Math.abs(writtenMs - since) < 60_000));
    });

    test('a name that is no digest never reaches the store', async () => {
      for (const wrong of ['../../etc/passwd', '', 'AB'.repeat(32), `${'ab'.repeat(32)}0`]) {
        await assert.rejects(blobs.write(chunks(new Uint8Array(1)), { sha256: wrong, sizeBytes: 1 }), TypeError);
        assert.throws(() => blobs.open(wrong, { start: 0, end: 1 }), TypeError);
      }
    });
  });
}

test('a missing object, a wrong key and a store that is away are told apart', async (t) => {
  const server = await startS3();
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await server.close();
    isOpen = false;
  };
  t.after(close);
  const sha256 = 'ab'.repeat(32);
  const write = (blobs: BlobStore) =>
    blobs.write(chunks(new Uint8Array(1)), { sha256: hex('sha256', new Uint8Array(1)), sizeBytes: 1 });
  const blobs = new S3Blobs(server.options);
  await assert.rejects(blobs.readVerified(sha256), codeOf('BLOB_MISSING'));
  await assert.rejects(blobs.open(sha256, { start: 0, end: 1 }).toArray(), codeOf('BLOB_MISSING'));
  const stranger = new S3Blobs({ ...server.options, secretAccessKey: 'other' });
  await assert.rejects(write(stranger), codeOf('BLOB_STORE_REFUSED'));
  await assert.rejects(write(new S3Blobs({ ...server.options, bucket: 'nowhere' })), codeOf('BLOB_STORE_REFUSED'));
  await close();
  await assert.rejects(write(blobs), codeOf('BLOB_STORE_UNREACHABLE'));
  await assert.rejects(blobs.has(sha256), codeOf('BLOB_STORE_UNREACHABLE'));
});
