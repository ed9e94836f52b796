/**
 * RAUC bundles (.raucb; RAUC documentation, "Bundle Formats"): a squashfs, the hash tree over it, a CMS structure, and the
 * size of that structure in the last 8 bytes.
 *
 * plain: the signature is over the squashfs, and the manifest is inside. verity: the manifest stands in the signature and
 * names the root of a dm-verity tree, which is recomputed. crypt: as verity, over an encrypted squashfs, which stays closed;
 * the signature itself may be encrypted for devices and is then opened with the key of one. In a squashfs that can be
 * opened (gzip, zstd), each image is held against the size and digest that the manifest gives it.
 */
import { createHash } from 'node:crypto';
import { ByteReader, concat, safeSize } from '../bytes/index.ts';
import type { CmsSigner } from './certificate.ts';
import {
  CMS_DATA,
  isCmsStart,
  isDetachedCms,
  readEmbeddedContent,
  verifyDetachedCms,
  verifyEmbeddedCms,
} from './cms.ts';
import { isEnveloped, openEnvelope, parseEnvelope } from './cms-envelope.ts';
import { TAG } from './der.ts';
import { verifyVerityTree } from './dm-verity.ts';
import { ImageError } from './errors.ts';
import {
  parsePlainManifest,
  parseRaucManifest,
  type RaucImage,
  type RaucManifest,
  type RaucUpdate,
} from './rauc-manifest.ts';
import { readerOf, regionOf } from './region.ts';
import { Squashfs } from './squashfs.ts';
import type { ImageTrust } from './trust.ts';

const SIZE_FIELD_BYTES = 8;
const SIGNATURE_SIZE_BYTES_MAX = 256 * 1024;
const BLOCK_SIZE_BYTES = 4096;
const MANIFEST = 'manifest.raucm';
const MANIFEST_SIZE_BYTES_MAX = 256 * 1024;
const EXPECTED = { contentType: CMS_DATA, tag: TAG.octetString };
/** What lies in a RAUC bundle; nothing of it is verified. */
export type RaucbDescription = {
  readonly format: 'raucb';
  readonly sizeBytes: number;
  readonly bundleFormat: 'plain' | 'verity' | 'crypt';
  readonly payloadSizeBytes: number;
  /** How many can open an encrypted signature; absent when it is not encrypted. */
  readonly recipientCount?: number;
  /** Absent when it lies in an encrypted signature, or in a squashfs that cannot be opened. */
  readonly update?: RaucUpdate;
};

/** A verified RAUC bundle. */
export type VerifiedRaucb = {
  readonly format: 'raucb';
  readonly signer: CmsSigner;
  readonly bundleFormat: 'plain' | 'verity' | 'crypt';
  readonly payloadSizeBytes: number;
  /** How the payload is bound to the signer: signed itself, or by the root of its hash tree. */
  readonly boundBy: 'signature' | 'hash-tree';
  /** True when the signature was encrypted; devices take crypt bundles only so. */
  readonly isEncrypted: boolean;
  /** From the signed manifest. Absent from plain bundles whose squashfs cannot be opened (xz, lz4, lzo). */
  readonly update?: RaucUpdate;
  /** True when each image was opened and has its digest; false when one is converted, or the squashfs is closed. */
  readonly areImagesChecked: boolean;
};

function malformed(expected: string, offset: number, actual?: number): ImageError {
  return new ImageError('IMAGE_MALFORMED', { format: 'raucb', expected, offset, actual });
}

/** Where the CMS structure begins, by the size in the last bytes; undefined when that cannot be. */
function signatureAt(bytes: Uint8Array): number | undefined {
  if (bytes.length < SIZE_FIELD_BYTES) return undefined;
  const size = new ByteReader(bytes, bytes.length - SIZE_FIELD_BYTES).u64be();
  if (size === 0n || size > BigInt(Math.min(SIGNATURE_SIZE_BYTES_MAX, bytes.length - SIZE_FIELD_BYTES))) {
    return undefined;
  }
  return bytes.length - SIZE_FIELD_BYTES - safeSize(size, 'signature');
}

/** By what stands at the end: a CMS structure behind whole blocks. Never throws. */
export function isRaucb(bytes: Uint8Array): boolean {
  const at = signatureAt(bytes);
  if (at === undefined || at === 0 || at % BLOCK_SIZE_BYTES !== 0) return false;
  return isCmsStart(bytes.subarray(at));
}

function open(bytes: Uint8Array): { payload: Uint8Array; signature: Uint8Array } {
  readerOf(bytes, bytes.length - SIZE_FIELD_BYTES, SIZE_FIELD_BYTES, 'size of the signature');
  const at = signatureAt(bytes);
  if (at === undefined) throw malformed('the size of the signature', bytes.length - SIZE_FIELD_BYTES);
  if (at === 0 || at % BLOCK_SIZE_BYTES !== 0) throw malformed('a payload of whole blocks', at);
  return { payload: bytes.subarray(0, at), signature: bytes.subarray(at, bytes.length - SIZE_FIELD_BYTES) };
}

/**
 * Describes a RAUC bundle by its signature and, a plain one, by its squashfs.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED, IMAGE_FILE_MISSING, IMAGE_SIGNATURE_MALFORMED, IMAGE_ALGORITHM_WEAK
 */
