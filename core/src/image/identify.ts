/**
 * The table of image formats: how each is recognised, and how described. The first that recognises the bytes has them, so
 * formats with a magic come before guesses, and `raw`, which is always true, comes last.
 */
import { type CortexMDescription, describeCortexM, isCortexM } from './cortex-m.ts';
import { type DfuDescription, describeDfu, isDfu } from './dfu.ts';
import { describeEfi, type EfiDescription, isEfi, type VerifiedEfi, verifyEfi } from './efi.ts';
import { describeElf, type ElfDescription, isElf } from './elf.ts';
import { ImageError } from './errors.ts';
import { isEspImage } from './esp/parse.ts';
import { describeEspImage, type EspImageDescription, type VerifiedEspImage, verifyEspImage } from './esp/verify.ts';
import {
  type DeviceTreeDescription,
  describeDeviceTree,
  describeFit,
  type FitDescription,
  isDeviceTree,
} from './fit/describe.ts';
import { hasTreeMagic } from './fit/device-tree.ts';
import { type VerifiedFit, verifyFit } from './fit/verify.ts';
import { describeIntelHex, type IntelHexDescription, isIntelHex } from './intel-hex.ts';
import { describeMcuboot, type McubootDescription } from './mcuboot/describe.ts';
import { isMcuboot } from './mcuboot/parse.ts';
import { type VerifiedMcuboot, verifyMcuboot } from './mcuboot/verify.ts';
import { describeMender, isMender, type MenderDescription, type VerifiedMender, verifyMender } from './mender.ts';
import { describeRaucb, isRaucb, type RaucbDescription, type VerifiedRaucb, verifyRaucb } from './raucb.ts';
import { describeRaw, type RawDescription } from './raw.ts';
import { describeSrec, isSrec, type SrecDescription } from './srec.ts';
import { describeSwu, isSwu, type SwuDescription, type VerifiedSwu, verifySwu } from './swu.ts';
import type { ImageTrust } from './trust.ts';
import { describeUf2, isUf2, type Uf2Description } from './uf2.ts';
import { describeUimage, isUimage, type UimageDescription } from './uimage.ts';

/** What an image says about itself, by format. */
export type ImageDescription =
  | McubootDescription
  | ElfDescription
  | EfiDescription
  | IntelHexDescription
  | SrecDescription
  | Uf2Description
  | DfuDescription
  | EspImageDescription
  | FitDescription
  | DeviceTreeDescription
  | UimageDescription
  | SwuDescription
  | MenderDescription
  | RaucbDescription
  | CortexMDescription
  | RawDescription;

export type ImageFormat = ImageDescription['format'];

/** What an authentic image proved, by format. */
export type VerifiedImage =
  | VerifiedMcuboot
  | VerifiedSwu
  | VerifiedEspImage
  | VerifiedEfi
  | VerifiedRaucb
  | VerifiedFit
  | VerifiedMender;

type FormatRow = {
  readonly summary: string;
  readonly isFormat: (bytes: Uint8Array) => boolean;
  readonly describe: (bytes: Uint8Array) => ImageDescription;
  /** Which signatures are verified, as a phrase for the reference; beside `verify`. */
  readonly signatures?: string;
  /** Absent for formats that carry no signature of their own: such a file is never authentic. */
  readonly verify?: (bytes: Uint8Array, trust: ImageTrust) => Promise<VerifiedImage>;
};

