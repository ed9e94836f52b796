/**
 * Legacy U-Boot images (uImage; U-Boot include/image.h): a header of 64 bytes with its CRC, then the data with another. Big
 * endian. They carry no signature.
 */
import { crc32 } from 'node:zlib';
import { concat } from '../bytes/index.ts';
import { ImageError } from './errors.ts';
import { hasPrefix, readerOf, regionOf } from './region.ts';

const MAGIC = Uint8Array.of(0x27, 0x05, 0x19, 0x56);
const HEADER_SIZE_BYTES = 64;
const HEADER_CRC_OFFSET = 4;
const NAME_SIZE_BYTES = 32;
const TYPE_MULTI = 4;
/** IH_TYPE_*, the types that are met most. */
const TYPES: readonly string[] = [
  'invalid',
  'standalone',
  'kernel',
  'ramdisk',
  'multi',
  'firmware',
  'script',
  'filesystem',
  'flat_dt',
];
const COMPRESSIONS: readonly string[] = ['none', 'gzip', 'bzip2', 'lzma', 'lzo', 'lz4', 'zstd'];

/** What a legacy U-Boot image says about itself. */
export type UimageDescription = {
  readonly format: 'uimage';
  readonly sizeBytes: number;
  readonly name: string;
  /** Names of mkimage where they are known, else numbers. */
  readonly type: string;
  readonly compression: string;
  /** When it was made, in seconds since 1970. */
  readonly timestamp: number;
  readonly loadAddress: number;
  readonly entryAddress: number;
  /** Sizes of the images in it: one, or several of type multi. */
  readonly contentSizes: readonly number[];
  readonly trailingSizeBytes: number;
};

function malformed(expected: string, offset: number, actual?: number): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'uimage', expected, offset, actual });
}

export function isUimage(bytes: Uint8Array): boolean {
  return hasPrefix(bytes, MAGIC);
}

function checkCrc(bytes: Uint8Array, expected: number, what: string): void {
  if (crc32(bytes) !== expected) throw new ImageError('IMAGE_CHECKSUM_MISMATCH', { format: 'uimage', what });
}

/** Of type multi: sizes up to a zero, then the images, each filled up to 4 bytes but the last. */
function multiSizes(data: Uint8Array): number[] {
  const sizes: number[] = [];
  let end = 0;
  for (let offset = 0; ; offset += 4) {
    const size = readerOf(data, offset, 4, 'size of an image').u32be();
    if (size === 0) {
      end += offset + 4;
      break;
    }
    sizes.push(size);
    end += Math.ceil(size / 4) * 4;
  }
  const padding = (4 - ((sizes.at(-1) ?? 0) % 4)) % 4;
  if (data.length !== end && data.length !== end - padding)
    throw malformed('images that fill the data', 0, data.length);
  return sizes;
}

/**
 * Describes a legacy U-Boot image and checks both CRCs.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED, IMAGE_CHECKSUM_MISMATCH
 */
export function describeUimage(bytes: Uint8Array): UimageDescription {
  const reader = readerOf(bytes, 0, HEADER_SIZE_BYTES, 'header');
  reader.bytes(MAGIC.length);
  const headerCrc = reader.u32be();
  // The CRC of the header is over the header with zeros in its place.
  const before = bytes.subarray(0, HEADER_CRC_OFFSET);
  checkCrc(concat(before, new Uint8Array(4), bytes.subarray(8, HEADER_SIZE_BYTES)), headerCrc, 'header');
  const timestamp = reader.u32be();
  const dataSize = reader.u32be();
  const loadAddress = reader.u32be();
  const entryAddress = reader.u32be();
  const dataCrc = reader.u32be();
  // Operating system and architecture.
  reader.bytes(2);
  const type = reader.u8();
  const compression = reader.u8();
  const name = Buffer.from(reader.bytes(NAME_SIZE_BYTES)).toString('latin1').replace(/\0+$/, '');
  if (!/^[\x20-\x7e]*$/.test(name)) throw malformed('a printable name', HEADER_SIZE_BYTES - NAME_SIZE_BYTES);
  const data = regionOf(bytes, HEADER_SIZE_BYTES, dataSize, 'data');
  checkCrc(data, dataCrc, 'data');
  return {
    format: 'uimage',
    sizeBytes: bytes.length,
    name,
    type: TYPES[type] ?? `${type}`,
    compression: COMPRESSIONS[compression] ?? `${compression}`,
    timestamp,
    loadAddress,
    entryAddress,
    contentSizes: type === TYPE_MULTI ? multiSizes(data) : [dataSize],
    trailingSizeBytes: bytes.length - HEADER_SIZE_BYTES - dataSize,
  };
}
