/**
 * The structure of an MCUboot image (MCUboot v2.4, docs/design.md "Image format"): a 32-byte header, the payload, and two
 * areas of TLVs, the first of which the image hash protects. Little endian.
 *
 * Every size is checked against the end of the image. Nothing here is verified.
 */
import { ByteReader } from '../../bytes/index.ts';
import { ImageError } from '../errors.ts';
import { hasPrefix, readerOf, regionOf } from '../region.ts';
import {
  ENCRYPTED_KEY_TLVS,
  FLAG_ENCRYPTED_AES128,
  FLAG_ENCRYPTED_AES256,
  HASH_TLVS,
  HEADER_SIZE_BYTES,
  IMAGE_MAGIC,
  type McubootHash,
  type McubootVersion,
  SIGNATURE_TLVS,
  TLV,
  TLV_HEAD_SIZE_BYTES,
  TLV_MAGIC,
  TLV_NAMES,
  TLV_PROTECTED_MAGIC,
  UNPROTECTED_TLVS,
} from './layout.ts';

export type McubootTlv = {
  readonly type: number;
  readonly name: string;
  readonly isProtected: boolean;
  readonly value: Uint8Array;
};

type McubootHeader = {
  readonly loadAddress: number;
  readonly headerSize: number;
  readonly protectedSize: number;
  readonly payloadSize: number;
  readonly flags: number;
  readonly version: McubootVersion;
};

/** An image whose structure is sound; of its content nothing is known. */
export type McubootImage = {
  readonly header: McubootHeader;
  readonly tlvs: readonly McubootTlv[];
  /** The signed region, as it stands in the file: header, payload, protected TLVs. */
  readonly region: Uint8Array;
  /** What stands behind the last TLV. */
  readonly rest: Uint8Array;
  /** The image hash; absent only beside a pure signature. */
  readonly hash?: { readonly name: McubootHash; readonly value: Uint8Array };
  readonly isPure: boolean;
  readonly signature?: McubootTlv;
  readonly encryptedKey?: McubootTlv;
  /** Size of the key that encrypts the payload; 0 for a plain image. */
  readonly aesKeySizeBytes: 0 | 16 | 32;
};

export function isMcuboot(bytes: Uint8Array): boolean {
  return hasPrefix(bytes, IMAGE_MAGIC);
}

export function malformed(expected: string, offset: number, actual?: number): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'mcuboot', expected, offset, actual });
}

export function readVersion(reader: ByteReader): McubootVersion {
  return { major: reader.u8(), minor: reader.u8(), revision: reader.u16le(), build: reader.u32le() };
}

function parseHeader(bytes: Uint8Array): McubootHeader {
  const reader = readerOf(bytes, 0, HEADER_SIZE_BYTES, 'header');
  if (!isMcuboot(bytes)) throw malformed('the magic of MCUboot', 0);
  reader.bytes(IMAGE_MAGIC.length);
  const loadAddress = reader.u32le();
  const headerSize = reader.u16le();
  const protectedSize = reader.u16le();
  const payloadSize = reader.u32le();
  const flags = reader.u32le();
  const version = readVersion(reader);
  // The header may be padded to the alignment of the vector table, never shortened.
  if (headerSize < HEADER_SIZE_BYTES) throw malformed('a header of at least 32 bytes', 8, headerSize);
  return { loadAddress, headerSize, protectedSize, payloadSize, flags, version };
}

function nameOf(type: number): string {
  return TLV_NAMES.get(type) ?? `0x${type.toString(16).padStart(4, '0')}`;
}

/** One TLV area; its total counts the 4 bytes of its own head. */
function parseArea(bytes: Uint8Array, offset: number, magic: number): { tlvs: McubootTlv[]; sizeBytes: number } {
  const info = readerOf(bytes, offset, TLV_HEAD_SIZE_BYTES, 'TLV area');
  const found = info.u16le();
  if (found !== magic) throw malformed(`the magic 0x${magic.toString(16)} of a TLV area`, offset, found);
  const sizeBytes = info.u16le();
  if (sizeBytes < TLV_HEAD_SIZE_BYTES) throw malformed('the size of a TLV area', offset + 2, sizeBytes);
  const area = regionOf(bytes, offset, sizeBytes, 'TLV area');
  const reader = new ByteReader(area, TLV_HEAD_SIZE_BYTES);
  const tlvs: McubootTlv[] = [];
  while (reader.remaining > 0) {
    const at = offset + reader.offset;
    if (reader.remaining < TLV_HEAD_SIZE_BYTES) throw malformed('a TLV that ends in its area', at, reader.remaining);
    const type = reader.u16le();
    const length = reader.u16le();
    if (length > reader.remaining) throw malformed('a TLV that ends in its area', at, length);
    tlvs.push({ type, name: nameOf(type), isProtected: magic === TLV_PROTECTED_MAGIC, value: reader.bytes(length) });
  }
  return { tlvs, sizeBytes };
}

