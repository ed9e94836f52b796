/**
 * DFU files (USB DFU 1.1, appendix B: the suffix of 16 bytes with its CRC) and DfuSe files (ST UM0391: a prefix, targets and
 * elements with addresses before the same suffix). The suffix says for which device the file is; its CRC is over the whole
 * file. Little endian.
 */
import { crc32 } from 'node:zlib';
import type { ByteReader } from '../bytes/index.ts';
import { ImageError } from './errors.ts';
import { type MemorySegment, mergeSegments } from './memory-segment.ts';
import { hasPrefix, readerOf, regionOf } from './region.ts';

const SUFFIX_SIZE_BYTES = 16;
const CRC_SIZE_BYTES = 4;
/** `UFD` and the length of the suffix, as they stand before the CRC. */
const SUFFIX_MARK = Uint8Array.of(0x55, 0x46, 0x44, SUFFIX_SIZE_BYTES);
const PREFIX_MARK = Uint8Array.of(0x44, 0x66, 0x75, 0x53, 0x65);
const TARGET_MARK = Uint8Array.of(0x54, 0x61, 0x72, 0x67, 0x65, 0x74);
const PREFIX_SIZE_BYTES = 11;
const PREFIX_VERSION = 1;
const TARGET_SIZE_BYTES = 274;
const TARGET_NAME_SIZE_BYTES = 255;
const ELEMENT_SIZE_BYTES = 8;
const ANY = 0xffff;
const VERSION_DFU = 0x0100;
const VERSION_DFUSE = 0x011a;

/** The memory of a device that a DfuSe file writes: an alternate setting of its interface. */
export type DfuTarget = {
  readonly alternate: number;
  readonly name?: string;
  readonly elements: readonly MemorySegment[];
};

/** What a DFU file holds. */
export type DfuDescription = {
  readonly format: 'dfu';
  readonly sizeBytes: number;
  readonly payloadSizeBytes: number;
  /** Four hexadecimal digits each; absent where the file is for any. */
  readonly vendorId?: string;
  readonly productId?: string;
  readonly deviceRelease?: string;
  /** Present for DfuSe. */
  readonly targets?: readonly DfuTarget[];
};

function malformed(expected: string, offset: number, actual?: number): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'dfu', expected, offset, actual });
}

function hasSuffix(bytes: Uint8Array): boolean {
  return hasPrefix(bytes.subarray(-(SUFFIX_MARK.length + CRC_SIZE_BYTES)), SUFFIX_MARK);
}

/** A DFU file shows at its end, a DfuSe file also at its beginning. */
export function isDfu(bytes: Uint8Array): boolean {
  return (bytes.length > SUFFIX_SIZE_BYTES && hasSuffix(bytes)) || hasPrefix(bytes, PREFIX_MARK);
}

function parseSuffix(bytes: Uint8Array): { release: number; product: number; vendor: number; version: number } {
  const at = bytes.length - SUFFIX_SIZE_BYTES;
  const reader = readerOf(bytes, at, SUFFIX_SIZE_BYTES, 'suffix');
  const release = reader.u16le();
  const product = reader.u16le();
  const vendor = reader.u16le();
  const version = reader.u16le();
  if (!hasSuffix(bytes)) throw new ImageError('IMAGE_TRUNCATED', { format: 'dfu', what: 'suffix' });
  reader.bytes(SUFFIX_MARK.length);
  // Appendix B: the CRC register as it is at the end, which other users of this polynomial invert.
  const expected = ~crc32(bytes.subarray(0, bytes.length - CRC_SIZE_BYTES)) >>> 0;
  if (reader.u32le() !== expected) throw new ImageError('IMAGE_CHECKSUM_MISMATCH', { format: 'dfu' });
  if (version !== VERSION_DFU && version !== VERSION_DFUSE) throw malformed('DFU 1.0 or DfuSe', at + 6, version);
  return { release, product, vendor, version };
}

