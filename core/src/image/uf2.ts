/**
 * UF2 files (Microsoft UF2, README "File format"): blocks of 512 bytes, each with its own address and number, so that they
 * may be written in any order. A file may hold firmware for several board families, each numbered for itself, and whole
 * files. Every block must be there once; little endian.
 */
import { ByteReader } from '../bytes/index.ts';
import { ImageError } from './errors.ts';
import { type MemorySegment, mergeSegments, totalSize } from './memory-segment.ts';
import { hasPrefix } from './region.ts';

const BLOCK_SIZE_BYTES = 512;
const HEADER_SIZE_BYTES = 32;
const DATA_SIZE_BYTES = 476;
const MAGIC_START = Uint8Array.of(0x55, 0x46, 0x32, 0x0a, 0x57, 0x51, 0x5d, 0x9e);
const MAGIC_END = 0x0ab1_6f30;
const ADDRESS_END = 0x1_0000_0000;
const FLAG_NOT_MAIN_FLASH = 0x0001;
const FLAG_FILE_CONTAINER = 0x1000;
const FLAG_FAMILY = 0x2000;

/** uf2families.json: the families that are met most. */
const FAMILY_NAMES: ReadonlyMap<number, string> = new Map([
  [0x68ed2b88, 'SAMD21'],
  [0x55114460, 'SAMD51'],
  [0xada52840, 'NRF52840'],
  [0x57755a57, 'STM32F4'],
  [0x00ff6919, 'STM32L4'],
  [0xbfdd4eee, 'ESP32S2'],
  [0xc47e5767, 'ESP32S3'],
  [0xe48bff56, 'RP2040'],
  [0xe48bff57, 'RP2XXX_ABSOLUTE'],
  [0xe48bff58, 'RP2XXX_DATA'],
  [0xe48bff59, 'RP2350_ARM_S'],
  [0xe48bff5a, 'RP2350_RISCV'],
  [0xe48bff5b, 'RP2350_ARM_NS'],
]);
const FAMILY_ABSOLUTE = 0xe48bff57;

type Block = {
  readonly flags: number;
  readonly address: number;
  readonly number: number;
  readonly count: number;
  /** Of the file in the container, or the family of the board. */
  readonly sizeOrFamily: number;
  readonly sizeBytes: number;
  readonly data: Uint8Array;
};

/** The blocks for one family of boards, or for any. */
export type Uf2Family = {
  /** As in uf2families.json, `0x` and eight digits; absent when the blocks name none. */
  readonly familyId?: string;
  readonly family?: string;
  readonly blockCount: number;
  /** Of what goes to the main flash. */
  readonly dataSizeBytes: number;
  readonly segments: readonly MemorySegment[];
};

/** What a UF2 file holds. */
export type Uf2Description = {
  readonly format: 'uf2';
  readonly sizeBytes: number;
  readonly blockCount: number;
  readonly families: readonly Uf2Family[];
  /** Files for a file system on the board. */
  readonly files: readonly { readonly name: string; readonly sizeBytes: number }[];
};

function malformed(expected: string, offset: number, actual?: number): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'uf2', expected, offset, actual });
}

export function isUf2(bytes: Uint8Array): boolean {
  return hasPrefix(bytes, MAGIC_START);
}

function parseBlock(bytes: Uint8Array, offset: number): Block {
  const block = bytes.subarray(offset, offset + BLOCK_SIZE_BYTES);
  if (!isUf2(block)) throw malformed('the magic of a block', offset);
  const reader = new ByteReader(block, MAGIC_START.length);
  const flags = reader.u32le();
  const address = reader.u32le();
  const sizeBytes = reader.u32le();
  const number = reader.u32le();
  const count = reader.u32le();
  const sizeOrFamily = reader.u32le();
  const data = reader.bytes(DATA_SIZE_BYTES);
  const magic = reader.u32le();
  if (magic !== MAGIC_END) throw malformed('the magic at the end of a block', offset + 508, magic);
  if (sizeBytes > DATA_SIZE_BYTES) throw malformed('at most 476 bytes of data', offset + 16, sizeBytes);
  if (number >= count) throw malformed('a block number below their count', offset + 20, number);
  if (address + sizeBytes > ADDRESS_END) throw malformed('an address of 32 bits', offset + 12, address);
  return { flags, address, number, count, sizeOrFamily, sizeBytes, data };
}

