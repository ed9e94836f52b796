/**
 * Objects named by their SHA-256 in a folder. A write goes to a temporary file, is hashed as it flows, fsynced, renamed and
 * its folder fsynced: under its name there is the whole object or nothing. Names are digests only, never a peer's path.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream, type Stats } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import {
  type BlobDigests,
  BlobHash,
  type BlobStore,
  type ByteRange,
  blobName,
  type ExpectedBlob,
  isBlobName,
  type StoredBlob,
  verified,
} from './blob-store.ts';
import { BlobError } from './errors.ts';

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

async function copyHashed(file: FileHandle, source: AsyncIterable<Uint8Array>, hash: BlobHash): Promise<BlobDigests> {
  for await (const chunk of source) {
    hash.update(chunk);
    await file.writeFile(chunk);
  }
  const digests = hash.finish();
  await file.sync();
  return digests;
}

function storageError(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOSPC' || code === 'EDQUOT' ? new BlobError('STORAGE_FULL', {}, error) : error;
}

async function entriesOf(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  });
}

async function fileStat(path: string): Promise<Stats | undefined> {
  return await stat(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
}

/** The objects of a data folder. */
export class FolderBlobs implements BlobStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  #path(sha256: string): string {
    return `${this.#folder}/${blobName(sha256)}`;
  }

  async write(source: AsyncIterable<Uint8Array>, expected: ExpectedBlob): Promise<BlobDigests> {
    const path = this.#path(expected.sha256);
    const temporary = `${this.#folder}/incoming/${randomUUID()}`;
    try {
      await makeFolder(dirname(path));
      await mkdir(dirname(temporary), { recursive: true });
      const file = await open(temporary, 'wx', 0o600);
      let digests: BlobDigests;
      try {
        digests = await copyHashed(file, source, new BlobHash(expected));
      } finally {
        await file.close();
      }
      await rename(temporary, path);
      await syncFolder(dirname(path));
      return digests;
    } catch (error) {
      await rm(temporary, { force: true });
      throw storageError(error);
    }
  }

  open(sha256: string, range: ByteRange): Readable {
    return createReadStream(this.#path(sha256), { ...range, highWaterMark: 256 * 1024 });
  }

  link(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  async readVerified(sha256: string): Promise<Uint8Array> {
    return verified(new Uint8Array(await readFile(this.#path(sha256))), sha256);
  }

  async has(sha256: string): Promise<boolean> {
    return (await fileStat(this.#path(sha256))) !== undefined;
  }

  async delete(sha256: string): Promise<void> {
    await rm(this.#path(sha256), { force: true });
  }

  async *list(): AsyncIterable<StoredBlob> {
    const folder = `${this.#folder}/sha256`;
    for (const prefix of await entriesOf(folder)) {
      for (const sha256 of await entriesOf(`${folder}/${prefix}`)) {
        const facts = isBlobName(sha256) ? await fileStat(this.#path(sha256)) : undefined;
        if (facts !== undefined) yield { sha256, sizeBytes: facts.size, writtenMs: facts.mtimeMs };
      }
    }
  }

  async clearIncoming(before?: Date): Promise<void> {
    const folder = `${this.#folder}/incoming`;
    for (const name of await entriesOf(folder)) {
      const facts = await fileStat(`${folder}/${name}`);
      if (before !== undefined && facts !== undefined && facts.mtimeMs >= before.getTime()) continue;
      await rm(`${folder}/${name}`, { force: true });
    }
  }
}
