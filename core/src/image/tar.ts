/**
 * tar archives in the ustar form (POSIX.1-1988; POSIX.1-2024, pax, "ustar Interchange Format"), as Mender artifacts are
 * packed. Only plain files with plain relative names; no links, folders, devices, extended headers, no name twice. Contents
 * are views, not copies. Padding, and whatever follows the end, must be zero.
 */
import { fromUtf8, isCodedError } from '../bytes/index.ts';
import { ImageError } from './errors.ts';
import { hasPrefix, regionOf } from './region.ts';

const BLOCK_SIZE_BYTES = 512;
const END_SIZE_BYTES = 2 * BLOCK_SIZE_BYTES;
const FILES_MAX = 4096;
/** `ustar`, a zero, version `00`. */
const MAGIC = Uint8Array.of(0x75, 0x73, 0x74, 0x61, 0x72, 0, 0x30, 0x30);
/** Where each field stands, and its size. */
const FIELD = {
  name: [0, 100],
  size: [124, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
  prefix: [345, 155],
} as const;

export type TarFile = { readonly name: string; readonly content: Uint8Array };

function malformed(expected: string, offset: number): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'tar', expected, offset });
}

function fieldOf(header: Uint8Array, [at, size]: readonly [number, number]): Uint8Array {
  return header.subarray(at, at + size);
}

function textOf(header: Uint8Array, field: readonly [number, number], offset: number): string {
  const raw = fieldOf(header, field);
  const end = raw.indexOf(0);
  try {
    return fromUtf8(end < 0 ? raw : raw.subarray(0, end));
  } catch (cause) {
    if (!isCodedError(cause)) throw cause;
    throw malformed('a name in UTF-8', offset);
  }
}

function octalOf(header: Uint8Array, field: readonly [number, number], offset: number): number {
  const text = Buffer.from(fieldOf(header, field)).toString('latin1');
  const digits = /^([0-7]+)[ \0]*$/.exec(text)?.[1];
  if (digits === undefined) throw malformed('an octal number', offset + field[0]);
  return Number.parseInt(digits, 8);
}

function sumOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum + byte, 0);
}

/** POSIX: the sum of all bytes of the header, those of the checksum taken as spaces. */
function checkSum(header: Uint8Array, offset: number): void {
  const sum = sumOf(header) - sumOf(fieldOf(header, FIELD.checksum)) + 8 * 0x20;
  if (octalOf(header, FIELD.checksum, offset) !== sum) {
    throw new ImageError('IMAGE_CHECKSUM_MISMATCH', { format: 'tar', offset });
  }
}

function nameOf(header: Uint8Array, offset: number): string {
  const prefix = textOf(header, FIELD.prefix, offset);
  const name = `${prefix === '' ? '' : `${prefix}/`}${textOf(header, FIELD.name, offset)}`;
  const isPlain = name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (!isPlain || /[\p{Cc}\\]/u.test(name)) throw malformed('a plain relative name', offset);
  return name;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function parseEntry(bytes: Uint8Array, offset: number): TarFile & { readonly end: number } {
  const header = regionOf(bytes, offset, BLOCK_SIZE_BYTES, 'tar header');
  if (!hasPrefix(fieldOf(header, FIELD.magic), MAGIC)) throw malformed('a header of ustar', offset);
  checkSum(header, offset);
  const [type] = fieldOf(header, FIELD.type);
  if (type !== 0x30 && type !== 0) throw malformed('a plain file', offset);
  const name = nameOf(header, offset);
  const size = octalOf(header, FIELD.size, offset);
  const contentAt = offset + BLOCK_SIZE_BYTES;
  const content = regionOf(bytes, contentAt, size, 'tar file');
  const end = Math.ceil((contentAt + size) / BLOCK_SIZE_BYTES) * BLOCK_SIZE_BYTES;
  if (!isZero(regionOf(bytes, contentAt + size, end - contentAt - size, 'padding'))) {
    throw malformed('padding of zeros', contentAt + size);
  }
  return { name, content, end };
}

/** The first file; undefined when the bytes are not such an archive. Never throws. */
export function firstTarFile(bytes: Uint8Array): TarFile | undefined {
  try {
    return parseEntry(bytes, 0);
  } catch (error) {
    if (!isCodedError(error)) throw error;
    return undefined;
  }
}

/**
 * The files of an archive, in order.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED, IMAGE_CHECKSUM_MISMATCH, IMAGE_FILE_UNLISTED (a name twice)
 */
export function readTar(bytes: Uint8Array): TarFile[] {
  const files = new Map<string, TarFile>();
  let offset = 0;
  while (!isZero(regionOf(bytes, offset, BLOCK_SIZE_BYTES, 'tar header'))) {
    const { name, content, end } = parseEntry(bytes, offset);
    if (files.has(name)) throw new ImageError('IMAGE_FILE_UNLISTED', { file: name });
    if (files.size === FILES_MAX) throw malformed(`at most ${FILES_MAX} files`, offset);
    files.set(name, { name, content });
    offset = end;
  }
  regionOf(bytes, offset, END_SIZE_BYTES, 'end of the archive');
  if (!isZero(bytes.subarray(offset))) throw malformed('only zeros behind the end', offset);
  return [...files.values()];
}
