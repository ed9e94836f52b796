/**
 * Deterministic CBOR (RFC 8949 §4.2.1) behind one strict profile. Whatever decodes, encodes to the same bytes.
 *
 * cbor2 writes, with its deterministic options and after our own check of the value: it takes a Node `Buffer` for a map,
 * and an object with `toJSON` for its JSON. Our own reader reads (`reader.ts`): it names offsets, and it is exact at
 * -2^53, which cbor2 hands out as a number that cannot be told from its neighbour; cbor2 is its oracle in the tests.
 */
import { cdeEncodeOptions, encode } from 'cbor2';
import { CborError } from './errors.ts';
import { type CborLimits, DEPTH_MAX, readItem } from './reader.ts';
import { CborTag, type CborValue } from './value.ts';

const INTEGER_MAX = 2n ** 64n - 1n;
const INTEGER_MIN = -(2n ** 64n);

function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Stands for a `CborTag` on the way into cbor2. */
class TagWriter {
  readonly #tag: number;
  readonly #value: unknown;
  constructor(tag: number, value: unknown) {
    this.#tag = tag;
    this.#value = value;
  }
  toCBOR(): [number, unknown] {
    return [this.#tag, this.#value];
  }
}

function unencodable(expected: string, actual: string): CborError {
  return new CborError('CBOR_VALUE_UNENCODABLE', { expected, actual });
}

function encodableObject(value: object, depth: number): unknown {
  if (value instanceof Uint8Array) return plain(value);
  if (depth >= DEPTH_MAX) throw unencodable(`nesting of at most ${DEPTH_MAX}`, 'deeper nesting');
  if (Array.isArray(value)) return value.map((element) => encodable(element, depth + 1));
  if (value instanceof Map) {
    return new Map([...value].map(([key, element]) => [encodable(key, depth + 1), encodable(element, depth + 1)]));
  }
  if (value instanceof CborTag) {
    if (!Number.isSafeInteger(value.tag) || value.tag < 0) throw unencodable('a tag number', String(value.tag));
    return new TagWriter(value.tag, encodable(value.value, depth + 1));
  }
  throw unencodable('a value of the CBOR profile', 'another object');
}

/** The checked value in the form that cbor2 writes as we mean it. */
function encodable(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'number':
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw unencodable('an exact integer', String(value));
      return value;
    case 'bigint':
      if (value > INTEGER_MAX || value < INTEGER_MIN) throw unencodable('an integer of 64 bits', 'a larger one');
      return value;
    case 'string':
      if (!value.isWellFormed()) throw unencodable('well-formed text', 'an unpaired surrogate');
      return value;
    case 'boolean':
    case 'undefined':
      return value;
    case 'object':
      return value === null ? null : encodableObject(value, depth);
    case 'function':
    case 'symbol':
      throw unencodable('a value of the CBOR profile', typeof value);
  }
}

/**
 * Encodes a value deterministically: the same value always gives the same bytes.
 * @throws CborError CBOR_VALUE_UNENCODABLE, CBOR_DUPLICATE_KEY
 */
export function encodeCbor(value: CborValue): Uint8Array {
  const checked = encodable(value, 0);
  try {
    return plain(encode(checked, { ...cdeEncodeOptions, rejectDuplicateKeys: true, rejectBigInts: true }));
  } catch (cause) {
    // What is left after our own check: two keys of one map with the same encoding.
    throw new CborError('CBOR_DUPLICATE_KEY', {}, cause);
  }
}

/**
 * Decodes exactly one item of the strict profile. Byte strings in the result are views of the input.
 * @throws CborError CBOR_TRUNCATED, CBOR_TRAILING, CBOR_DUPLICATE_KEY, CBOR_INDEFINITE, CBOR_NOT_DETERMINISTIC,
 * CBOR_TOO_DEEP, CBOR_TOO_LARGE, CBOR_INVALID
 */
export function decodeCbor(bytes: Uint8Array, limits: CborLimits = {}): CborValue {
  return readItem(plain(bytes), limits);
}