/** Every format, in the order in which they are tried. */
export const IMAGE_FORMATS: Readonly<Record<ImageFormat, FormatRow>> = {
  mcuboot: {
    summary: 'MCUboot image',
    isFormat: isMcuboot,
    describe: describeMcuboot,
    signatures:
      'RSA-2048/3072 PSS, ECDSA P-256/P-384, Ed25519 (digest and pure); encrypted images with the key of the device',
    verify: verifyMcuboot,
  },
  elf: { summary: 'ELF file', isFormat: isElf, describe: describeElf },
  efi: {
    summary: 'EFI program',
    isFormat: isEfi,
    describe: describeEfi,
    signatures: 'Authenticode with SHA-256 and stronger, several signatures',
    verify: verifyEfi,
  },
  'intel-hex': { summary: 'Intel HEX file', isFormat: isIntelHex, describe: describeIntelHex },
  swu: {
    summary: 'SWUpdate image',
    isFormat: isSwu,
    describe: describeSwu,
    signatures: 'CMS, or RSA (PKCS #1 v1.5, PSS) under a public key, over sw-description; SHA-256 of every file',
    verify: verifySwu,
  },
  raucb: {
    summary: 'RAUC bundle',
    isFormat: isRaucb,
    describe: describeRaucb,
    signatures:
      'CMS: plain over the squashfs; verity and crypt over the manifest, dm-verity tree recomputed; images against the manifest (gzip, zstd)',
    verify: verifyRaucb,
  },
  mender: {
    summary: 'Mender artifact',
    isFormat: isMender,
    describe: describeMender,
    signatures: 'RSA or ECDSA P-256 over the manifest, SHA-256 of every file',
    verify: verifyMender,
  },
  srec: { summary: 'Motorola S-record file', isFormat: isSrec, describe: describeSrec },
  uf2: { summary: 'UF2 file', isFormat: isUf2, describe: describeUf2 },
  dfu: { summary: 'USB DFU file', isFormat: isDfu, describe: describeDfu },
  'esp-image': {
    summary: 'ESP-IDF image',
    isFormat: isEspImage,
    describe: describeEspImage,
    signatures: 'Secure Boot v2: RSA-3072 PSS, ECDSA P-192/P-256/P-384',
    verify: verifyEspImage,
  },
  'device-tree': { summary: 'flattened device tree', isFormat: isDeviceTree, describe: describeDeviceTree },
  fit: {
    summary: 'U-Boot FIT image',
    isFormat: hasTreeMagic,
    describe: describeFit,
    signatures: 'every configuration: RSA-2048/3072/4096 (PKCS #1 v1.5, PSS), ECDSA P-256/P-384/P-521',
    verify: verifyFit,
  },
  uimage: { summary: 'legacy U-Boot image', isFormat: isUimage, describe: describeUimage },
  'cortex-m-raw': { summary: 'Arm Cortex-M memory image', isFormat: isCortexM, describe: describeCortexM },
  raw: { summary: 'bytes of no known format', isFormat: () => true, describe: describeRaw },
};

const ROWS = Object.entries(IMAGE_FORMATS) as readonly [ImageFormat, FormatRow][];

/** The format of an image, by its first bytes. `raw` when none is recognised. */
export function identifyImage(bytes: Uint8Array): ImageFormat {
  return ROWS.find(([, { isFormat }]) => isFormat(bytes))?.[0] ?? 'raw';
}

/**
 * Describes an image by its format, and checks its structure and the digests and checksums in it.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED, IMAGE_CHECKSUM_MISMATCH, IMAGE_DIGEST_MISMATCH, IMAGE_FILE_UNLISTED
 */
export function describeImage(bytes: Uint8Array): ImageDescription {
  return IMAGE_FORMATS[identifyImage(bytes)].describe(bytes);
}

/**
 * Verifies an image by the signature that its format defines, under the keys that are trusted. It returns only when every
 * byte that the format covers is authentic; a format without signatures, and an unsigned image, throw.
 * @throws ImageError IMAGE_UNSIGNED, IMAGE_SIGNATURE_*, IMAGE_SIGNER_UNKNOWN, IMAGE_ALGORITHM_WEAK, IMAGE_DECRYPTION_*, IMAGE_*_MALFORMED, and those of `describeImage`
 */
export async function verifyImage(bytes: Uint8Array, trust: ImageTrust): Promise<VerifiedImage> {
  const format = identifyImage(bytes);
  const { verify } = IMAGE_FORMATS[format];
  if (verify === undefined) throw new ImageError('IMAGE_UNSIGNED', { format });
  return await verify(bytes, trust);
}
