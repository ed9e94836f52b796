/**
 * Objects in an S3-compatible store. The store is told the digest before the bytes (`x-amz-content-sha256`) and we hash them
 * as they flow: the last bytes are held back until the digest is right, so that what is wrong never becomes an object. Large
 * ones go in parts that are put together at the end, or given up.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  type BlobDigests,
  BlobHash,
  type BlobLink,
  type BlobStore,
  type ByteRange,
  blobName,
  type ExpectedBlob,
  isBlobName,
  type StoredBlob,
  verified,
} from './blob-store.ts';
import { BlobError } from './errors.ts';
import { elementOf, refusalOf, S3Client, type S3Options, textOf } from './s3-client.ts';

const PART_BYTES = 16 * 2 ** 20;
/** S3 takes 10,000 parts. */
const PARTS_MAX = 10_000;
const SINGLE_BYTES_MAX = 4 * PART_BYTES;

/** Gives on what it gets, the last chunk only when all of it is what was announced. */
async function* checked(
  source: AsyncIterable<Uint8Array>,
  hash: BlobHash,
  onDigests: (digests: BlobDigests) => void,
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array | undefined;
  for await (const chunk of source) {
    hash.update(chunk);
    if (chunk.length === 0) continue;
    if (held !== undefined) yield held;
    held = chunk;
  }
  onDigests(hash.finish());
  if (held !== undefined) yield held;
}