function checkNumbers(blocks: readonly Block[], familyId: number | undefined): void {
  const count = blocks[0]?.count ?? 0;
  // RP2350 erratum E10: tools put one lone block for the absolute family before the others; it says 2 and is alone.
  if (familyId === FAMILY_ABSOLUTE && blocks.length === 1 && count === 2) return;
  const numbers = new Set(blocks.map(({ number }) => number));
  const isWhole = blocks.every((block) => block.count === count) && numbers.size === count && blocks.length === count;
  if (!isWhole) throw malformed(`${count} blocks, each number once`, 0, blocks.length);
}

function describeFamily(familyId: number | undefined, blocks: readonly Block[]): Uf2Family {
  checkNumbers(blocks, familyId);
  const flashed = blocks.filter(({ flags }) => (flags & (FLAG_NOT_MAIN_FLASH | FLAG_FILE_CONTAINER)) === 0);
  const segments = mergeSegments('uf2', flashed);
  const family = familyId === undefined ? undefined : FAMILY_NAMES.get(familyId);
  return {
    ...(familyId === undefined ? {} : { familyId: `0x${familyId.toString(16).padStart(8, '0')}` }),
    ...(family === undefined ? {} : { family }),
    blockCount: blocks.length,
    dataSizeBytes: totalSize(segments),
    segments,
  };
}

/** README "File containers": the name stands behind the data and ends with a zero. */
function fileNameOf({ data, sizeBytes }: Block): string {
  const rest = data.subarray(sizeBytes);
  const end = rest.indexOf(0);
  const name = Buffer.from(rest.subarray(0, Math.max(end, 0))).toString('latin1');
  if (!/^[\x20-\x7e]+$/.test(name)) throw malformed('the printable name of a file', HEADER_SIZE_BYTES + sizeBytes);
  return name;
}

function describeFiles(blocks: readonly Block[]): { name: string; sizeBytes: number }[] {
  const files = new Map<string, number>();
  for (const block of blocks) {
    if ((block.flags & FLAG_FILE_CONTAINER) === 0) continue;
    const name = fileNameOf(block);
    const sizeBytes = files.get(name) ?? block.sizeOrFamily;
    if (sizeBytes !== block.sizeOrFamily || block.address + block.sizeBytes > sizeBytes) {
      throw malformed('a block within its file, and one size of it', 0, block.sizeOrFamily);
    }
    files.set(name, sizeBytes);
  }
  return [...files].map(([name, sizeBytes]) => ({ name, sizeBytes }));
}

/**
 * Describes a UF2 file and checks that no block is missing, doubled or in the place of another.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED
 */
export function describeUf2(bytes: Uint8Array): Uf2Description {
  if (bytes.length % BLOCK_SIZE_BYTES !== 0) {
    throw new ImageError('IMAGE_TRUNCATED', { what: 'block', expected: BLOCK_SIZE_BYTES, actual: bytes.length % 512 });
  }
  const blocks: Block[] = [];
  for (let offset = 0; offset < bytes.length; offset += BLOCK_SIZE_BYTES) blocks.push(parseBlock(bytes, offset));
  const families = new Map<number | undefined, Block[]>();
  for (const block of blocks) {
    const familyId = (block.flags & FLAG_FAMILY) === 0 ? undefined : block.sizeOrFamily;
    const group = families.get(familyId) ?? [];
    group.push(block);
    families.set(familyId, group);
  }
  return {
    format: 'uf2',
    sizeBytes: bytes.length,
    blockCount: blocks.length,
    families: [...families].map(([familyId, group]) => describeFamily(familyId, group)),
    files: describeFiles(blocks),
  };
}
