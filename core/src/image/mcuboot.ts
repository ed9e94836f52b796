/**
 * MCUboot images (MCUboot v2.4, docs/design.md "Image format"; bootutil/image.h): a 32-byte header, the payload, and two
 * areas of TLVs, the first of which the hash protects. Little endian.
 *
 * Every size is checked against the end of the image. The image hash is recomputed, except over an encrypted payload, whose
 * hash is that of the plaintext. Signatures are described, not verified: the key is the device's.
 */
import { createHash } from 'node:crypto';
import { ByteReader, isEqualBytes } from '../bytes/index.ts';
import { ImageError } from './errors.ts';
import { hasPrefix, readerOf, regionOf } from './region.ts';

const MAGIC = Uint8Array.of(0x3d, 0xb8, 0xf3, 0x96);
const HEADER_SIZE_BYTES = 32;
const TLV_INFO_SIZE_BYTES = 4;
const TLV_MAGIC = 0x6907;
const TLV_PROTECTED_MAGIC = 0x6908;
const TLV_SECURITY_COUNTER = 0x50;

const FLAGS: readonly (readonly [bit: number, name: string])[] = [
  [0x04, 'encrypted-aes128'],
  [0x08, 'encrypted-aes256'],
  [0x10, 'non-bootable'],
  [0x20, 'ram-load'],
  [0x100, 'rom-fixed'],
  [0x200, 'compressed-lzma1'],
  [0x400, 'compressed-lzma2'],
  [0x800, 'compressed-arm-thumb'],
];
const ENCRYPTED = 0x04 | 0x08;

const TLV_NAMES: ReadonlyMap<number, string> = new Map([
  [0x01, 'key-hash'],
  [0x02, 'public-key'],
  [0x10, 'sha256'],
  [0x11, 'sha384'],
  [0x12, 'sha512'],
  [0x20, 'rsa2048-pss'],
  [0x22, 'ecdsa'],
  [0x23, 'rsa3072-pss'],
  [0x24, 'ed25519'],
  [0x25, 'signature-pure'],
  [0x30, 'encrypted-key-rsa2048'],
  [0x31, 'encrypted-key-aes-kw'],
  [0x32, 'encrypted-key-ec256'],
  [0x33, 'encrypted-key-x25519'],
  [0x34, 'encrypted-key-x25519-sha512'],
  [0x40, 'dependency'],
  [TLV_SECURITY_COUNTER, 'security-counter'],
  [0x60, 'boot-record'],
  [0x70, 'decompressed-size'],
  [0x71, 'decompressed-hash'],
  [0x72, 'decompressed-signature'],
  [0x73, 'compressed-decrypted-size'],
  [0x74, 'vendor-id'],
  [0x75, 'class-id'],
]);

const HASHES = ['sha256', 'sha384', 'sha512'] as const;
const SIGNATURES = ['rsa2048-pss', 'rsa3072-pss', 'ecdsa', 'ed25519'];
/** The one type that may stand more than once: an image can depend on several others. */
const REPEATABLE = new Set(['dependency']);

type Tlv = { readonly type: number; readonly name: string; readonly isProtected: boolean; readonly value: Uint8Array };

/** What an MCUboot image says about itself. */
export type McubootDescription = {
  readonly format: 'mcuboot';
  readonly sizeBytes: number;
  /** `major.minor.revision+build` */
  readonly version: string;
  readonly payloadSizeBytes: number;
  readonly loadAddress: number;
  readonly flags: readonly string[];
  readonly tlvs: readonly { readonly name: string; readonly sizeBytes: number; readonly isProtected: boolean }[];
  readonly securityCounter?: number;
  readonly hash: (typeof HASHES)[number];
  /** False for an encrypted payload: its hash is over the plaintext. */
  readonly isHashChecked: boolean;
  /** Names of the signature TLVs; empty for an unsigned image. */
  readonly signatures: readonly string[];
  /** Bytes behind the image, such as the padding of a slot and its trailer. */
  readonly trailingSizeBytes: number;
};

export function isMcuboot(bytes: Uint8Array): boolean {
  return hasPrefix(bytes, MAGIC);
}

function malformed(expected: string, offset: number, actual?: number): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'mcuboot', expected, offset, actual });
}

function parseHeader(bytes: Uint8Array) {
  const reader = readerOf(bytes, 0, HEADER_SIZE_BYTES, 'header');
  if (!isMcuboot(bytes)) throw malformed('the magic of MCUboot', 0);
  reader.bytes(MAGIC.length);
  const loadAddress = reader.u32le();
  const headerSize = reader.u16le();
  const protectedSize = reader.u16le();
  const payloadSize = reader.u32le();
  const flags = reader.u32le();
  const version = `${reader.u8()}.${reader.u8()}.${reader.u16le()}+${reader.u32le()}`;
  // The header may be padded to the alignment of the vector table, never shortened.
  if (headerSize < HEADER_SIZE_BYTES) throw malformed('a header of at least 32 bytes', 8, headerSize);
  return { loadAddress, headerSize, protectedSize, payloadSize, flags, version };
}

function nameOf(type: number): string {
  return TLV_NAMES.get(type) ?? `0x${type.toString(16).padStart(4, '0')}`;
}

