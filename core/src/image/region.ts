import { ByteReader } from '../bytes/index.ts';
import { ImageError } from './errors.ts';

/**
 * A part of an image, checked against its end before anything is read from it.
 * @throws ImageError IMAGE_TRUNCATED
 */
export function regionOf(bytes: Uint8Array, offset: number, length: number, what: string): Uint8Array {
  if (offset < 0 || length < 0 || offset + length > bytes.length) {
    throw new ImageError('IMAGE_TRUNCATED', { what, offset, expected: length, actual: bytes.length - offset });
  }
  return bytes.subarray(offset, offset + length);
}

/** A reader of a part of an image; see `regionOf`. */
export function readerOf(bytes: Uint8Array, offset: number, length: number, what: string): ByteReader {
  return new ByteReader(regionOf(bytes, offset, length, what));
}

/** True when the bytes begin with these. */
export function hasPrefix(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, at) => bytes[at] === byte);
}
