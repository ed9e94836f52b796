/**
 * Motorola S-records (SREC, srec(5) of SRecord; M68000 Family Programmer's Reference Manual, appendix C): lines
 * `S<type><count><address><data><checksum>`. Every checksum is checked and data may not overlap. The end must show: a count of
 * the records, which must fit, or a termination record; srec_cat writes the latter only when there is a start address.
 */
import { ByteReader, fromHex } from '../bytes/index.ts';
import { ImageError } from './errors.ts';
import { type MemorySegment, mergeSegments, totalSize } from './memory-segment.ts';
import { linesOf } from './text-lines.ts';

/** What an S-record file holds. */
export type SrecDescription = {
  readonly format: 'srec';
  readonly sizeBytes: number;
  readonly dataSizeBytes: number;
  /** In rising order; neighbours that touch are one. */
  readonly segments: readonly MemorySegment[];
  /** Where execution starts; many tools write 0 when they know of none. */
  readonly startAddress?: number;
  /** Text of the header record, if it has one that is printable. */
  readonly header?: string;
};

type SRecord = { readonly type: number; readonly address: number; readonly data: Uint8Array };

const CHECKSUM_SIZE_BYTES = 1;
/** Bytes of the address, or of the count in S5 and S6, by record type. S4 is reserved. */
const ADDRESS_SIZES: readonly (number | undefined)[] = [2, 2, 3, 4, undefined, 2, 3, 4, 3, 2];

function malformed(expected: string, line: number): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'srec', expected, line });
}

function parseRecord(text: string, line: number): SRecord {
  const [, digit = '', hex = ''] = /^S(\d)((?:[0-9A-Fa-f]{2}){4,256})$/.exec(text) ?? [];
  const type = Number(digit);
  const addressSize = digit === '' ? undefined : ADDRESS_SIZES[type];
  if (addressSize === undefined) throw malformed('a record of hexadecimal digits, type S0 to S9 but not S4', line);
  const bytes = fromHex(hex.toLowerCase());
  const reader = new ByteReader(bytes);
  const count = reader.u8();
  const dataSize = count - addressSize - CHECKSUM_SIZE_BYTES;
  if (count !== reader.remaining || dataSize < 0) throw malformed(`a record of ${count} bytes`, line);
  // The checksum is the one's complement of the sum of all bytes before it.
  if (bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0) !== 0xff) {
    throw new ImageError('IMAGE_CHECKSUM_MISMATCH', { format: 'srec', line });
  }
  const address = reader.bytes(addressSize).reduce((value, byte) => value * 256 + byte, 0);
  return { type, address, data: reader.bytes(dataSize) };
}

/** Collects records line by line. */
class Collector {
  readonly #segments: MemorySegment[] = [];
  #records = 0;
  #isCounted = false;
  #header: Uint8Array | undefined;
  #startAddress: number | undefined;

  take({ type, address, data }: SRecord, line: number): void {
    if (this.#startAddress !== undefined) throw malformed('nothing after the termination record', line);
    if (type === 0) {
      if (line !== 1) throw malformed('a header record in the first line only', line);
      this.#header = data;
      return;
    }
    if (type <= 3) {
      if (this.#isCounted) throw malformed('no data after the count of the records', line);
      this.#records += 1;
      this.#takeData(address, data, line, type + 1);
      return;
    }
    if (data.length > 0) throw malformed(`no data in a record of type S${type}`, line);
    if (type >= 7) {
      this.#startAddress = address;
      return;
    }
    if (address !== this.#records) throw malformed(`a count of ${this.#records} data records`, line);
    this.#isCounted = true;
  }

  #takeData(address: number, data: Uint8Array, line: number, addressSize: number): void {
    if (address + data.length > 256 ** addressSize) throw malformed('data that does not wrap around', line);
    const last = this.#segments.at(-1);
    if (last !== undefined && last.address + last.sizeBytes === address) {
      this.#segments[this.#segments.length - 1] = { address: last.address, sizeBytes: last.sizeBytes + data.length };
    } else {
      this.#segments.push({ address, sizeBytes: data.length });
    }
  }

  finish(lines: number) {
    const startAddress = this.#startAddress;
    if (startAddress === undefined && !this.#isCounted) {
      throw new ImageError('IMAGE_TRUNCATED', { what: 'count or termination record', line: lines });
    }
    const segments = mergeSegments('srec', this.#segments);
    return { segments, startAddress, header: this.#header ?? new Uint8Array() };
  }
}

/** A header, or a first record of data, with its count. */
export function isSrec(bytes: Uint8Array): boolean {
  return /^S[0-3][0-9A-Fa-f]{8}/.test(Buffer.from(bytes.subarray(0, 10)).toString('latin1'));
}

/**
 * Describes an S-record file and checks every record.
 * @throws ImageError IMAGE_MALFORMED, IMAGE_CHECKSUM_MISMATCH, IMAGE_TRUNCATED
 */
export function describeSrec(bytes: Uint8Array): SrecDescription {
  const collector = new Collector();
  let line = 0;
  for (const text of linesOf(bytes)) {
    line += 1;
    collector.take(parseRecord(text, line), line);
  }
  const { segments, startAddress, header } = collector.finish(line);
  const text = Buffer.from(header).toString('latin1').replace(/\0+$/, '');
  return {
    format: 'srec',
    sizeBytes: bytes.length,
    dataSizeBytes: totalSize(segments),
    segments,
    ...(startAddress === undefined ? {} : { startAddress }),
    ...(/^[\x20-\x7e]+$/.test(text) ? { header: text } : {}),
  };
}