export function describeRaucb(bytes: Uint8Array): RaucbDescription {
  const { payload, signature } = open(bytes);
  const shared = { format: 'raucb', sizeBytes: bytes.length, payloadSizeBytes: payload.length } as const;
  if (isEnveloped(signature)) {
    return { ...shared, bundleFormat: 'crypt', recipientCount: parseEnvelope(signature).recipients.length };
  }
  if (isDetachedCms(signature)) {
    const squashfs = openSquashfs(payload);
    return { ...shared, bundleFormat: 'plain', ...(squashfs === undefined ? {} : { update: readManifest(squashfs) }) };
  }
  const { bundleFormat, update } = parseRaucManifest(readEmbeddedContent(signature, EXPECTED));
  return { ...shared, bundleFormat, update };
}

/** Undefined when it is compressed in a way that cannot be opened here. */
function openSquashfs(payload: Uint8Array): Squashfs | undefined {
  try {
    return new Squashfs(payload);
  } catch (error) {
    if (error instanceof ImageError && error.code === 'IMAGE_COMPRESSION_UNSUPPORTED') return undefined;
    throw error;
  }
}

function readManifest(squashfs: Squashfs): RaucUpdate {
  const file = squashfs.file(MANIFEST);
  if (file === undefined) throw new ImageError('IMAGE_FILE_MISSING', { file: MANIFEST });
  if (file.sizeBytes > MANIFEST_SIZE_BYTES_MAX) throw malformed('a manifest of a size that is handled', 0);
  return parsePlainManifest(concat(...file.blocks()));
}

function checkImage(squashfs: Squashfs, { name, sizeBytes, sha256 }: NonNullable<RaucImage['file']>): void {
  const file = squashfs.file(name);
  if (file === undefined) throw new ImageError('IMAGE_FILE_MISSING', { file: name });
  const hash = createHash('sha256');
  // Before its blocks are made: the size of a file costs nothing to claim.
  if (file.sizeBytes !== sizeBytes) throw new ImageError('IMAGE_DIGEST_MISMATCH', { file: name, expected: sizeBytes });
  for (const block of file.blocks()) hash.update(block);
  if (hash.digest('hex') !== sha256) throw new ImageError('IMAGE_DIGEST_MISMATCH', { file: name });
}

/** True when there was no image that only its converted form stands for. */
function checkImages(squashfs: Squashfs, { images }: RaucUpdate): boolean {
  for (const { file, isConverted } of images) {
    if (file !== undefined && isConverted === undefined) checkImage(squashfs, file);
  }
  return images.every(({ isConverted }) => isConverted === undefined);
}

function checkPlain(payload: Uint8Array): Pick<VerifiedRaucb, 'update' | 'areImagesChecked'> {
  const squashfs = openSquashfs(payload);
  if (squashfs === undefined) return { areImagesChecked: false };
  const update = readManifest(squashfs);
  return { update, areImagesChecked: checkImages(squashfs, update) };
}

/** True when the images were checked too. The payload is the data and, in its last `verity-size` bytes, the tree. */
function checkPayload(payload: Uint8Array, { verity, bundleFormat, update }: RaucManifest): boolean {
  const dataSize = payload.length - verity.sizeBytes;
  const data = regionOf(payload, 0, dataSize, 'payload before the hash tree');
  verifyVerityTree(data, payload.subarray(dataSize), verity);
  const squashfs = bundleFormat === 'verity' ? openSquashfs(data) : undefined;
  return squashfs !== undefined && checkImages(squashfs, update);
}

/**
 * Verifies a RAUC bundle under the registered certificates (PEM), and its payload against what was signed.
 * @throws ImageError IMAGE_SIGNATURE_*, IMAGE_SIGNER_UNKNOWN, IMAGE_ALGORITHM_WEAK, IMAGE_DIGEST_MISMATCH, IMAGE_FILE_MISSING, IMAGE_DECRYPTION_*, IMAGE_*_MALFORMED, IMAGE_TRUNCATED
 */
export async function verifyRaucb(bytes: Uint8Array, trust: ImageTrust): Promise<VerifiedRaucb> {
  const { payload, signature: outer } = open(bytes);
  const isEncrypted = isEnveloped(outer);
  const signature = isEncrypted ? openEnvelope(outer, trust.decryptionKeysPem ?? []) : outer;
  const shared = { format: 'raucb', payloadSizeBytes: payload.length, isEncrypted } as const;
  if (!isEncrypted && isDetachedCms(signature)) {
    const signer = verifyDetachedCms(payload, signature, trust.keysPem);
    return { ...shared, signer, bundleFormat: 'plain', boundBy: 'signature', ...checkPlain(payload) };
  }
  const { signer, content } = verifyEmbeddedCms(signature, EXPECTED, trust.keysPem);
  const manifest = parseRaucManifest(content);
  if (isEncrypted && manifest.bundleFormat !== 'crypt') throw malformed('format crypt in an encrypted signature', 0);
  const areImagesChecked = checkPayload(payload, manifest);
  const { bundleFormat, update } = manifest;
  return { ...shared, signer, bundleFormat, boundBy: 'hash-tree', update, areImagesChecked };
}
