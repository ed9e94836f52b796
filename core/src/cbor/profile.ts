/**
 * Checks the structure of CBOR bytes against the strict profile before anything is built from them: RFC 8949 §4.2.1 core
 * deterministic encoding, without floats, without simple values but false, true, null and undefined.
 *
 * One pass, no allocation that depends on a length in the data, recursion bounded by `depthMax`; every refusal names
 * the offset of the item at fault.
 */
import { isUtf8 } from 'node:buffer';
import { CborError, type CborErrorCode } from './errors.ts';

export type CborLimits = {
  /** How many arrays, maps and tags may enclose each other. */
  readonly depthMax?: number;
  readonly sizeBytesMax?: number;
};

export const DEPTH_MAX = 16;
const SIZE_BYTES_MAX = 1024 * 1024;

const AI_ONE_BYTE = 24;
const AI_EIGHT_BYTES = 27;
const AI_INDEFINITE = 31;
const SIMPLE_FALSE = 20;
const SIMPLE_UNDEFINED = 23;

type Head = { readonly major: number; readonly argument: bigint };

class ProfileWalker {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #depthMax: number;
  #offset = 0;

  constructor(bytes: Uint8Array, depthMax: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#depthMax = depthMax;
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

  #map(count: number, depth: number): void {
    let previous: Uint8Array | undefined;
    for (let index = 0; index < count; index++) {
      const start = this.#offset;
      this.item(depth);
      const key = this.#bytes.subarray(start, this.#offset);
      const order = previous === undefined ? 1 : Buffer.compare(key, previous);
      // RFC 8949 §5.6: no duplicate keys. §4.2.1: keys in bytewise order of their encoding.
      if (order === 0) this.#refuse('CBOR_DUPLICATE_KEY', start);
      if (order < 0) this.#refuse('CBOR_NOT_DETERMINISTIC', start);
      previous = key;
      this.item(depth);
    }
  }

  item(depth: number): void {
    const at = this.#offset;
    const { major, argument } = this.#head();
    switch (major) {
      case 2:
        this.#take(argument, at);
        return;
      case 3:
        if (!isUtf8(this.#take(argument, at))) this.#refuse('CBOR_INVALID', at, { expected: 'UTF-8 text' });
        return;
      case 4: {
        const inner = this.#enter(depth, at);
        const count = this.#count(argument, 1n, at);
        for (let index = 0; index < count; index++) this.item(inner);
        return;
      }
      case 5:
        this.#map(this.#count(argument, 2n, at), this.#enter(depth, at));
        return;
      case 6:
        if (argument > BigInt(Number.MAX_SAFE_INTEGER)) this.#refuse('CBOR_INVALID', at, { tag: argument });
        this.item(this.#enter(depth, at));
        return;
      default:
        return;
    }
  }
}

/** Refuses bytes that are not exactly one item of the profile within the limits. */
export function assertProfile(bytes: Uint8Array, limits: CborLimits): void {
  const sizeBytesMax = limits.sizeBytesMax ?? SIZE_BYTES_MAX;
  if (bytes.length > sizeBytesMax) {
    throw new CborError('CBOR_TOO_LARGE', { expected: sizeBytesMax, actual: bytes.length });
  }
  const walker = new ProfileWalker(bytes, limits.depthMax ?? DEPTH_MAX);
  walker.item(0);
  if (walker.offset !== bytes.length) {
    throw new CborError('CBOR_TRAILING', { offset: walker.offset, actual: bytes.length - walker.offset });
  }
}
