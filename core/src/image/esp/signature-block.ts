/**
 * Signature blocks of Secure Boot v2 (ESP-IDF v5, secure_boot.h `ets_secure_boot_sig_block_t`; espsecure): up to three, in
 * the 4 KiB sector behind the image, which is filled up to a sector. Each holds the digest of everything before the sector,
 * the public key as the chip wants it, the signature and a CRC. Numbers are little endian.
 */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { ByteReader, isEqualBytes } from '../../bytes/index.ts';
import { ImageError } from '../errors.ts';
import { malformed } from './parse.ts';

const SECTOR_SIZE_BYTES = 4096;
const BLOCK_SIZE_BYTES = 1216;
const BLOCKS_MAX = 3;
const MAGIC = 0xe7;
const CRC_OFFSET = 1196;
const ERASED = 0xff;

export type SignatureScheme = 'rsa3072-pss' | 'ecdsa-p192' | 'ecdsa-p256' | 'ecdsa-p384';

/** Where the parts of a block lie, by scheme: version, hash and curve stand in the block, key and signature follow. */
type Row = {
  readonly scheme: SignatureScheme;
  readonly version: number;
  readonly digest: 'sha256' | 'sha384';
  readonly digestSizeBytes: number;
  /** The curve; undefined for RSA. */
  readonly curve: number | undefined;
  /** Of the key, with the number of its curve. */
  readonly keySizeBytes: number;
  readonly signatureSizeBytes: number;
};

const ROWS: readonly Row[] = [
  {
    scheme: 'rsa3072-pss',
    version: 2,
    digest: 'sha256',
    digestSizeBytes: 32,
    curve: undefined,
    keySizeBytes: 384 + 4 + 384 + 4,
    signatureSizeBytes: 384,
  },
  ...(
    [
      ['ecdsa-p192', 1, 'sha256', 32, 64],
      ['ecdsa-p256', 2, 'sha256', 32, 64],
      ['ecdsa-p384', 3, 'sha384', 48, 96],
    ] as const
  ).map(([scheme, curve, digest, digestSizeBytes, fieldSizeBytes]) => ({
    scheme,
    version: 3,
    digest,
    digestSizeBytes,
    curve,
    keySizeBytes: 1 + fieldSizeBytes,
    signatureSizeBytes: fieldSizeBytes,
  })),
];

/** A block that fits what it signs; its key is not trusted and its signature not verified. */
export type SignatureBlock = {
  readonly scheme: SignatureScheme;
  readonly digest: Uint8Array;
  /** As it stands in the block: its SHA-256 is burnt into the chip. */
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
};

function parseBlock(block: Uint8Array, signed: Uint8Array, offset: number): SignatureBlock {
  const reader = new ByteReader(block);
  const magic = reader.u8();
  if (magic !== MAGIC) throw malformed('the magic of a signature block', offset, magic);
  const crc = new ByteReader(block, CRC_OFFSET).u32le();
  if (crc32(block.subarray(0, CRC_OFFSET)) !== crc) {
    throw new ImageError('IMAGE_CHECKSUM_MISMATCH', { format: 'esp-image', what: 'signature block', offset });
  }
  const version = reader.u8();
  // The hash is SHA-256, or SHA-384 for P-384; blocks before that choice hold a zero.
  const digestChoice = reader.u8();
  const row = ROWS.find((each) => {
    const digestSize = [32, 48][digestChoice];
    if (digestSize === undefined) return false;
    const isCurve = each.curve === undefined || block[4 + digestSize] === each.curve;
    return each.version === version && each.digestSizeBytes === digestSize && isCurve;
  });
  if (row === undefined) throw malformed('a scheme of Secure Boot v2', offset, version);
  reader.bytes(1);
  const digest = reader.bytes(row.digestSizeBytes);
  if (!isEqualBytes(hash(row.digest, signed, 'buffer'), digest)) {
    throw new ImageError('IMAGE_DIGEST_MISMATCH', { format: 'esp-image', algorithm: row.digest, offset });
  }
  const key = reader.bytes(row.keySizeBytes);
  const signature = reader.bytes(row.signatureSizeBytes);
  // What is not used is zero: neither the CRC nor any signature would tell what it is for.
  const rest = [block.subarray(reader.offset, CRC_OFFSET), block.subarray(CRC_OFFSET + 4), block.subarray(3, 4)];
  if (rest.some((part) => part.some((byte) => byte !== 0))) throw malformed('zeros around the signature', offset);
  return { scheme: row.scheme, digest, key, signature };
}

function isErased(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === ERASED);
}

/**
 * The signature blocks behind an image of this size, and what they sign; none when nothing follows.
 * @throws ImageError IMAGE_MALFORMED, IMAGE_TRUNCATED, IMAGE_CHECKSUM_MISMATCH, IMAGE_DIGEST_MISMATCH
 */
export function parseSignatureSector(
  bytes: Uint8Array,
  imageSize: number,
): { signed: Uint8Array; blocks: readonly SignatureBlock[] } {
  if (bytes.length === imageSize) return { signed: bytes, blocks: [] };
  const sectorStart = Math.ceil(imageSize / SECTOR_SIZE_BYTES) * SECTOR_SIZE_BYTES;
  const sector = bytes.subarray(sectorStart);
  if (sector.length < SECTOR_SIZE_BYTES) {
    throw new ImageError('IMAGE_TRUNCATED', { what: 'signature sector', offset: sectorStart, actual: sector.length });
  }
  if (sector.length > SECTOR_SIZE_BYTES) throw malformed('nothing behind the signature sector', sectorStart);
  if (!isErased(bytes.subarray(imageSize, sectorStart))) throw malformed('erased flash behind the image', imageSize);
  const signed = bytes.subarray(0, sectorStart);
  const blocks: SignatureBlock[] = [];
  let offset = 0;
  while (blocks.length < BLOCKS_MAX && sector[offset] !== ERASED) {
    blocks.push(parseBlock(sector.subarray(offset, offset + BLOCK_SIZE_BYTES), signed, sectorStart + offset));
    offset += BLOCK_SIZE_BYTES;
  }
  if (!isErased(sector.subarray(offset))) throw malformed('erased flash behind the signatures', sectorStart + offset);
  return { signed, blocks };
}
