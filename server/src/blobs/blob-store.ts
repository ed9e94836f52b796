/**
 * Objects named by their SHA-256 in a folder. A write goes to a temporary file, is hashed as it flows, fsynced, renamed and
 * its folder fsynced: under its name there is the whole object or nothing. Names are digests only, never a peer's path.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { BlobError } from './errors.ts';

export type BlobDigests = {
  readonly sha256: string;
  readonly sha1: string;
  readonly md5: string;
  readonly sizeBytes: number;
};

export type ExpectedBlob = { readonly sha256: string; readonly sizeBytes: number };

const SHA256 = /^[0-9a-f]{64}$/;

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Makes a folder; the folders that were missing are on the disk, with their entries, when it resolves. */
async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Writes and hashes; stops as soon as more comes than was announced. */
async function copyHashed(
  file: FileHandle,
  source: AsyncIterable<Uint8Array>,
  sizeBytesMax: number,
): Promise<BlobDigests> {
  const hashes = { sha256: createHash('sha256'), sha1: createHash('sha1'), md5: createHash('md5') };
  let sizeBytes = 0;
  for await (const chunk of source) {
    sizeBytes += chunk.length;
    if (sizeBytes > sizeBytesMax)
      throw new BlobError('ARTIFACT_MISMATCH', { expected: sizeBytesMax, actual: 'more bytes' });
    for (const hash of Object.values(hashes)) hash.update(chunk);
    await file.writeFile(chunk);
  }
  await file.sync();
  const { sha256, sha1, md5 } = hashes;
  return { sha256: sha256.digest('hex'), sha1: sha1.digest('hex'), md5: md5.digest('hex'), sizeBytes };
}

function storageError(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOSPC' || code === 'EDQUOT' ? new BlobError('STORAGE_FULL', {}, error) : error;
}

export class BlobStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  #path(sha256: string): string {
    if (!SHA256.test(sha256)) throw new TypeError('a blob is named by a SHA-256 in hex');
    return `${this.#folder}/sha256/${sha256.slice(0, 2)}/${sha256}`;
  }

  /**
   * Stores a stream that must be exactly what was announced.
   * @throws BlobError ARTIFACT_MISMATCH, STORAGE_FULL; nothing is kept then
   */
  async write(source: AsyncIterable<Uint8Array>, expected: ExpectedBlob): Promise<BlobDigests> {
    const path = this.#path(expected.sha256);
    const temporary = `${this.#folder}/incoming/${randomUUID()}`;
    try {
      await makeFolder(dirname(path));
      await mkdir(dirname(temporary), { recursive: true });
      const file = await open(temporary, 'wx', 0o600);
      let digests: BlobDigests;
      try {
        digests = await copyHashed(file, source, expected.sizeBytes);
      } finally {
        await file.close();
      }
      if (digests.sha256 !== expected.sha256 || digests.sizeBytes !== expected.sizeBytes) {
        throw new BlobError('ARTIFACT_MISMATCH', {
          expected: expected.sha256,
          actual: digests.sha256,
          sizeBytes: digests.sizeBytes,
        });
      }
      await rename(temporary, path);
      await syncFolder(dirname(path));
      return digests;
    } catch (error) {
      await rm(temporary, { force: true });
      throw storageError(error);
    }
  }

  /** A stream of the bytes start … end (inclusive). */
  open(sha256: string, range: { readonly start: number; readonly end: number }): Readable {
    return createReadStream(this.#path(sha256), { ...range, highWaterMark: 256 * 1024 });
  }

  /**
   * A whole small object, hashed again.
   * @throws BlobError BLOB_DAMAGED
   */
  async readVerified(sha256: string): Promise<Uint8Array> {
    const bytes = new Uint8Array(await readFile(this.#path(sha256)));
    const actual = createHash('sha256').update(bytes).digest('hex');
    if (actual !== sha256) throw new BlobError('BLOB_DAMAGED', { expected: sha256, actual });
    return bytes;
  }

  /** Removes what a crash left half-written. Call before the server listens. */
  async clearIncoming(): Promise<void> {
    await rm(`${this.#folder}/incoming`, { recursive: true, force: true });
  }
}
