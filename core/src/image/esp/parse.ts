/**
 * The structure of ESP-IDF images (ESP-IDF v5, esp_app_format.h, "App Image Format"; esptool bin_image.py): a header of 24
 * bytes, segments, a checksum at the end of a block of 16 bytes, and a SHA-256 over all of that. Little endian. ESP8266
 * images, which have a shorter header, are not read.
 *
 * Every size is checked against the end of the image; checksum and SHA-256 are recomputed.
 */
import { hash } from 'node:crypto';
import { ByteReader, isEqualBytes } from '../../bytes/index.ts';
import { ImageError } from '../errors.ts';
import type { MemorySegment } from '../memory-segment.ts';
import { readerOf, regionOf } from '../region.ts';

const MAGIC = 0xe9;
const HEADER_SIZE_BYTES = 24;
const HEADER_RESERVED_SIZE_BYTES = 4;
const SEGMENT_HEADER_SIZE_BYTES = 8;
const SEGMENTS_MAX = 16;
const CHECKSUM_SEED = 0xef;
const CHECKSUM_BLOCK_SIZE_BYTES = 16;
const SHA256_SIZE_BYTES = 32;
const CHIP_ID_OFFSET = 12;
const HASH_APPENDED_OFFSET = 23;

/** esp_chip_id_t: the chips an image can be for. */
const CHIPS: ReadonlyMap<number, string> = new Map([
  [0, 'ESP32'],
  [2, 'ESP32-S2'],
  [5, 'ESP32-C3'],
  [9, 'ESP32-S3'],
  [12, 'ESP32-C2'],
  [13, 'ESP32-C6'],
  [16, 'ESP32-H2'],
  [18, 'ESP32-P4'],
  [20, 'ESP32-C61'],
  [23, 'ESP32-C5'],
  [25, 'ESP32-H21'],
  [28, 'ESP32-H4'],
  [31, 'ESP32-E22'],
  [32, 'ESP32-S31'],
]);

type EspSegment = MemorySegment & { readonly data: Uint8Array };

/** An image whose structure, checksum and SHA-256 are sound; nothing of it is authentic. */
export type EspImage = {
  readonly chip: string;
  readonly entryAddress: number;
  /** Of the chip, major × 100 + minor. */
  readonly chipRevisionMin: number;
  readonly chipRevisionMax: number;
  readonly segments: readonly EspSegment[];
  readonly hasHash: boolean;
  /** The image, up to its checksum or SHA-256. */
  readonly sizeBytes: number;
};

export function malformed(expected: string, offset: number, actual?: number): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'esp-image', expected, offset, actual });
}

/** The magic is one byte, so the other fields must be possible too. */
export function isEspImage(bytes: Uint8Array): boolean {
  if (bytes.length < HEADER_SIZE_BYTES || bytes[0] !== MAGIC) return false;
  const reader = new ByteReader(bytes, CHIP_ID_OFFSET);
  const segments = bytes[1] ?? 0;
  const isPossible = segments >= 1 && segments <= SEGMENTS_MAX && (bytes[HASH_APPENDED_OFFSET] ?? 2) <= 1;
  return isPossible && CHIPS.has(reader.u16le());
}

function parseHeader(bytes: Uint8Array) {
  const reader = readerOf(bytes, 0, HEADER_SIZE_BYTES, 'header');
  if (!isEspImage(bytes)) throw malformed('the header of an ESP-IDF image', 0);
  reader.bytes(1);
  const segmentCount = reader.u8();
  // SPI mode, speed and size: how the bootloader reads the flash.
  reader.bytes(2);
  const entryAddress = reader.u32le();
  // Write-protect pin and drive strengths.
  reader.bytes(4);
  const chip = CHIPS.get(reader.u16le()) ?? '';
  // The older field of the least revision.
  reader.bytes(1);
  const chipRevisionMin = reader.u16le();
  const chipRevisionMax = reader.u16le();
  reader.bytes(HEADER_RESERVED_SIZE_BYTES);
  return { segmentCount, entryAddress, chip, chipRevisionMin, chipRevisionMax, hasHash: reader.u8() === 1 };
}

function parseSegments(bytes: Uint8Array, count: number): { segments: EspSegment[]; end: number } {
  const segments: EspSegment[] = [];
  let offset = HEADER_SIZE_BYTES;
  for (let index = 0; index < count; index += 1) {
    const reader = readerOf(bytes, offset, SEGMENT_HEADER_SIZE_BYTES, 'segment');
    const address = reader.u32le();
    const sizeBytes = reader.u32le();
    const data = regionOf(bytes, offset + SEGMENT_HEADER_SIZE_BYTES, sizeBytes, 'segment');
    // esp_image_format.c: lengths are whole words.
    if (sizeBytes % 4 !== 0) throw malformed('a segment of whole words', offset + 4, sizeBytes);
    if (address + sizeBytes > 0x1_0000_0000) throw malformed('an address of 32 bits', offset, address);
    segments.push({ address, sizeBytes, data });
    offset += SEGMENT_HEADER_SIZE_BYTES + sizeBytes;
  }
  return { segments, end: offset };
}

function checksumOf(segments: readonly EspSegment[]): number {
  let checksum = CHECKSUM_SEED;
  for (const { data } of segments) for (const byte of data) checksum ^= byte;
  return checksum;
}

/** @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED, IMAGE_CHECKSUM_MISMATCH, IMAGE_DIGEST_MISMATCH */
export function parseEspImage(bytes: Uint8Array): EspImage {
  const { segmentCount, ...header } = parseHeader(bytes);
  const { segments, end } = parseSegments(bytes, segmentCount);
  // The checksum is the last byte of a block; there is always room for it.
  const padding = CHECKSUM_BLOCK_SIZE_BYTES - (end % CHECKSUM_BLOCK_SIZE_BYTES);
  const checksum = regionOf(bytes, end, padding, 'checksum').at(-1);
  if (checksum !== checksumOf(segments)) throw new ImageError('IMAGE_CHECKSUM_MISMATCH', { format: 'esp-image' });
  const hashedEnd = end + padding;
  if (!header.hasHash) return { ...header, segments, sizeBytes: hashedEnd };
  const expected = regionOf(bytes, hashedEnd, SHA256_SIZE_BYTES, 'SHA-256');
  if (!isEqualBytes(hash('sha256', bytes.subarray(0, hashedEnd), 'buffer'), expected)) {
    throw new ImageError('IMAGE_DIGEST_MISMATCH', { format: 'esp-image', algorithm: 'sha256' });
  }
  return { ...header, segments, sizeBytes: hashedEnd + SHA256_SIZE_BYTES };
}