function refuseRepeated(tlvs: readonly McubootTlv[]): void {
  const seen = new Set<number>();
  for (const { type } of tlvs) {
    // The one type that may stand more than once: an image can depend on several others.
    if (seen.has(type) && type !== TLV.dependency) throw malformed('each TLV once', 0, type);
    seen.add(type);
  }
}

/** The bootloader reads both areas as one list; a signature under the hash could only be there to be taken for another. */
function refuseUnprotectedIn(protectedTlvs: readonly McubootTlv[]): void {
  const found = protectedTlvs.find(({ type }) => UNPROTECTED_TLVS.has(type));
  if (found !== undefined) throw malformed(`${found.name} outside the protected area`, 0, found.type);
}

function isSignaturePure(tlvs: readonly McubootTlv[]): boolean {
  const tlv = tlvs.find(({ type }) => type === TLV.signaturePure);
  if (tlv === undefined) return false;
  if (tlv.value.length !== 1 || tlv.value[0] !== 1) throw malformed('the value 1 of signature-pure', 0);
  return true;
}

function atMostOne(tlvs: readonly McubootTlv[], types: Pick<ReadonlySet<number>, 'has'>, what: string) {
  const found = tlvs.filter(({ type }) => types.has(type));
  if (found.length > 1) throw malformed(`at most one ${what}`, 0, found.length);
  return found[0];
}

function findHash(tlvs: readonly McubootTlv[], isPure: boolean): McubootImage['hash'] {
  const tlv = atMostOne(tlvs, HASH_TLVS, 'image hash');
  const name = HASH_TLVS.get(tlv?.type ?? 0);
  if (tlv !== undefined && name !== undefined) return { name, value: tlv.value };
  if (!isPure) throw malformed('one image hash', 0, 0);
  return undefined;
}

/** MCUboot docs/encrypted_images.md: an encrypted image carries its key, wrapped for the device. */
function findEncryption({ flags }: McubootHeader, tlvs: readonly McubootTlv[]) {
  const encryptedKey = atMostOne(tlvs, ENCRYPTED_KEY_TLVS, 'wrapped key');
  const isAes128 = (flags & FLAG_ENCRYPTED_AES128) !== 0;
  const isAes256 = (flags & FLAG_ENCRYPTED_AES256) !== 0;
  if (isAes128 && isAes256) throw malformed('one size of the image key', 16, flags);
  if ((isAes128 || isAes256) !== (encryptedKey !== undefined)) {
    throw malformed('the flag of an encrypted image and its wrapped key together', 16, flags);
  }
  return { encryptedKey, aesKeySizeBytes: isAes256 ? 32 : isAes128 ? 16 : 0 } as const;
}

/** @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED */
export function parseMcuboot(bytes: Uint8Array): McubootImage {
  const header = parseHeader(bytes);
  regionOf(bytes, header.headerSize, header.payloadSize, 'payload');
  const payloadEnd = header.headerSize + header.payloadSize;
  const protectedTlvs: McubootTlv[] = [];
  if (header.protectedSize > 0) {
    const area = parseArea(bytes, payloadEnd, TLV_PROTECTED_MAGIC);
    // Header and area must agree, or the hash would cover something else than what is read.
    if (area.sizeBytes !== header.protectedSize) {
      throw malformed('the protected size of the header', payloadEnd + 2, area.sizeBytes);
    }
    protectedTlvs.push(...area.tlvs);
  }
  const regionEnd = payloadEnd + header.protectedSize;
  const area = parseArea(bytes, regionEnd, TLV_MAGIC);
  const tlvs = [...protectedTlvs, ...area.tlvs];
  refuseRepeated(tlvs);
  refuseUnprotectedIn(protectedTlvs);
  const isPure = isSignaturePure(area.tlvs);
  const hash = findHash(area.tlvs, isPure);
  const signature = atMostOne(area.tlvs, SIGNATURE_TLVS, 'signature');
  const { encryptedKey, aesKeySizeBytes } = findEncryption(header, area.tlvs);
  return {
    header,
    tlvs,
    region: bytes.subarray(0, regionEnd),
    rest: bytes.subarray(regionEnd + area.sizeBytes),
    ...(hash === undefined ? {} : { hash }),
    isPure,
    ...(signature === undefined ? {} : { signature }),
    ...(encryptedKey === undefined ? {} : { encryptedKey }),
    aesKeySizeBytes,
  };
}
