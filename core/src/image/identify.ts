/**
 * The table of image formats: how each is recognised, and how described. The first that recognises the bytes has them, so
 * formats with a magic come before guesses, and `raw`, which is always true, comes last.
 */
import { type CortexMDescription, describeCortexM, isCortexM } from './cortex-m.ts';
import { describeElf, type ElfDescription, isElf } from './elf.ts';
import { describeIntelHex, type IntelHexDescription, isIntelHex } from './intel-hex.ts';
import { describeMcuboot, isMcuboot, type McubootDescription } from './mcuboot.ts';
import { describeRaw, type RawDescription } from './raw.ts';
import { describeSwu, isSwu, type SwuDescription } from './swu.ts';

/** What an image says about itself, by format. */
export type ImageDescription =
  | McubootDescription
  | ElfDescription
  | IntelHexDescription
  | SwuDescription
  | CortexMDescription
  | RawDescription;

export type ImageFormat = ImageDescription['format'];

type FormatRow = {
  readonly summary: string;
  readonly isFormat: (bytes: Uint8Array) => boolean;
  readonly describe: (bytes: Uint8Array) => ImageDescription;
};

/** Every format, in the order in which they are tried. */
export const IMAGE_FORMATS: Readonly<Record<ImageFormat, FormatRow>> = {
  mcuboot: { summary: 'MCUboot image', isFormat: isMcuboot, describe: describeMcuboot },
  elf: { summary: 'ELF file', isFormat: isElf, describe: describeElf },
  'intel-hex': { summary: 'Intel HEX file', isFormat: isIntelHex, describe: describeIntelHex },
  swu: { summary: 'SWUpdate image', isFormat: isSwu, describe: describeSwu },
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
