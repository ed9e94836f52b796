/**
 * Requests to an S3-compatible store over node:http(s), signed with AWS Signature Version 4 (aws4fetch makes the signature).
 * Path-style addresses. Answers of the store become our codes; a body is read only where we know that it is small.
 */
import http from 'node:http';
import https from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AwsV4Signer } from 'aws4fetch';
import { BlobError } from './errors.ts';

export type S3Options = {
  /** `https://s3.example.com`; the bucket is the first step of the path. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Put before every name: one bucket may serve several installations. */
  readonly prefix?: string;
};

/** For whom an address is signed that works without our keys, and how long. */
export type S3Link = {
  readonly method: 'GET' | 'HEAD';
  readonly key: string;
  /** Where others reach the store; the signature covers it. Without it, where we do. */
  readonly endpoint?: string;
  readonly seconds: number;
};

export type S3Request = {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Hex; the store compares the body with it. */
  readonly sha256?: string;
  readonly sizeBytes?: number;
  readonly body?: AsyncIterable<Uint8Array> | Uint8Array;
};

const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const IDLE_TIMEOUT_MS = 30_000;
const TEXT_BYTES_MAX = 4 * 2 ** 20;

/** A small answer as text. */
export async function textOf(answer: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > TEXT_BYTES_MAX) throw new BlobError('BLOB_STORE_UNREACHABLE', { actual: 'an answer without end' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const MISMATCHES = new Set(['XAmzContentSHA256Mismatch', 'BadDigest', 'IncompleteBody']);

/** The text in the first element of this name. */
export function elementOf(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}

export function refusalOf(status: number, xml: string): BlobError {
  const reason = elementOf(xml, 'Code') ?? '';
  const details = { status, reason };
  if (MISMATCHES.has(reason)) return new BlobError('ARTIFACT_MISMATCH', details);
  if (status === 507 || reason === 'QuotaExceeded') return new BlobError('STORAGE_FULL', details);
  if (status === 404 && reason !== 'NoSuchBucket') return new BlobError('BLOB_MISSING', details);
  if (status >= 400 && status < 500 && status !== 408 && status !== 429)
    return new BlobError('BLOB_STORE_REFUSED', details);
  return new BlobError('BLOB_STORE_UNREACHABLE', details);
}

export class S3Client {
  readonly #options: S3Options;
  readonly #agent: http.Agent;

  constructor(options: S3Options) {
    this.#options = options;
    const pool = { keepAlive: true, maxSockets: 64 };
    this.#agent = options.endpoint.startsWith('https:') ? new https.Agent(pool) : new http.Agent(pool);
  }

  #address(endpoint: string, key?: string): URL {
    const { bucket, prefix = '' } = this.#options;
    const path = key === undefined ? bucket : `${bucket}/${prefix}${key}`;
    return new URL(`${endpoint.replace(/\/$/, '')}/${path}`);
  }

  /** An address that anybody who has it may read this object by, for so long; nothing is asked of the store. */
  async link({ method, key, endpoint, seconds }: S3Link): Promise<string> {
    const { region, accessKeyId, secretAccessKey } = this.#options;
    const url = this.#address(endpoint ?? this.#options.endpoint, key);
    url.searchParams.set('X-Amz-Expires', String(seconds));
    const query = { service: 's3', region, accessKeyId, secretAccessKey, signQuery: true };
    return (await new AwsV4Signer({ method, url: url.href, ...query }).sign()).url.href;
  }

  async #signed({
    method,
    key,
    query = {},
    headers = {},
    sha256 = EMPTY_SHA256,
  }: S3Request): Promise<{ url: URL; headers: Headers }> {
    const { endpoint, region, accessKeyId, secretAccessKey } = this.#options;
    const url = this.#address(endpoint, key);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const named = { ...headers, 'x-amz-content-sha256': sha256 };
    const signer = new AwsV4Signer({
      method,
      url: url.href,
      headers: named,
      service: 's3',
      region,
      accessKeyId,
      secretAccessKey,
    });
    return await signer.sign();
  }

  /**
   * Sends a request; resolves with an answer of 200 to 299, its body unread.
   * @throws BlobError
   */
  async send(request: S3Request): Promise<http.IncomingMessage> {
    const { url, headers } = await this.#signed(request);
    const { body, sizeBytes = 0, method } = request;
    const length = body === undefined && method === 'GET' ? {} : { 'content-length': sizeBytes };
    const answer = await this.#exchange(url, { method, headers: { ...Object.fromEntries(headers), ...length } }, body);
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    throw refusalOf(status, await textOf(answer));
  }

  /** As #exchangeOnce, and once more over a connection of its own when one that was kept alive turned out to be gone. */
  async #exchange(url: URL, options: http.RequestOptions, body: S3Request['body']): Promise<http.IncomingMessage> {
    // Only what can be sent again, and what does no more when it is done twice.
    const isRepeatable = options.method !== 'POST' && (body === undefined || body instanceof Uint8Array);
    const sent = { isReused: false };
    try {
      return await this.#exchangeOnce(url, { ...options, agent: this.#agent }, body, sent);
    } catch (error) {
      if (!isRepeatable || !sent.isReused) throw error;
      return await this.#exchangeOnce(url, { ...options, agent: false }, body, sent);
    }
  }

  /** `closed.isReused` says afterwards whether the connection had served another request and was closed by the store. */
  async #exchangeOnce(
    url: URL,
    options: http.RequestOptions,
    body: S3Request['body'],
    closed: { isReused: boolean },
  ): Promise<http.IncomingMessage> {
    const { request: start } = url.protocol === 'https:' ? https : http;
    const request = start(url, { ...options, timeout: IDLE_TIMEOUT_MS });
    request.on('timeout', () => request.destroy(new Error('the object store is silent')));
    const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
      request.on('response', resolve).on('error', reject);
    });
    let failure: unknown;
    const sent =
      body === undefined || body instanceof Uint8Array
        ? Promise.resolve(request.end(body))
        : pipeline(Readable.from(body), request).catch((error: unknown) => {
            failure = error;
            request.destroy();
          });
    try {
      return await answered;
    } catch (error) {
      await sent;
      closed.isReused = request.reusedSocket && isClosed(error);
      // What the source said comes first: the request ended because of it.
      if (failure !== undefined && !isOfSocket(failure)) throw failure;
      throw new BlobError('BLOB_STORE_UNREACHABLE', {}, error);
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Whether the other side closed the connection before it answered. */
function isClosed(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code === 'ECONNRESET' || code === 'EPIPE';
}

function isOfSocket(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^E[A-Z]+$/.test(code) || code.startsWith('ERR_STREAM');
}
