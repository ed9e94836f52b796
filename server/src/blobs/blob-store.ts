/**
 * Objects named by their SHA-256. Two implementations: a folder (folder-blobs.ts) and an S3-compatible store (s3-blobs.ts).
 * Both promise the same: bytes are hashed as they flow, and under a name there is the whole object that has this digest, or
 * nothing. Names are digests only, never a peer's path.
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { BlobError } from './errors.ts';

export type BlobDigests = {
  readonly sha256: string;
  readonly sha1: string;
  readonly md5: string;
  readonly sizeBytes: number;
};

export type ExpectedBlob = { readonly sha256: string; readonly sizeBytes: number };
/** `end` is inclusive. */
export type ByteRange = { readonly start: number; readonly end: number };
export type StoredBlob = { readonly sha256: string; readonly sizeBytes: number; readonly writtenMs: number };

/** An address under which whoever has it reads one object, without the server in between, for a while. */
export type BlobLink = { readonly href: string; readonly seconds: number };

export type BlobStore = {
  /**
   * Stores a stream that must be exactly what was announced.
   * @throws BlobError ARTIFACT_MISMATCH, STORAGE_FULL, BLOB_STORE_UNREACHABLE, BLOB_STORE_REFUSED; nothing is kept then
   */
  write(source: AsyncIterable<Uint8Array>, expected: ExpectedBlob): Promise<BlobDigests>;
  /** A stream of the bytes start … end; what goes wrong comes out of it. */
  open(sha256: string, range: ByteRange): Readable;
  /** Undefined where the bytes go through the server: a folder, and a store that was not told otherwise. */
  link(sha256: string, method: 'GET' | 'HEAD'): Promise<BlobLink | undefined>;
  /**
   * A whole small object, hashed again.
   * @throws BlobError BLOB_DAMAGED
   */
  readVerified(sha256: string): Promise<Uint8Array>;
  has(sha256: string): Promise<boolean>;
  /** One that is not there is no error. */
  delete(sha256: string): Promise<void>;
  list(): AsyncIterable<StoredBlob>;
  /** Removes what crashes left half-written; with a time, only what is older, because others may be writing. */
  clearIncoming(before?: Date): Promise<void>;
};

const SHA256 = /^[0-9a-f]{64}$/;

export function isBlobName(sha256: string): boolean {
  return SHA256.test(sha256);
}

/** Where an object lies below the root of its store. */
export function blobName(sha256: string): string {
  if (!isBlobName(sha256)) throw new TypeError('a blob is named by a SHA-256 in hex');
  return `sha256/${sha256.slice(0, 2)}/${sha256}`;
}

/** @throws BlobError BLOB_DAMAGED */
export function verified(bytes: Uint8Array, sha256: string): Uint8Array {
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== sha256) throw new BlobError('BLOB_DAMAGED', { expected: sha256, actual });
  return bytes;
}

/** All digests of a stream in one pass; refuses it as soon as it is longer than announced, and when it is another one. */
export class BlobHash {
  readonly #hashes = { sha256: createHash('sha256'), sha1: createHash('sha1'), md5: createHash('md5') };
  readonly #expected: ExpectedBlob;
  #sizeBytes = 0;

  constructor(expected: ExpectedBlob) {
    this.#expected = expected;
  }

  /** @throws BlobError ARTIFACT_MISMATCH */
  update(chunk: Uint8Array): void {
    this.#sizeBytes += chunk.length;
    const expected = this.#expected.sizeBytes;
    if (this.#sizeBytes > expected) throw new BlobError('ARTIFACT_MISMATCH', { expected, actual: 'more bytes' });
    for (const hash of Object.values(this.#hashes)) hash.update(chunk);
  }

  /** @throws BlobError ARTIFACT_MISMATCH */
  finish(): BlobDigests {
    const { sha256, sha1, md5 } = this.#hashes;
    const sizeBytes = this.#sizeBytes;
    const digests = { sha256: sha256.digest('hex'), sha1: sha1.digest('hex'), md5: md5.digest('hex'), sizeBytes };
    const { sha256: expected } = this.#expected;
    if (digests.sha256 !== expected || sizeBytes !== this.#expected.sizeBytes) {
      throw new BlobError('ARTIFACT_MISMATCH', { expected, actual: digests.sha256, sizeBytes });
    }
    return digests;
  }
}
