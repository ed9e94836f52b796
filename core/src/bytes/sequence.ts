import { timingSafeEqual } from 'node:crypto';
import { BytesError } from './errors.ts';

/** Joins byte strings into a new one. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

/** Compares in a time that depends on the length only. Byte strings of different lengths are not equal. */
export function isEqualBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * A length or offset as an exact number. Sizes come from peers as 64-bit integers; what a JavaScript number cannot hold
 * exactly is refused, never rounded.
 * @throws BytesError BYTES_INTEGER_UNSAFE
 */
export function safeSize(value: number | bigint, at: string): number {
  const size = Number(value);
  if (!Number.isSafeInteger(size) || size < 0 || BigInt(size) !== BigInt(value)) {
    throw new BytesError('BYTES_INTEGER_UNSAFE', { at, actual: value });
  }
  return size;
}
