/** Typed access to decoded items: each returns the value at the type the format asks for, or says where it is not. */
import { CborError } from './errors.ts';
import { CborTag, type CborValue } from './value.ts';

function typeName(value: CborValue): string {
  if (value === null) return 'null';
  if (value instanceof Uint8Array) return 'byte string';
  if (value instanceof CborTag) return `tag ${value.tag}`;
  if (value instanceof Map) return 'map';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number' || typeof value === 'bigint') return 'integer';
  return typeof value === 'string' ? 'text' : typeof value;
}

function unexpected(expected: string, value: CborValue, at: string): CborError {
  return new CborError('CBOR_TYPE_UNEXPECTED', { expected, actual: typeName(value), at });
}

/** @throws CborError CBOR_TYPE_UNEXPECTED */
export function expectMap(value: CborValue, at: string): Map<CborValue, CborValue> {
  if (!(value instanceof Map)) throw unexpected('map', value, at);
  return value;
}

/** @throws CborError CBOR_TYPE_UNEXPECTED when it is no array, or not of `length` where one is given */
export function expectArray(value: CborValue, at: string, length?: number): CborValue[] {
  if (!Array.isArray(value)) throw unexpected('array', value, at);
  if (length !== undefined && value.length !== length) {
    throw new CborError('CBOR_TYPE_UNEXPECTED', {
      expected: `array of ${length}`,
      actual: `array of ${value.length}`,
      at,
    });
  }
  return value;
}

/** @throws CborError CBOR_TYPE_UNEXPECTED */
export function expectBytes(value: CborValue, at: string): Uint8Array {
  if (!(value instanceof Uint8Array)) throw unexpected('byte string', value, at);
  return value;
}

/** @throws CborError CBOR_TYPE_UNEXPECTED */
export function expectText(value: CborValue, at: string): string {
  if (typeof value !== 'string') throw unexpected('text', value, at);
  return value;
}

/** An unsigned integer of up to 64 bits. @throws CborError CBOR_TYPE_UNEXPECTED */
export function expectUint(value: CborValue, at: string): bigint {
  if ((typeof value !== 'number' && typeof value !== 'bigint') || value < 0) {
    throw unexpected('unsigned integer', value, at);
  }
  return BigInt(value);
}

/** A signed integer that a number holds exactly (labels, algorithm ids). @throws CborError CBOR_TYPE_UNEXPECTED */
export function expectInt(value: CborValue, at: string): number {
  if (typeof value !== 'number') throw unexpected('small integer', value, at);
  return value;
}

/** The content of an item with this tag. @throws CborError CBOR_TYPE_UNEXPECTED */
export function expectTag(value: CborValue, tag: number, at: string): CborValue {
  if (!(value instanceof CborTag) || value.tag !== tag) throw unexpected(`tag ${tag}`, value, at);
  return value.value;
}
