/**
 * cpio archives of the "new ASCII" format, with and without checksum (magic 070701 and 070702; cpio(5), "New ASCII Format"
 * and "New CRC Format"), as SWUpdate images are packed. Only plain files with plain names: no folders, links, devices, no
 * path separators, no name twice. Contents are views, not copies. Whatever follows the trailer must be zero.
 */
import { fromUtf8, isCodedError } from '../bytes/index.ts';
import { ImageError } from './errors.ts';
import { regionOf } from './region.ts';

const HEADER_SIZE_BYTES = 110;
const FIELD_DIGITS = 8;
const FIELDS_START = 6;
const FILE_MODE = 0o100000;
const MODE_MASK = 0o170000;
const FILES_MAX = 4096;
const TRAILER = 'TRAILER!!!';
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._+@-]{0,254}$/;

/** Where each field of eight hexadecimal digits stands among the thirteen. */
const FIELD = { mode: 1, sizeBytes: 6, nameSizeBytes: 11, checksum: 12 } as const;

export type CpioFile = { readonly name: string; readonly content: Uint8Array };

function malformed(expected: string, offset: number): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'cpio', expected, offset });
}

function asciiOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function parseHeader(bytes: Uint8Array, offset: number) {
  const text = asciiOf(regionOf(bytes, offset, HEADER_SIZE_BYTES, 'cpio header'));
  if (!/^07070[12][0-9A-Fa-f]{104}$/.test(text)) throw malformed('a header of magic 070701 or 070702', offset);
  const field = (index: number): number => {
    const start = FIELDS_START + index * FIELD_DIGITS;
    return Number.parseInt(text.slice(start, start + FIELD_DIGITS), 16);
  };
  return {
    hasChecksum: text.startsWith('070702'),
    mode: field(FIELD.mode),
    sizeBytes: field(FIELD.sizeBytes),
    nameSizeBytes: field(FIELD.nameSizeBytes),
    checksum: field(FIELD.checksum),
  };
}

const align4 = (offset: number): number => Math.ceil(offset / 4) * 4;

function parseName(bytes: Uint8Array, offset: number, sizeBytes: number): string {
  const raw = regionOf(bytes, offset, sizeBytes, 'cpio name');
  if (raw.at(-1) !== 0) throw malformed('a name that ends in a zero byte', offset);
  try {
    return fromUtf8(raw.subarray(0, -1));
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw malformed('a name in UTF-8', offset);
  }
}

/** cpio(5), New CRC Format: the least significant 32 bits of the sum of all bytes. */
function sumOf(content: Uint8Array): number {
  let sum = 0;
  for (const byte of content) sum = (sum + byte) >>> 0;
  return sum;
}

type Entry = CpioFile & { readonly end: number };

function parseEntry(bytes: Uint8Array, offset: number): Entry {
  const header = parseHeader(bytes, offset);
  const nameAt = offset + HEADER_SIZE_BYTES;
  const name = parseName(bytes, nameAt, header.nameSizeBytes);
  const contentAt = align4(nameAt + header.nameSizeBytes);
  if (name === TRAILER) return { name, content: new Uint8Array(), end: contentAt };
  if (!NAME.test(name)) throw malformed('a plain file name', nameAt);
  if ((header.mode & MODE_MASK) !== FILE_MODE) throw malformed('a plain file', offset);
  const content = regionOf(bytes, contentAt, header.sizeBytes, 'cpio file');
  if (header.hasChecksum && sumOf(content) !== header.checksum) {
    throw new ImageError('IMAGE_CHECKSUM_MISMATCH', { format: 'cpio', file: name });
  }
  return { name, content, end: align4(contentAt + header.sizeBytes) };
}

/** The name of the first file; undefined when the bytes are not such an archive. Never throws. */
export function firstCpioName(bytes: Uint8Array): string | undefined {
  try {
    return parseName(bytes, HEADER_SIZE_BYTES, parseHeader(bytes, 0).nameSizeBytes);
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return undefined;
  }
}

/**
 * The files of an archive, in order.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED, IMAGE_CHECKSUM_MISMATCH, IMAGE_FILE_UNLISTED (a name twice)
 */
export function readCpio(bytes: Uint8Array): CpioFile[] {
  const files = new Map<string, CpioFile>();
  let offset = 0;
  for (;;) {
    const { name, content, end } = parseEntry(bytes, offset);
    offset = end;
    if (name === TRAILER) break;
    if (files.has(name)) throw new ImageError('IMAGE_FILE_UNLISTED', { file: name });
    if (files.size === FILES_MAX) throw malformed(`at most ${FILES_MAX} files`, offset);
    files.set(name, { name, content });
  }
  const rest = bytes.subarray(offset);
  if (rest.some((byte) => byte !== 0)) throw malformed('only zeros behind the trailer', offset);
  return [...files.values()];
}
