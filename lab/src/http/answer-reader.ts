/**
 * Reads HTTP/1.1 answers (RFC 9112) off a keep-alive connection, one at a time: Content-Length or chunked bodies, nothing
 * else. For load generators: little per answer, bounded memory. A body that is not kept is counted and thrown away.
 *
 * Limits: head 16 KiB, kept body 1 MiB. An answer that ends with the connection is refused: a fleet keeps its connections.
 */

export type HttpAnswer = {
  readonly status: number;
  /** Empty when it was not kept. */
  readonly body: Buffer;
  readonly bodyBytes: number;
  /** Whether the server closes the connection after it. */
  readonly isLast: boolean;
};

/** What came is no answer that this reader knows. */
export class AnswerError extends Error {}

const HEAD_BYTES_MAX = 16_384;
const KEPT_BYTES_MAX = 1_048_576;
const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');
const CONTENT_LENGTH = /\r\ncontent-length: *(\d{1,15})/i;
const CHUNKED = /\r\ntransfer-encoding: *chunked/i;
const CLOSE = /\r\nconnection: *close/i;
const NONE: Buffer = Buffer.alloc(0);

type Head = { readonly status: number; readonly isLast: boolean };

export class AnswerReader {
  #buffer: Buffer = NONE;
  #head: Head | undefined;
  #isChunked = false;
  /** Bytes of the body (or of the chunk) that have not come yet. */
  #missing = 0;
  #isBetweenChunks = false;
  #isTrailer = false;
  #kept: Buffer[] = [];
  #bodyBytes = 0;
  /** Set before each answer. */
  keepsBody = true;

  /**
   * Takes what came; the answer once it is whole. One request is under way at a time, so nothing may follow it.
   * @throws AnswerError
   */
  push(chunk: Buffer): HttpAnswer | undefined {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    if (this.#head === undefined && !this.#takeHead()) return undefined;
    return (this.#isChunked ? this.#takeChunks() : this.#takeBody()) ? this.#finish() : undefined;
  }

  #takeHead(): boolean {
    const end = this.#buffer.indexOf(HEAD_END);
    if (end < 0) {
      if (this.#buffer.length > HEAD_BYTES_MAX) throw new AnswerError('the head of an answer is too long');
      return false;
    }
    const text = this.#buffer.toString('latin1', 0, end);
    const status = Number(text.slice(9, 12));
    if (!text.startsWith('HTTP/1.') || !(status >= 200 && status <= 599)) throw new AnswerError('no HTTP/1.1 answer');
    this.#buffer = this.#buffer.subarray(end + HEAD_END.length);
    this.#head = { status, isLast: CLOSE.test(text) };
    const hasBody = status !== 204 && status !== 304;
    const length = CONTENT_LENGTH.exec(text)?.[1];
    this.#isChunked = hasBody && length === undefined && CHUNKED.test(text);
    this.#isBetweenChunks = true;
    if (hasBody && length === undefined && !this.#isChunked) throw new AnswerError('an answer without a length');
    this.#missing = hasBody && length !== undefined ? Number(length) : 0;
    return true;
  }

  #takeBytes(): void {
    const part = this.#buffer.subarray(0, this.#missing);
    this.#buffer = this.#buffer.subarray(part.length);
    this.#missing -= part.length;
    this.#bodyBytes += part.length;
    if (!this.keepsBody || part.length === 0) return;
    if (this.#bodyBytes > KEPT_BYTES_MAX) throw new AnswerError('a document of more than 1 MiB');
    this.#kept.push(part);
  }

  #takeBody(): boolean {
    this.#takeBytes();
    return this.#missing === 0;
  }

  /** A line off the buffer; undefined while it is incomplete. */
  #takeLine(): string | undefined {
    const end = this.#buffer.indexOf(LINE_END);
    if (end < 0) return undefined;
    const line = this.#buffer.toString('latin1', 0, end);
    this.#buffer = this.#buffer.subarray(end + LINE_END.length);
    return line;
  }

  #takeChunks(): boolean {
    for (;;) {
      if (this.#missing > 0) {
        this.#takeBytes();
        if (this.#missing > 0) return false;
      }
      const line = this.#takeLine();
      if (line === undefined) return false;
      if (this.#isTrailer) {
        if (line === '') return true;
      } else if (this.#isBetweenChunks) {
        const size = /^[0-9a-f]{1,8}/i.exec(line)?.[0];
        if (size === undefined) throw new AnswerError('a chunk without a size');
        this.#missing = Number.parseInt(size, 16);
        this.#isTrailer = this.#missing === 0;
        this.#isBetweenChunks = false;
      } else {
        this.#isBetweenChunks = true;
      }
    }
  }

  #finish(): HttpAnswer {
    const { status, isLast } = this.#head ?? { status: 0, isLast: true };
    const [first = NONE] = this.#kept;
    const body = this.#kept.length > 1 ? Buffer.concat(this.#kept) : first;
    const answer = { status, body, bodyBytes: this.#bodyBytes, isLast };
    this.#head = undefined;
    this.#kept = [];
    this.#bodyBytes = 0;
    this.#isTrailer = false;
    return answer;
  }
}
