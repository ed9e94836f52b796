/**
 * ELF files (System V ABI, gABI 4.1 chapter 4): the file header and the bounds of the program and section header tables,
 * 32 and 64 bit, both byte orders. Nothing beyond the headers is read. A 64-bit address is given in hexadecimal.
 */
import { safeSize } from '../bytes/index.ts';
import { ImageError } from './errors.ts';
import { hasPrefix, regionOf } from './region.ts';

const MAGIC = Uint8Array.of(0x7f, 0x45, 0x4c, 0x46);
const IDENT_SIZE_BYTES = 16;

const TYPES: ReadonlyMap<number, string> = new Map([
  [1, 'relocatable'],
  [2, 'executable'],
  [3, 'shared'],
  [4, 'core'],
]);

const MACHINES: ReadonlyMap<number, string> = new Map([
  [3, 'x86'],
  [8, 'mips'],
  [20, 'powerpc'],
  [21, 'powerpc64'],
  [40, 'arm'],
  [62, 'x86-64'],
  [83, 'avr'],
  [94, 'xtensa'],
  [105, 'msp430'],
  [183, 'aarch64'],
  [243, 'riscv'],
]);

/** What the headers of an ELF file say. */
export type ElfDescription = {
  readonly format: 'elf';
  readonly sizeBytes: number;
  readonly class: 32 | 64;
  readonly byteOrder: 'little' | 'big';
  readonly type: string;
  readonly machine: string;
  /** Hexadecimal, `0x…`. */
  readonly entry: string;
  readonly segmentCount: number;
  readonly sectionCount: number;
};

export function isElf(bytes: Uint8Array): boolean {
  return hasPrefix(bytes, MAGIC);
}

function malformed(expected: string, offset: number, actual?: number): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'elf', expected, offset, actual });
}

/** Reads fields of the file's own class and byte order. */
class Fields {
  readonly is64: boolean;
  readonly isLittle: boolean;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    const ident = regionOf(bytes, 0, IDENT_SIZE_BYTES, 'identification');
    if (!isElf(bytes)) throw malformed('the magic of ELF', 0);
    const [elfClass, data, version] = ident.subarray(MAGIC.length);
    if (elfClass !== 1 && elfClass !== 2) throw malformed('class 1 or 2', 4, elfClass);
    if (data !== 1 && data !== 2) throw malformed('data encoding 1 or 2', 5, data);
    if (version !== 1) throw malformed('version 1', 6, version);
    this.#bytes = bytes;
    this.is64 = elfClass === 2;
    this.isLittle = data === 1;
  }

  #view(offset: number, length: number): DataView {
    const region = regionOf(this.#bytes, offset, length, 'header');
    return new DataView(region.buffer, region.byteOffset, length);
  }
  half(offset: number): number {
    return this.#view(offset, 2).getUint16(0, this.isLittle);
  }
  /** An address, offset or size: 4 or 8 bytes by class. */
  word(offset: number): bigint {
    return this.is64
      ? this.#view(offset, 8).getBigUint64(0, this.isLittle)
      : BigInt(this.#view(offset, 4).getUint32(0, this.isLittle));
  }
}

function offsetOf(fields: Fields, at: number): number {
  const value = fields.word(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new ImageError('IMAGE_TRUNCATED', { what: 'header', offset: at });
  return safeSize(value, 'offset');
}

type Table = { readonly offset: number; readonly entrySize: number; readonly count: number };

function checkTable(bytes: Uint8Array, table: Table, entrySize: number, what: string): void {
  if (table.count === 0) return;
  if (table.entrySize !== entrySize) throw malformed(`entries of ${entrySize} bytes`, table.offset, table.entrySize);
  regionOf(bytes, table.offset, table.count * table.entrySize, what);
}

/** gABI, e_shnum: 0 with a section table means that the count stands in the size of its first entry. */
function sectionCountOf(fields: Fields, count: number, offset: number): number {
  if (count !== 0 || offset === 0) return count;
  return offsetOf(fields, offset + (fields.is64 ? 32 : 20));
}

/**
 * Describes an ELF file and checks the bounds of its header tables.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED
 */
export function describeElf(bytes: Uint8Array): ElfDescription {
  const fields = new Fields(bytes);
  const { is64 } = fields;
  // Behind e_entry, e_phoff and e_shoff (one word each from offset 24) and e_flags stand six halves, e_ehsize first.
  const halves = is64 ? 52 : 40;
  const segments: Table = {
    offset: offsetOf(fields, is64 ? 32 : 28),
    entrySize: fields.half(halves + 2),
    count: fields.half(halves + 4),
  };
  const sectionOffset = offsetOf(fields, is64 ? 40 : 32);
  const sections: Table = {
    offset: sectionOffset,
    entrySize: fields.half(halves + 6),
    count: sectionCountOf(fields, fields.half(halves + 8), sectionOffset),
  };
  checkTable(bytes, segments, is64 ? 56 : 32, 'program header table');
  checkTable(bytes, sections, is64 ? 64 : 40, 'section header table');
  const [type, machine] = [fields.half(16), fields.half(18)];
  return {
    format: 'elf',
    sizeBytes: bytes.length,
    class: is64 ? 64 : 32,
    byteOrder: fields.isLittle ? 'little' : 'big',
    type: TYPES.get(type) ?? `type ${type}`,
    machine: MACHINES.get(machine) ?? `machine ${machine}`,
    entry: `0x${fields.word(24).toString(16)}`,
    segmentCount: segments.count,
    sectionCount: sections.count,
  };
}
