/**
 * The zip file of a bundle, through fflate. Reading is bounded and closed-world: the central directory is walked first
 * without inflating anything, and only when every name is one of the expected ones, none appears twice and the declared
 * sizes stay within the limit is each member inflated, into a buffer of exactly its declared size.
 *
 * What a zip says beyond names and contents (times, attributes, comments) is not looked at and not authenticated.
 */
import { unzipSync, zipSync } from 'fflate';
import { EvidenceError } from './errors.ts';

export type Members = ReadonlyMap<string, Uint8Array>;

/** Members are written with one fixed time, the earliest that zip knows, so that equal bundles are equal bytes. */
const MEMBER_TIME = new Date(1980, 0, 1);

export function writeZip(members: Members): Uint8Array {
  return zipSync(Object.fromEntries(members), { mtime: MEMBER_TIME, level: 6 });
}

function unzip(bytes: Uint8Array, filter: NonNullable<Parameters<typeof unzipSync>[1]>['filter']): Members {
  try {
    return new Map(Object.entries(unzipSync(bytes, filter === undefined ? {} : { filter })));
  } catch (cause) {
    if (cause instanceof EvidenceError) throw cause;
    throw new EvidenceError('BUNDLE_ZIP_MALFORMED', { sizeBytes: bytes.length }, cause);
  }
}

function declaredSizes(bytes: Uint8Array, names: readonly string[], sizeBytesMax: number): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  let total = 0;
  unzip(bytes, ({ name, originalSize }) => {
    if (!names.includes(name) || sizes.has(name)) throw new EvidenceError('BUNDLE_MEMBER_UNLISTED', { member: name });
    total += originalSize;
    if (!(total <= sizeBytesMax)) throw new EvidenceError('BUNDLE_TOO_LARGE', { sizeBytesMax });
    sizes.set(name, originalSize);
    return false;
  });
  return sizes;
}

/**
 * Reads the members of a zip file, which may have only the given names.
 * @throws EvidenceError BUNDLE_ZIP_MALFORMED, BUNDLE_TOO_LARGE, BUNDLE_MEMBER_UNLISTED
 */
export function readZip(bytes: Uint8Array, names: readonly string[], sizeBytesMax: number): Members {
  if (bytes.length > sizeBytesMax) {
    throw new EvidenceError('BUNDLE_TOO_LARGE', { sizeBytesMax, actual: bytes.length });
  }
  const sizes = declaredSizes(bytes, names, sizeBytesMax);
  const members = unzip(bytes, undefined);
  for (const [name, sizeBytes] of sizes) {
    const actual = members.get(name)?.length;
    if (actual !== sizeBytes)
      throw new EvidenceError('BUNDLE_ZIP_MALFORMED', { member: name, expected: sizeBytes, actual });
  }
  return members;
}
