/**
 * The trailer at the end of an MCUboot slot (MCUboot v2.4, docs/design.md "Image trailer"): what the bootloader notes about
 * a swap. From the end backwards: the magic, image-ok, copy-done, swap-info, each in a field of the greatest write
 * alignment of the flash. No signature covers it.
 */
import { concat, fromHex, isEqualBytes } from '../../bytes/index.ts';

const MAGIC_SIZE_BYTES = 16;
/** The magic for an alignment of 8; for others the alignment stands in its first two bytes. */
const MAGIC_8 = fromHex('77c295f360d2ef7f3552500f2cb67980');
const MAGIC_TAIL = fromHex('2de15d29410b8d77679c110f1f8a');
const FLAG_SET = 0x01;
const SWAP_TYPES: readonly string[] = ['unknown', 'none', 'test', 'permanent', 'revert'];
/** Size of swap-info, copy-done, image-ok and swap-size, in alignments. */
const FIELD_COUNT = 4;

export type TrailerAlignment = 8 | 16 | 32;
type FlagState = 'set' | 'unset' | 'bad';

/** What the trailer of a slot says; nothing of it is signed. */
export type McubootTrailer = {
  readonly alignmentBytes: TrailerAlignment;
  readonly imageOk: FlagState;
  readonly copyDone: FlagState;
  /** The swap that is under way, if one has begun. */
  readonly swapType?: string;
  readonly swapImage?: number;
};

export function trailerMagic(alignment: TrailerAlignment): Uint8Array {
  return alignment === 8 ? MAGIC_8 : concat(Uint8Array.of(alignment, 0), MAGIC_TAIL);
}

function alignUp(sizeBytes: number, alignment: number): number {
  return Math.ceil(sizeBytes / alignment) * alignment;
}

/** Where image-ok stands, counted from the end of the slot. */
export function imageOkFromEnd(alignment: TrailerAlignment): number {
  return alignUp(MAGIC_SIZE_BYTES, alignment) + alignment;
}

function alignmentOf(slot: Uint8Array): TrailerAlignment | undefined {
  const magic = slot.subarray(-MAGIC_SIZE_BYTES);
  return ([8, 16, 32] as const).find((alignment) => isEqualBytes(magic, trailerMagic(alignment)));
}

function flagAt(slot: Uint8Array, offset: number, erased: number): FlagState {
  const value = slot[offset];
  if (value === FLAG_SET) return 'set';
  return value === erased ? 'unset' : 'bad';
}

function sizeOf(alignment: TrailerAlignment): number {
  return alignUp(MAGIC_SIZE_BYTES, alignment) + FIELD_COUNT * alignment;
}

/** The trailer at the end of what stands behind an image, if there is one. */
export function parseTrailer(rest: Uint8Array): McubootTrailer | undefined {
  const alignment = alignmentOf(rest);
  if (alignment === undefined || rest.length < sizeOf(alignment)) return undefined;
  const erased = rest[0] === 0 ? 0 : 0xff;
  const imageOk = rest.length - imageOkFromEnd(alignment);
  const swapInfo = rest[imageOk - 2 * alignment] ?? erased;
  return {
    alignmentBytes: alignment,
    imageOk: flagAt(rest, imageOk, erased),
    copyDone: flagAt(rest, imageOk - alignment, erased),
    ...(swapInfo === erased ? {} : { swapType: SWAP_TYPES[swapInfo & 0x0f] ?? 'unknown', swapImage: swapInfo >> 4 }),
  };
}

/** True when nothing stands behind an image but erased flash and a trailer: no bytes that anyone could mistake for more. */
export function isPadding(rest: Uint8Array): boolean {
  const alignment = alignmentOf(rest);
  const trailerSize = alignment === undefined ? 0 : Math.min(sizeOf(alignment), rest.length);
  const filler = rest.subarray(0, rest.length - trailerSize);
  const [erased] = filler;
  return (erased === undefined || erased === 0 || erased === 0xff) && filler.every((byte) => byte === erased);
}

/** Room that a trailer takes at the end of a slot (imgtool `_trailer_size`). */
export function trailerSize(options: {
  readonly writeAlignment: number;
  readonly alignment: TrailerAlignment;
  readonly sectorsMax: number;
  readonly isOverwriteOnly: boolean;
  readonly isEncrypted: boolean;
}): number {
  const { writeAlignment, alignment, sectorsMax, isOverwriteOnly, isEncrypted } = options;
  const magic = alignUp(MAGIC_SIZE_BYTES, alignment);
  if (isOverwriteOnly) return 2 * alignment + magic;
  const keys = isEncrypted ? 2 * alignUp(16, alignment) : 0;
  return sectorsMax * 3 * writeAlignment + keys + FIELD_COUNT * alignment + magic;
}
