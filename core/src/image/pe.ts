/**
 * PE/COFF files (Microsoft PE Format; UEFI 2.10 §2.1.1) as firmware boots them: headers, sections and the place of the
 * certificate table. Every size is checked against the end of the file; sections must not overlap, neither in the file nor
 * in memory, because what is signed and what is started would then be two readings of the same bytes.
 */
import { ByteReader } from '../bytes/index.ts';
import { ImageError } from './errors.ts';
import { readerOf, regionOf } from './region.ts';

const DOS_HEADER_SIZE_BYTES = 64;
const COFF_HEADER_SIZE_BYTES = 24;
const SECTION_HEADER_SIZE_BYTES = 40;
const SECTIONS_MAX = 512;
const DIRECTORIES_MAX = 16;
const SECURITY_DIRECTORY = 4;
const PE_SIGNATURE = 0x0000_4550;
/** Where the fields of the optional header stand: its form for 32 and for 64 bits. */
const FORMS: ReadonlyMap<number, { readonly countAt: number }> = new Map([
  [0x010b, { countAt: 92 }],
  [0x020b, { countAt: 108 }],
]);

export type PeSection = {
  readonly name: string;
  readonly virtualAddress: number;
  readonly virtualSizeBytes: number;
  readonly offset: number;
  readonly sizeBytes: number;
};

type Range = { readonly offset: number; readonly sizeBytes: number };

export type PeFile = {
  readonly bytes: Uint8Array;
  readonly machine: number;
  readonly characteristics: number;
  readonly dllCharacteristics: number;
  readonly subsystem: number;
  readonly headersSizeBytes: number;
  /** Where the checksum of 4 bytes stands. */
  readonly checksumAt: number;
  /** Where the entry of the certificate table stands, 8 bytes; absent when the header is too short to have it. */
  readonly securityAt?: number;
  /** The certificate table; absent from an unsigned file. */
  readonly certificates?: Range;
  /** Sections that have bytes in the file or in memory, in the order of the header. */
  readonly sections: readonly PeSection[];
};

function malformed(expected: string, offset: number, actual?: number): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'efi', expected, offset, actual });
}

function headerAt(bytes: Uint8Array): number {
  const dos = readerOf(bytes, 0, DOS_HEADER_SIZE_BYTES, 'DOS header');
  if (dos.u16le() !== 0x5a4d) throw malformed('the magic MZ', 0);
  return new ByteReader(bytes, 0x3c).u32le();
}

function parseSection(reader: ByteReader): PeSection {
  const raw = reader.bytes(8);
  const name = Buffer.from(raw.subarray(0, raw.indexOf(0) < 0 ? 8 : raw.indexOf(0))).toString('latin1');
  const virtualSizeBytes = reader.u32le();
  const virtualAddress = reader.u32le();
  const sizeBytes = reader.u32le();
  const offset = reader.u32le();
  reader.bytes(16);
  return { name, virtualAddress, virtualSizeBytes, offset, sizeBytes };
}

function refuseOverlaps(ranges: readonly Range[], what: string): void {
  const sorted = ranges.filter(({ sizeBytes }) => sizeBytes > 0).toSorted((a, b) => a.offset - b.offset);
  for (const [index, { offset, sizeBytes }] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next !== undefined && next.offset < offset + sizeBytes) throw malformed(what, next.offset);
  }
}

function parseSections(bytes: Uint8Array, at: number, count: number, headersSizeBytes: number): PeSection[] {
  if (count > SECTIONS_MAX) throw malformed(`at most ${SECTIONS_MAX} sections`, at, count);
  const reader = readerOf(bytes, at, count * SECTION_HEADER_SIZE_BYTES, 'section table');
  const sections = Array.from({ length: count }, () => parseSection(reader));
  if (at + count * SECTION_HEADER_SIZE_BYTES > headersSizeBytes)
    throw malformed('the section table in the headers', at);
  for (const { offset, sizeBytes } of sections) {
    if (sizeBytes === 0) continue;
    if (offset < headersSizeBytes) throw malformed('sections behind the headers', offset);
    regionOf(bytes, offset, sizeBytes, 'section');
  }
  refuseOverlaps(sections, 'sections that do not overlap in the file');
  refuseOverlaps(
    sections.map(({ virtualAddress, virtualSizeBytes }) => ({ offset: virtualAddress, sizeBytes: virtualSizeBytes })),
    'sections that do not overlap in memory',
  );
  return sections;
}

