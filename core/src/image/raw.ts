/** Bytes of no known format: nothing but their number is known. Every image is at least this. */
import { ImageError } from './errors.ts';

export type RawDescription = { readonly format: 'raw'; readonly sizeBytes: number };

/** @throws ImageError IMAGE_MALFORMED (no bytes at all) */
export function describeRaw(bytes: Uint8Array): RawDescription {
  if (bytes.length === 0) throw new ImageError('IMAGE_MALFORMED', { format: 'raw', expected: 'at least one byte' });
  return { format: 'raw', sizeBytes: bytes.length };
}
