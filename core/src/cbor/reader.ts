/**
 * Reads CBOR bytes of the strict profile: RFC 8949 §4.2.1 core deterministic encoding, without floats, without simple
 * values but false, true, null and undefined. The order of map keys may be left open; everything else holds.
 *
 * One pass; nothing is allocated for a length that the data does not hold, recursion is bounded by `depthMax`; every
 * refusal names the offset of the item at fault. Byte strings are views of the input.
 */
import { isUtf8 } from 'node:buffer';
import { fromUtf8 } from '../bytes/index.ts';
import { CborError, type CborErrorCode } from './errors.ts';
import { CborTag, type CborValue } from './value.ts';

export type CborLimits = {
  /** How many arrays, maps and tags may enclose each other. */
  readonly depthMax?: number;
  readonly sizeBytesMax?: number;
  /** `any`: map keys may stand in any order, for formats whose standard leaves it open (COSE). Default: `sorted`. */
  readonly order?: 'sorted' | 'any';
};

export const DEPTH_MAX = 16;
const SIZE_BYTES_MAX = 1024 * 1024;

const AI_ONE_BYTE = 24;
const AI_EIGHT_BYTES = 27;
const AI_INDEFINITE = 31;
const SIMPLE_FALSE = 20;
const SIMPLE_UNDEFINED = 23;
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

const SIMPLE_VALUES: readonly CborValue[] = [false, true, null, undefined];

type Head = { readonly major: number; readonly argument: bigint };

/** A number while it is exact, else a bigint. */
function exact(integer: bigint): number | bigint {
  return integer >= -SAFE_MAX && integer <= SAFE_MAX ? Number(integer) : integer;
}

class ProfileReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #depthMax: number;
  readonly #isSorted: boolean;
  #offset = 0;

  constructor(bytes: Uint8Array, { depthMax = DEPTH_MAX, order = 'sorted' }: CborLimits) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#depthMax = depthMax;
    this.#isSorted = order === 'sorted';
  }

  get offset(): number {
    return this.#offset;
  }

  #refuse(code: CborErrorCode, at: number, detail: Record<string, string | number | bigint> = {}): never {
    throw new CborError(code, { offset: at, ...detail });
  }

  #take(length: bigint, at: number): Uint8Array {
    const remaining = this.#bytes.length - this.#offset;
    if (length > BigInt(remaining)) this.#refuse('CBOR_TRUNCATED', at, { expected: length, actual: remaining });
    const start = this.#offset;
    this.#offset += Number(length);
    return this.#bytes.subarray(start, this.#offset);
  }

  #argument(ai: number, at: number): bigint {
    if (ai < AI_ONE_BYTE) return BigInt(ai);
    // RFC 8949 §3: 28-30 are reserved and not well-formed; §4.2.1: no indefinite lengths.
    if (ai === AI_INDEFINITE) this.#refuse('CBOR_INDEFINITE', at);
    if (ai > AI_EIGHT_BYTES) this.#refuse('CBOR_INVALID', at, { additionalInformation: ai });
    const width = 1 << (ai - AI_ONE_BYTE);
    const start = this.#offset;
    this.#take(BigInt(width), at);
    if (width === 1) return BigInt(this.#view.getUint8(start));
    if (width === 2) return BigInt(this.#view.getUint16(start));
    if (width === 4) return BigInt(this.#view.getUint32(start));
    return this.#view.getBigUint64(start);
  }

  #head(): Head {
    const at = this.#offset;
    const initial = this.#take(1n, at)[0] ?? 0;
    const major = initial >> 5;
    const ai = initial & 0x1f;
    if (major === 7) {
      if (ai === AI_INDEFINITE) this.#refuse('CBOR_INDEFINITE', at);
      // Floats and the other simple values are well-formed CBOR, but no format of ours has a place for them.
      if (ai < SIMPLE_FALSE || ai > SIMPLE_UNDEFINED) this.#refuse('CBOR_INVALID', at, { additionalInformation: ai });
      return { major, argument: BigInt(ai) };
    }
    const argument = this.#argument(ai, at);
    // RFC 8949 §4.2.1: the argument must be in its shortest form.
    const isShortest =
      ai < AI_ONE_BYTE || argument >= (ai === AI_ONE_BYTE ? 24n : 1n << BigInt(4 << (ai - AI_ONE_BYTE)));
    if (!isShortest) this.#refuse('CBOR_NOT_DETERMINISTIC', at);
    return { major, argument };
  }

  /** The depth inside an array, map or tag. */
  #enter(depth: number, at: number): number {
    if (depth >= this.#depthMax) this.#refuse('CBOR_TOO_DEEP', at, { expected: this.#depthMax });
    return depth + 1;
  }

  /** Every element takes at least one byte, so a count above what remains cannot be honest. */
  #count(count: bigint, bytesEach: bigint, at: number): number {
    const remaining = this.#bytes.length - this.#offset;
    if (count * bytesEach > BigInt(remaining)) {
      this.#refuse('CBOR_TRUNCATED', at, { expected: count * bytesEach, actual: remaining });
    }
    return Number(count);
  }

  #array(count: number, depth: number): CborValue[] {
    const items: CborValue[] = [];
    for (let index = 0; index < count; index++) items.push(this.item(depth));
    return items;
  }

  #map(count: number, depth: number): Map<CborValue, CborValue> {
    const map = new Map<CborValue, CborValue>();
    let previous: Uint8Array | undefined;
    const seen = new Set<string>();
    for (let index = 0; index < count; index++) {
      const start = this.#offset;
      const key = this.item(depth);
      const encoded = this.#bytes.subarray(start, this.#offset);
      const order = previous === undefined ? 1 : Buffer.compare(encoded, previous);
      // RFC 8949 §5.6: no duplicate keys. §4.2.1: keys in bytewise order of their encoding.
      if (order === 0) this.#refuse('CBOR_DUPLICATE_KEY', start);
      if (order < 0 && this.#isSorted) this.#refuse('CBOR_NOT_DETERMINISTIC', start);
      if (!this.#isSorted) {
        const name = Buffer.from(encoded).toString('latin1');
        if (seen.has(name)) this.#refuse('CBOR_DUPLICATE_KEY', start);
        seen.add(name);
      }
      previous = encoded;
      map.set(key, this.item(depth));
    }
    return map;
  }

  #text(length: bigint, at: number): string {
    const bytes = this.#take(length, at);
    if (!isUtf8(bytes)) this.#refuse('CBOR_INVALID', at, { expected: 'UTF-8 text' });
    return fromUtf8(bytes);
  }

  #tag(tag: bigint, depth: number, at: number): CborTag {
    if (tag > SAFE_MAX) this.#refuse('CBOR_INVALID', at, { tag });
    return new CborTag(Number(tag), this.item(depth));
  }

  item(depth: number): CborValue {
    const at = this.#offset;
    const { major, argument } = this.#head();
    switch (major) {
      case 0:
        return exact(argument);
      case 1:
        return exact(-1n - argument);
      case 2:
        return this.#take(argument, at);
      case 3:
        return this.#text(argument, at);
      case 4:
        return this.#array(this.#count(argument, 1n, at), this.#enter(depth, at));
      case 5:
        return this.#map(this.#count(argument, 2n, at), this.#enter(depth, at));
      case 6:
        return this.#tag(argument, this.#enter(depth, at), at);
      default:
        return SIMPLE_VALUES[Number(argument) - SIMPLE_FALSE];
    }
  }
}

/** Reads bytes that are exactly one item of the profile within the limits. */
export function readItem(bytes: Uint8Array, limits: CborLimits): CborValue {
  const sizeBytesMax = limits.sizeBytesMax ?? SIZE_BYTES_MAX;
  if (bytes.length > sizeBytesMax) {
    throw new CborError('CBOR_TOO_LARGE', { expected: sizeBytesMax, actual: bytes.length });
  }
  const reader = new ProfileReader(bytes, limits);
  const item = reader.item(0);
  if (reader.offset !== bytes.length) {
    throw new CborError('CBOR_TRAILING', { offset: reader.offset, actual: bytes.length - reader.offset });
  }
  return item;
}
