/**
 * DER (X.690 §8, §10): the strict subset that signatures and certificates are written in. One byte of tag, definite lengths
 * in their shortest form, and no bytes behind the last value; anything else is refused. Values are views, not copies.
 */
import { ImageError } from './errors.ts';

const LENGTH_BYTES_MAX = 4;
const OID_SIZE_BYTES_MAX = 32;

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
  context0: 0xa0,
  context1: 0xa1,
  context2: 0xa2,
  context3: 0xa3,
  /** IMPLICIT of a primitive type. */
  implicit0: 0x80,
  implicit1: 0x81,
  implicit2: 0x82,
} as const;

export type DerValue = { readonly tag: number; readonly content: Uint8Array; readonly raw: Uint8Array };

export function malformedDer(expected: string, cause?: unknown): ImageError {
  return new ImageError('IMAGE_SIGNATURE_MALFORMED', { expected }, cause);
}

/** Reads one value after the other from the content of a constructed one. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  #byte(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) throw malformedDer('DER that does not end early');
    this.#offset += 1;
    return byte;
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    // X.690 §10.1: definite form, in the fewest octets.
    if (count === 0 || count > LENGTH_BYTES_MAX) throw malformedDer('a definite length of at most 4 bytes');
    let length = 0;
    for (let index = 0; index < count; index += 1) length = length * 256 + this.#byte();
    if (length < 0x80 || length < 256 ** (count - 1)) throw malformedDer('lengths in their shortest form');
    return length;
  }

  /** True when there is a next value, of this tag. */
  isNext(tag: number): boolean {
    return this.#bytes[this.#offset] === tag;
  }

  /** The next value, whatever its tag. @throws ImageError IMAGE_SIGNATURE_MALFORMED */
  any(): DerValue {
    const start = this.#offset;
    const tag = this.#byte();
    if ((tag & 0x1f) === 0x1f) throw malformedDer('tags below 31');
    const length = this.#length();
    if (length > this.#bytes.length - this.#offset) throw malformedDer('DER that does not end early');
    const content = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return { tag, content, raw: this.#bytes.subarray(start, this.#offset) };
  }

  /** The next value, which must have this tag. @throws ImageError IMAGE_SIGNATURE_MALFORMED */
  next(tag: number, what: string): DerValue {
    if (!this.isNext(tag)) throw malformedDer(what);
    return this.any();
  }

  /** The next value if it has this tag. */
  optional(tag: number): DerValue | undefined {
    return this.isNext(tag) ? this.any() : undefined;
  }

  /** A reader of the content of the next value. */
  enter(tag: number, what: string): DerReader {
    return new DerReader(this.next(tag, what).content);
  }

  /** A small non-negative INTEGER. */
  smallInteger(what: string): number {
    const { content } = this.next(TAG.integer, what);
    const [first = 0xff, second = 0] = content;
    if (content.length > 3 || first > 0x7f || (first === 0 && content.length > 1 && second < 0x80)) {
      throw malformedDer(what);
    }
    return content.reduce((value, byte) => value * 256 + byte, 0);
  }

  oid(what: string): string {
    return parseOid(this.next(TAG.oid, what).content);
  }

  end(what: string): void {
    if (!this.isAtEnd) throw malformedDer(`nothing behind ${what}`);
  }
}

/** X.690 §8.19: base 128, the first two arcs in one number. */
function parseOid(content: Uint8Array): string {
  if ((content.at(-1) ?? 0x80) >= 0x80 || content.length > OID_SIZE_BYTES_MAX)
    throw malformedDer('an object identifier');
  const numbers: number[] = [];
  let number = 0;
  for (const byte of content) {
    if (number === 0 && byte === 0x80) throw malformedDer('an object identifier in its shortest form');
    number = number * 128 + (byte & 0x7f);
    if (number > 0xffff_ffff) throw malformedDer('an object identifier of numbers below 2^32');
    if (byte >= 0x80) continue;
    numbers.push(number);
    number = 0;
  }
  const [first = 0, ...rest] = numbers;
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...rest].join('.');
}

/** One value that is all of the bytes. @throws ImageError IMAGE_SIGNATURE_MALFORMED */
export function parseDer(bytes: Uint8Array, tag: number, what: string): DerReader {
  const reader = new DerReader(bytes);
  const inner = reader.enter(tag, what);
  reader.end(what);
  return inner;
}
