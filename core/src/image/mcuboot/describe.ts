/**
 * What an MCUboot image says about itself (MCUboot v2.4). The image hash is recomputed, except over an encrypted payload,
 * whose hash is that of the plaintext. Signatures are verified elsewhere, under the key of the device.
 */
import { hash } from 'node:crypto';
import { isEqualBytes } from '../../bytes/index.ts';
import { ImageError } from '../errors.ts';
import { factsOf, type McubootFacts } from './facts.ts';
import { FLAGS, formatVersion, type McubootHash, SIGNATURE_TLVS } from './layout.ts';
import { type McubootImage, parseMcuboot } from './parse.ts';
import { type McubootTrailer, parseTrailer } from './trailer.ts';

/** What an MCUboot image says about itself. */
export type McubootDescription = McubootFacts & {
  readonly format: 'mcuboot';
  readonly sizeBytes: number;
  /** `major.minor.revision+build` */
  readonly version: string;
  readonly headerSizeBytes: number;
  readonly payloadSizeBytes: number;
  readonly loadAddress: number;
  readonly flags: readonly string[];
  readonly tlvs: readonly { readonly name: string; readonly sizeBytes: number; readonly isProtected: boolean }[];
  /** Absent only beside a pure signature. */
  readonly hash?: McubootHash;
  /** False for an encrypted payload: its hash is over the plaintext. */
  readonly isHashChecked: boolean;
  /** Names of the signature TLVs; empty for an unsigned image. */
  readonly signatures: readonly string[];
  /** Bytes behind the image, such as the padding of a slot and its trailer. */
  readonly trailingSizeBytes: number;
  /** What the bootloader notes at the end of a slot. */
  readonly trailer?: McubootTrailer;
};

/** True when the hash in the image is that of the region. */
export function isHashOf(image: McubootImage, region: Uint8Array): boolean {
  return image.hash !== undefined && isEqualBytes(hash(image.hash.name, region, 'buffer'), image.hash.value);
}

/**
 * Describes an MCUboot image and checks its structure and hash.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED, IMAGE_DIGEST_MISMATCH
 */
export function describeMcuboot(bytes: Uint8Array): McubootDescription {
  const image = parseMcuboot(bytes);
  const { header, tlvs, rest } = image;
  const facts = factsOf(tlvs);
  const isHashChecked = image.hash !== undefined && isHashOf(image, image.region);
  if (image.hash !== undefined && !isHashChecked && image.encryptedKey === undefined) {
    throw new ImageError('IMAGE_DIGEST_MISMATCH', { format: 'mcuboot', algorithm: image.hash.name });
  }
  const trailer = parseTrailer(rest);
  return {
    format: 'mcuboot',
    sizeBytes: bytes.length,
    version: formatVersion(header.version),
    headerSizeBytes: header.headerSize,
    payloadSizeBytes: header.payloadSize,
    loadAddress: header.loadAddress,
    flags: FLAGS.flatMap(([bit, name]) => ((header.flags & bit) === 0 ? [] : [name])),
    tlvs: tlvs.map(({ name, value: { length }, isProtected }) => ({ name, sizeBytes: length, isProtected })),
    ...facts,
    ...(image.hash === undefined ? {} : { hash: image.hash.name }),
    isHashChecked,
    signatures: tlvs.flatMap(({ type, name }) => (SIGNATURE_TLVS.has(type) ? [name] : [])),
    trailingSizeBytes: rest.length,
    ...(trailer === undefined ? {} : { trailer }),
  };
}