/** One TLV area; its total counts the 4 bytes of its own head. */
function parseArea(bytes: Uint8Array, offset: number, magic: number): { tlvs: Tlv[]; sizeBytes: number } {
  const info = readerOf(bytes, offset, TLV_INFO_SIZE_BYTES, 'TLV area');
  const found = info.u16le();
  if (found !== magic) throw malformed(`the magic 0x${magic.toString(16)} of a TLV area`, offset, found);
  const sizeBytes = info.u16le();
  if (sizeBytes < TLV_INFO_SIZE_BYTES) throw malformed('the size of a TLV area', offset + 2, sizeBytes);
  const area = regionOf(bytes, offset, sizeBytes, 'TLV area');
  const reader = new ByteReader(area, TLV_INFO_SIZE_BYTES);
  const tlvs: Tlv[] = [];
  while (reader.remaining > 0) {
    const at = offset + reader.offset;
    if (reader.remaining < TLV_INFO_SIZE_BYTES) throw malformed('a TLV that ends in its area', at, reader.remaining);
    const type = reader.u16le();
    const length = reader.u16le();
    if (length > reader.remaining) throw malformed('a TLV that ends in its area', at, length);
    tlvs.push({ type, name: nameOf(type), isProtected: magic === TLV_PROTECTED_MAGIC, value: reader.bytes(length) });
  }
  return { tlvs, sizeBytes };
}

function refuseRepeated(tlvs: readonly Tlv[]): void {
  const seen = new Set<number>();
  for (const { type, name } of tlvs) {
    if (seen.has(type) && !REPEATABLE.has(name)) throw malformed('each TLV once', 0, type);
    seen.add(type);
  }
}

function securityCounterOf(tlvs: readonly Tlv[]): number | undefined {
  const tlv = tlvs.find(({ type }) => type === TLV_SECURITY_COUNTER);
  if (tlv === undefined) return undefined;
  // A counter outside the protected area could be raised or lowered by anyone.
  if (!tlv.isProtected || tlv.value.length !== 4) throw malformed('a protected security counter of 4 bytes', 0);
  return new ByteReader(tlv.value).u32le();
}

function findHash(tlvs: readonly Tlv[]): { hash: (typeof HASHES)[number]; value: Uint8Array } {
  const found = HASHES.flatMap((hash) =>
    tlvs.filter(({ name }) => name === hash).map(({ value }) => ({ hash, value })),
  );
  const [first] = found;
  if (first === undefined || found.length > 1) throw malformed('one image hash', 0, found.length);
  return first;
}

/** MCUboot encrypted_images.md: an encrypted image carries its key, wrapped for the device. */
function isEncrypted(flags: number, tlvs: readonly Tlv[]): boolean {
  const hasKey = tlvs.some(({ name }) => name.startsWith('encrypted-key-'));
  const hasFlag = (flags & ENCRYPTED) !== 0;
  if (hasFlag && !hasKey) throw malformed('the wrapped key of an encrypted image', 16);
  return hasFlag;
}

/**
 * Describes an MCUboot image and checks its structure and hash.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED, IMAGE_DIGEST_MISMATCH
 */
export function describeMcuboot(bytes: Uint8Array): McubootDescription {
  const header = parseHeader(bytes);
  regionOf(bytes, header.headerSize, header.payloadSize, 'payload');
  const payloadEnd = header.headerSize + header.payloadSize;
  const protectedTlvs: Tlv[] = [];
  if (header.protectedSize > 0) {
    const area = parseArea(bytes, payloadEnd, TLV_PROTECTED_MAGIC);
    // Header and area must agree, or the hash would cover something else than what is read.
    if (area.sizeBytes !== header.protectedSize) {
      throw malformed('the protected size of the header', payloadEnd + 2, area.sizeBytes);
    }
    protectedTlvs.push(...area.tlvs);
  }
  const hashedEnd = payloadEnd + header.protectedSize;
  const area = parseArea(bytes, hashedEnd, TLV_MAGIC);
  const tlvs = [...protectedTlvs, ...area.tlvs];
  refuseRepeated(tlvs);
  const { hash, value } = findHash(area.tlvs);
  const isHashChecked = !isEncrypted(header.flags, area.tlvs);
  if (isHashChecked && !isEqualBytes(createHash(hash).update(bytes.subarray(0, hashedEnd)).digest(), value)) {
    throw new ImageError('IMAGE_DIGEST_MISMATCH', { format: 'mcuboot', algorithm: hash });
  }
  const securityCounter = securityCounterOf(tlvs);
  return {
    format: 'mcuboot',
    sizeBytes: bytes.length,
    version: header.version,
    payloadSizeBytes: header.payloadSize,
    loadAddress: header.loadAddress,
    flags: FLAGS.flatMap(([bit, name]) => ((header.flags & bit) === 0 ? [] : [name])),
    tlvs: tlvs.map(({ name, value: { length }, isProtected }) => ({ name, sizeBytes: length, isProtected })),
    ...(securityCounter === undefined ? {} : { securityCounter }),
    hash,
    isHashChecked,
    signatures: area.tlvs.flatMap(({ name }) => (SIGNATURES.includes(name) ? [name] : [])),
    trailingSizeBytes: bytes.length - hashedEnd - area.sizeBytes,
  };
}
