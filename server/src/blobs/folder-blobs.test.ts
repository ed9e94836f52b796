import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { FolderBlobs } from './folder-blobs.ts';

let folder: string;
let store: FolderBlobs;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pawl-blobs-'));
  store = new FolderBlobs(join(folder, 'blobs'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const hex = (name: string, bytes: Uint8Array) => createHash(name).update(bytes).digest('hex');
const codeOf = (code: string) => (error: Error & { code?: string }) => error.code === code;

async function* chunks(bytes: Uint8Array, size: number, fail?: Error): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  if (fail !== undefined) throw fail;
}

async function everyFile(): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const bytes = new Uint8Array(100_003).map((_, index) => index * 7);
const sha256 = hex('sha256', bytes);

test('stores a stream under its digest, with all digests from one pass, and gives ranges of it', async () => {
  const digests = await store.write(chunks(bytes, 4096), { sha256, sizeBytes: bytes.length });
  assert.deepEqual(digests, { sha256, sha1: hex('sha1', bytes), md5: hex('md5', bytes), sizeBytes: bytes.length });
  assert.deepEqual(await everyFile(), [join(folder, 'blobs', 'sha256', sha256.slice(0, 2), sha256)]);
  assert.deepEqual(await store.readVerified(sha256), bytes);
  const part = Buffer.concat(await store.open(sha256, { start: 10, end: 19 }).toArray());
  assert.deepEqual(new Uint8Array(part), bytes.subarray(10, 20));
});

test('the same object twice is no error', async () => {
  await store.write(chunks(bytes, 97), { sha256, sizeBytes: bytes.length });
  await store.write(chunks(bytes, 65_536), { sha256, sizeBytes: bytes.length });
  assert.equal((await everyFile()).length, 1);
});

test('other bytes, fewer bytes and more bytes are refused, and nothing is kept', async () => {
  const other = bytes.map((byte, index) => (index === 50_000 ? byte ^ 1 : byte));
  for (const wrong of [
    other,
    bytes.subarray(1),
    bytes.subarray(0, -1),
    new Uint8Array([...bytes, 0]),
    new Uint8Array(),
  ]) {
    await assert.rejects(
      store.write(chunks(wrong, 4096), { sha256, sizeBytes: bytes.length }),
      codeOf('ARTIFACT_MISMATCH'),
    );
  }
  assert.deepEqual(await everyFile(), []);
});

test('a source without end is left as soon as it gives more than announced', async () => {
  let given = 0;
  async function* endless(): AsyncIterable<Uint8Array> {
    for (;;) {
      given += 1000;
      yield new Uint8Array(1000);
    }
  }
  await assert.rejects(store.write(endless(), { sha256, sizeBytes: 5000 }), codeOf('ARTIFACT_MISMATCH'));
  assert.equal(given, 6000);
});

test('a source that fails leaves nothing; a full disk has a code of its own', async () => {
  const cut = new Error('the client went away');
  await assert.rejects(store.write(chunks(bytes, 4096, cut), { sha256, sizeBytes: bytes.length }), cut);
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  await assert.rejects(
    store.write(chunks(bytes, 4096, full), { sha256, sizeBytes: bytes.length }),
    codeOf('STORAGE_FULL'),
  );
  assert.deepEqual(await everyFile(), []);
});

test('a stored object that changed on the disk is not given out as whole', async () => {
  await store.write(chunks(bytes, 4096), { sha256, sizeBytes: bytes.length });
  const [path = ''] = await everyFile();
  const damaged = await readFile(path);
  damaged.writeUInt8(damaged.readUInt8(7) ^ 0x80, 7);
  await writeFile(path, damaged);
  await assert.rejects(store.readVerified(sha256), codeOf('BLOB_DAMAGED'));
});

test('a name that is no digest never reaches the disk', async () => {
  for (const name of ['../../etc/passwd', '', sha256.toUpperCase(), `${sha256}0`, `${sha256}\n`]) {
    await assert.rejects(store.write(chunks(bytes, 4096), { sha256: name, sizeBytes: bytes.length }), TypeError);
    assert.throws(() => store.open(name, { start: 0, end: 1 }), TypeError);
  }
});

test('what a crash left half-written is removed, whole objects stay', async () => {
  await store.write(chunks(bytes, 4096), { sha256, sizeBytes: bytes.length });
  await writeFile(join(folder, 'blobs', 'incoming', 'half'), 'half');
  await store.clearIncoming();
  assert.equal((await everyFile()).length, 1);
  assert.deepEqual(await store.readVerified(sha256), bytes);
});