/** PE Format, "The Attribute Certificate Table": the one directory entry that holds an offset in the file. */
function parseCertificates(
  bytes: Uint8Array,
  at: number,
  headersSizeBytes: number,
  sections: readonly PeSection[],
): Range | undefined {
  const reader = new ByteReader(bytes, at);
  const [offset, sizeBytes] = [reader.u32le(), reader.u32le()];
  if (offset === 0 && sizeBytes === 0) return undefined;
  regionOf(bytes, offset, sizeBytes, 'certificate table');
  if (offset % 8 !== 0) throw malformed('a certificate table at a multiple of 8', at, offset);
  const ends = sections.map((each) => (each.sizeBytes === 0 ? 0 : each.offset + each.sizeBytes));
  if (offset < Math.max(headersSizeBytes, ...ends)) {
    throw malformed('the certificate table behind headers and sections', at, offset);
  }
  return { offset, sizeBytes };
}

function parseOptional(bytes: Uint8Array, at: number, sizeBytes: number) {
  const header = regionOf(bytes, at, sizeBytes, 'optional header');
  const reader = (offset: number): ByteReader => readerOf(header, offset, 4, 'optional header');
  const magic = reader(0).u16le();
  const form = FORMS.get(magic);
  if (form === undefined) throw malformed('an optional header of PE32 or PE32+', at, magic);
  const count = reader(form.countAt).u32le();
  const directoriesAt = form.countAt + 4;
  if (count > DIRECTORIES_MAX) throw malformed(`at most ${DIRECTORIES_MAX} data directories`, at + form.countAt, count);
  regionOf(header, directoriesAt, count * 8, 'data directories');
  return {
    headersSizeBytes: reader(60).u32le(),
    checksumAt: at + 64,
    subsystem: reader(68).u16le(),
    dllCharacteristics: reader(70).u16le(),
    ...(count > SECURITY_DIRECTORY ? { securityAt: at + directoriesAt + SECURITY_DIRECTORY * 8 } : {}),
  };
}

/**
 * Reads the headers of a PE/COFF file.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED
 */
export function parsePe(bytes: Uint8Array): PeFile {
  const at = headerAt(bytes);
  const coff = readerOf(bytes, at, COFF_HEADER_SIZE_BYTES, 'COFF header');
  if (coff.u32le() !== PE_SIGNATURE) throw malformed('the signature of PE', at);
  const machine = coff.u16le();
  const sectionCount = coff.u16le();
  coff.bytes(12);
  const optionalSize = coff.u16le();
  const characteristics = coff.u16le();
  const optionalAt = at + COFF_HEADER_SIZE_BYTES;
  const optional = parseOptional(bytes, optionalAt, optionalSize);
  const { headersSizeBytes, securityAt } = optional;
  regionOf(bytes, 0, headersSizeBytes, 'headers');
  const sections = parseSections(bytes, optionalAt + optionalSize, sectionCount, headersSizeBytes);
  const certificates =
    securityAt === undefined ? undefined : parseCertificates(bytes, securityAt, headersSizeBytes, sections);
  return {
    bytes,
    machine,
    characteristics,
    ...optional,
    ...(certificates === undefined ? {} : { certificates }),
    sections,
  };
}

/** The bytes of a section as they stand in memory, without the padding of the file. */
export function sectionContent({ bytes }: PeFile, { offset, sizeBytes, virtualSizeBytes }: PeSection): Uint8Array {
  return bytes.subarray(offset, offset + (virtualSizeBytes === 0 ? sizeBytes : Math.min(sizeBytes, virtualSizeBytes)));
}