function nameOf(reader: ByteReader): string | undefined {
  const isNamed = reader.u32le() !== 0;
  const field = reader.bytes(TARGET_NAME_SIZE_BYTES);
  if (!isNamed) return undefined;
  const text = Buffer.from(field).toString('latin1');
  const end = text.indexOf('\0');
  const name = end < 0 ? text : text.slice(0, end);
  if (!/^[\x20-\x7e]*$/.test(name)) throw malformed('a printable name', 0);
  return name;
}

/** UM0391 §2.3: the elements of one target, each with its address. */
function parseElements(content: Uint8Array, count: number): MemorySegment[] {
  const elements: MemorySegment[] = [];
  let offset = 0;
  for (let index = 0; index < count; index += 1) {
    const reader = readerOf(content, offset, ELEMENT_SIZE_BYTES, 'element');
    const address = reader.u32le();
    const sizeBytes = reader.u32le();
    regionOf(content, offset + ELEMENT_SIZE_BYTES, sizeBytes, 'element');
    if (address + sizeBytes > 0x1_0000_0000) throw malformed('an address of 32 bits', offset, address);
    elements.push({ address, sizeBytes });
    offset += ELEMENT_SIZE_BYTES + sizeBytes;
  }
  if (offset !== content.length) throw malformed('elements that fill their target', offset, content.length);
  return mergeSegments('dfu', elements);
}

function parseTargets(body: Uint8Array): DfuTarget[] {
  const prefix = readerOf(body, 0, PREFIX_SIZE_BYTES, 'prefix');
  if (!hasPrefix(body, PREFIX_MARK)) throw malformed('the mark of DfuSe', 0);
  prefix.bytes(PREFIX_MARK.length);
  const version = prefix.u8();
  if (version !== PREFIX_VERSION) throw malformed('version 1 of DfuSe', 5, version);
  const sizeBytes = prefix.u32le();
  // UM0391 does not say whether the suffix counts: dfuse-pack counts it, others do not.
  if (sizeBytes !== body.length && sizeBytes !== body.length + SUFFIX_SIZE_BYTES) {
    throw malformed('the size of the file', 6, sizeBytes);
  }
  const count = prefix.u8();
  const targets: DfuTarget[] = [];
  let offset = PREFIX_SIZE_BYTES;
  for (let index = 0; index < count; index += 1) {
    const reader = readerOf(body, offset, TARGET_SIZE_BYTES, 'target');
    if (!hasPrefix(body.subarray(offset), TARGET_MARK)) throw malformed('the mark of a target', offset);
    reader.bytes(TARGET_MARK.length);
    const alternate = reader.u8();
    const name = nameOf(reader);
    const size = reader.u32le();
    const elements = parseElements(regionOf(body, offset + TARGET_SIZE_BYTES, size, 'target'), reader.u32le());
    targets.push({ alternate, ...(name === undefined ? {} : { name }), elements });
    offset += TARGET_SIZE_BYTES + size;
  }
  if (offset !== body.length) throw malformed('targets that fill the file', offset, body.length);
  return targets;
}

function idOf<K extends string>(name: K, value: number): { readonly [name in K]?: string } {
  const one: { [name in K]?: string } = {};
  if (value !== ANY) one[name] = value.toString(16).padStart(4, '0');
  return one;
}

/**
 * Describes a DFU or DfuSe file and checks its structure and CRC.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED, IMAGE_CHECKSUM_MISMATCH
 */
export function describeDfu(bytes: Uint8Array): DfuDescription {
  const { release, product, vendor, version } = parseSuffix(bytes);
  const body = bytes.subarray(0, bytes.length - SUFFIX_SIZE_BYTES);
  return {
    format: 'dfu',
    sizeBytes: bytes.length,
    payloadSizeBytes: body.length,
    ...idOf('vendorId', vendor),
    ...idOf('productId', product),
    ...idOf('deviceRelease', release),
    ...(version === VERSION_DFUSE ? { targets: parseTargets(body) } : {}),
  };
}