/** Chunks of one size, the last one smaller. */
async function* parts(source: AsyncIterable<Uint8Array>, sizeBytes: number): AsyncGenerator<Uint8Array> {
  let part = Buffer.allocUnsafe(sizeBytes);
  let filled = 0;
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      const taken = Math.min(chunk.length - at, sizeBytes - filled);
      part.set(chunk.subarray(at, at + taken), filled);
      at += taken;
      filled += taken;
      if (filled < sizeBytes) continue;
      yield part;
      part = Buffer.allocUnsafe(sizeBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}

/** Where devices read objects themselves, by addresses that are good for so long. */
export type S3Downloads = { readonly seconds: number; readonly endpoint?: string };

type S3BlobsOptions = S3Options & {
  readonly downloads?: S3Downloads;
  readonly singleBytesMax?: number;
  readonly partBytes?: number;
};

export class S3Blobs implements BlobStore {
  readonly #client: S3Client;
  readonly #options: S3BlobsOptions;

  /** Sizes of what goes in one request, and of the parts of larger ones, may be set for tests. */
  constructor(options: S3BlobsOptions) {
    this.#options = options;
    this.#client = new S3Client(options);
  }

  async write(source: AsyncIterable<Uint8Array>, expected: ExpectedBlob): Promise<BlobDigests> {
    const key = blobName(expected.sha256);
    let digests: BlobDigests | undefined;
    const body = checked(source, new BlobHash(expected), (done) => {
      digests = done;
    });
    const isLarge = expected.sizeBytes > (this.#options.singleBytesMax ?? SINGLE_BYTES_MAX);
    if (isLarge) await this.#putInParts(key, body, expected.sizeBytes);
    else (await this.#client.send({ method: 'PUT', key, ...expected, body })).resume();
    if (digests === undefined) throw new TypeError('the source was read to its end');
    return digests;
  }

  async #putInParts(key: string, body: AsyncIterable<Uint8Array>, sizeBytes: number): Promise<void> {
    const created = await textOf(await this.#client.send({ method: 'POST', key, query: { uploads: '' } }));
    const uploadId = elementOf(created, 'UploadId');
    if (uploadId === undefined) throw refusalOf(500, created);
    try {
      const partBytes = Math.max(this.#options.partBytes ?? PART_BYTES, Math.ceil(sizeBytes / PARTS_MAX));
      const tags: string[] = [];
      for await (const part of parts(body, partBytes))
        tags.push(await this.#putPart(key, uploadId, tags.length + 1, part));
      await this.#complete(key, uploadId, tags);
    } catch (error) {
      // What cannot be given up now is cleared by the bucket's rule for unfinished uploads (docs/operate/storage.md).
      await this.#client.send({ method: 'DELETE', key, query: { uploadId } }).catch(() => undefined);
      throw error;
    }
  }

  async #putPart(key: string, uploadId: string, number: number, body: Uint8Array): Promise<string> {
    const sha256 = createHash('sha256').update(body).digest('hex');
    const query = { partNumber: String(number), uploadId };
    const answer = await this.#client.send({ method: 'PUT', key, query, sha256, sizeBytes: body.length, body });
    answer.resume();
    return answer.headers.etag ?? '';
  }

  async #complete(key: string, uploadId: string, tags: readonly string[]): Promise<void> {
    const list = tags.map((tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${tag}</ETag></Part>`);
    const body = Buffer.from(`<CompleteMultipartUpload>${list.join('')}</CompleteMultipartUpload>`);
    const sha256 = createHash('sha256').update(body).digest('hex');
    const request = { method: 'POST' as const, key, query: { uploadId }, sha256, sizeBytes: body.length, body };
    const answer = await textOf(await this.#client.send(request));
    // It may say 200 and then that it failed.
    if (answer.includes('<Error>')) throw refusalOf(500, answer);
  }

  open(sha256: string, range: ByteRange): Readable {
    return Readable.from(this.#readRange(blobName(sha256), range), { objectMode: false });
  }

  async *#readRange(key: string, { start, end }: ByteRange): AsyncGenerator<Uint8Array> {
    const answer = await this.#client.send({ method: 'GET', key, headers: { range: `bytes=${start}-${end}` } });
    const actual = answer.headers['content-range'] ?? '';
    if (!actual.startsWith(`bytes ${start}-${end}/`)) {
      answer.destroy();
      throw new BlobError('BLOB_STORE_UNREACHABLE', { expected: `bytes ${start}-${end}`, actual });
    }
    yield* answer as AsyncIterable<Uint8Array>;
  }

  async link(sha256: string, method: 'GET' | 'HEAD'): Promise<BlobLink | undefined> {
    const { downloads } = this.#options;
    if (downloads === undefined) return undefined;
    const href = await this.#client.link({ method, key: blobName(sha256), ...downloads });
    return { href, seconds: downloads.seconds };
  }

  async readVerified(sha256: string): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    const answer = await this.#client.send({ method: 'GET', key: blobName(sha256) });
    for await (const chunk of answer as AsyncIterable<Uint8Array>) chunks.push(chunk);
    return verified(new Uint8Array(Buffer.concat(chunks)), sha256);
  }

  async has(sha256: string): Promise<boolean> {
    try {
      (await this.#client.send({ method: 'HEAD', key: blobName(sha256) })).resume();
      return true;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'BLOB_MISSING') return false;
      throw error;
    }
  }

  async delete(sha256: string): Promise<void> {
    (await this.#client.send({ method: 'DELETE', key: blobName(sha256) })).resume();
  }

  async *list(): AsyncIterable<StoredBlob> {
    const prefix = `${this.#options.prefix ?? ''}sha256/`;
    for (let token: string | undefined, isFirst = true; isFirst || token !== undefined; isFirst = false) {
      const more: Record<string, string> = token === undefined ? {} : { 'continuation-token': token };
      const query = { 'list-type': '2', prefix, ...more };
      const xml = await textOf(await this.#client.send({ method: 'GET', query }));
      for (const [, entry = ''] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
        const sha256 = elementOf(entry, 'Key')?.split('/').at(-1) ?? '';
        const writtenMs = Date.parse(elementOf(entry, 'LastModified') ?? '');
        if (isBlobName(sha256)) yield { sha256, sizeBytes: Number(elementOf(entry, 'Size')), writtenMs };
      }
      token = elementOf(xml, 'NextContinuationToken');
    }
  }

  /** Nothing is half-written under a name here; unfinished parts are the bucket's to clear. */
  clearIncoming(): Promise<void> {
    return Promise.resolve();
  }
}
