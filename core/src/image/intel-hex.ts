/**
 * Intel HEX (Hexadecimal Object File Format Specification, revision A, 1988): lines `:LLAAAATT<data>CC`, record types 00 to
 * 05. Every line's checksum is checked, the end-of-file record must be the last line, and data may not overlap.
 * Addresses are 32-bit; within 16-bit segments the offset wraps, as the specification says, which is refused here.
 */
import { ByteReader, fromHex } from '../bytes/index.ts';
import { ImageError } from './errors.ts';
import { type MemorySegment, mergeSegments, totalSize } from './memory-segment.ts';
import { linesOf } from './text-lines.ts';

const RECORD_OVERHEAD_BYTES = 5;
const ADDRESS_END = 0x1_0000_0000;

/** What an Intel HEX file holds. */
export type IntelHexDescription = {
  readonly format: 'intel-hex';
  readonly sizeBytes: number;
  readonly dataSizeBytes: number;
  /** In rising order; neighbours that touch are one. */
  readonly segments: readonly MemorySegment[];
  /** Start address, from a record of type 05 (linear) or 03 (CS:IP). */
  readonly startAddress?: number;
};

function malformed(expected: string, line: number): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'intel-hex', expected, line });
}

type HexRecord = { readonly type: number; readonly offset: number; readonly data: Uint8Array };

function parseRecord(text: string, line: number): HexRecord {
  if (!/^:(?:[0-9A-Fa-f]{2}){5,260}$/.test(text)) throw malformed('a record of hexadecimal digits', line);
  const bytes = fromHex(text.slice(1).toLowerCase());
  const reader = new ByteReader(bytes);
  const length = reader.u8();
  if (bytes.length !== length + RECORD_OVERHEAD_BYTES) throw malformed(`a record of ${length} data bytes`, line);
  // The sum of all bytes of a record, its checksum included, is 0 modulo 256.
  if (bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0) !== 0) {
    throw new ImageError('IMAGE_CHECKSUM_MISMATCH', { format: 'intel-hex', line });
  }
  const offset = reader.u16be();
  return { type: reader.u8(), offset, data: reader.bytes(length) };
}

/** Collects records line by line. */
class Collector {
  readonly #segments: MemorySegment[] = [];
  #base = 0;
  #isEnded = false;
  #startAddress: number | undefined;

  take(record: HexRecord, line: number): void {
    if (this.#isEnded) throw malformed('nothing after the end-of-file record', line);
    switch (record.type) {
      case 0:
        return this.#takeData(record, line);
      case 1:
        this.#expectSize(record, 0, line);
        this.#isEnded = true;
        return;
      case 2:
        this.#expectSize(record, 2, line);
        this.#base = new ByteReader(record.data).u16be() * 16;
        return;
      case 3: {
        this.#expectSize(record, 4, line);
        const reader = new ByteReader(record.data);
        this.#setStart(reader.u16be() * 16 + reader.u16be(), line);
        return;
      }
      case 4:
        this.#expectSize(record, 2, line);
        this.#base = new ByteReader(record.data).u16be() * 0x1_0000;
        return;
      case 5:
        this.#expectSize(record, 4, line);
        this.#setStart(new ByteReader(record.data).u32be(), line);
        return;
      default:
        throw malformed('a record type from 00 to 05', line);
    }
  }

  #expectSize(record: HexRecord, sizeBytes: number, line: number): void {
    if (record.data.length !== sizeBytes || record.offset !== 0) {
      throw malformed(`${sizeBytes} data bytes at offset 0 for type 0${record.type}`, line);
    }
  }

  #setStart(address: number, line: number): void {
    if (this.#startAddress !== undefined) throw malformed('one start address', line);
    this.#startAddress = address;
  }

  #takeData({ offset, data }: HexRecord, line: number): void {
    if (offset + data.length > 0x1_0000 || this.#base + offset + data.length > ADDRESS_END) {
      throw malformed('data that does not wrap around its segment', line);
    }
    const address = this.#base + offset;
    const last = this.#segments.at(-1);
    if (last !== undefined && last.address + last.sizeBytes === address) {
      this.#segments[this.#segments.length - 1] = { address: last.address, sizeBytes: last.sizeBytes + data.length };
    } else if (data.length > 0) {
      this.#segments.push({ address, sizeBytes: data.length });
    }
  }

  finish(lines: number): { segments: MemorySegment[]; startAddress: number | undefined } {
    if (!this.#isEnded) throw new ImageError('IMAGE_TRUNCATED', { what: 'end-of-file record', line: lines });
    return { segments: mergeSegments('intel-hex', this.#segments), startAddress: this.#startAddress };
  }
}

/** A colon and the hexadecimal digits of a first record. */
export function isIntelHex(bytes: Uint8Array): boolean {
  return /^:[0-9A-Fa-f]{10}/.test(Buffer.from(bytes.subarray(0, 11)).toString('latin1'));
}

/**
 * Describes an Intel HEX file and checks every record.
 * @throws ImageError IMAGE_MALFORMED, IMAGE_CHECKSUM_MISMATCH, IMAGE_TRUNCATED
 */
export function describeIntelHex(bytes: Uint8Array): IntelHexDescription {
  const collector = new Collector();
  let line = 0;
  for (const text of linesOf(bytes)) {
    line += 1;
    collector.take(parseRecord(text, line), line);
  }
  const { segments, startAddress } = collector.finish(line);
  return {
    format: 'intel-hex',
    sizeBytes: bytes.length,
    dataSizeBytes: totalSize(segments),
    segments,
    ...(startAddress === undefined ? {} : { startAddress }),
  };
}
