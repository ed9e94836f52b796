/** Runs of data at addresses, as the formats for flash programmers hold them. */
import { ImageError } from './errors.ts';

/** A run of data without a gap. */
export type MemorySegment = { readonly address: number; readonly sizeBytes: number };

/**
 * The segments in rising order; neighbours that touch become one.
 * @throws ImageError IMAGE_MALFORMED when two give data for the same address
 */
export function mergeSegments(format: string, segments: readonly MemorySegment[]): MemorySegment[] {
  const merged: MemorySegment[] = [];
  for (const segment of segments.toSorted((a, b) => a.address - b.address)) {
    if (segment.sizeBytes === 0) continue;
    const last = merged.at(-1);
    const lastEnd = last === undefined ? -1 : last.address + last.sizeBytes;
    if (segment.address < lastEnd) {
      throw new ImageError('IMAGE_MALFORMED', { format, expected: 'data without overlap', address: segment.address });
    }
    if (last !== undefined && segment.address === lastEnd) {
      merged[merged.length - 1] = { address: last.address, sizeBytes: last.sizeBytes + segment.sizeBytes };
    } else {
      merged.push(segment);
    }
  }
  return merged;
}

/** Bytes in all segments. */
export function totalSize(segments: readonly MemorySegment[]): number {
  return segments.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}
