/**
 * The slot that an MCUboot image is written to (MCUboot v2.4, docs/design.md; imgtool `--pad`): the image must leave room for
 * the trailer, and may be padded to the whole slot with a trailer that asks for a trial or says the image is confirmed.
 */
import { concat } from '../../bytes/index.ts';
import { ImageError } from '../errors.ts';
import { imageOkFromEnd, type TrailerAlignment, trailerMagic, trailerSize } from './trailer.ts';

export type McubootSlot = {
  readonly sizeBytes: number;
  /** The write alignment of the flash: 1, 2, 4, 8, 16 or 32. */
  readonly writeAlignment: number;
  /** The greatest write alignment of both slots; default 8, or the write alignment if that is greater. */
  readonly alignment?: TrailerAlignment;
  /** The most sectors that a slot has; default 128. */
  readonly sectorsMax?: number;
  readonly isOverwriteOnly?: boolean;
  /** What erased flash reads as; default 0xff. */
  readonly erasedValue?: 0 | 0xff;
  /** Pad to the whole slot, with this trailer. Absent: only the room is checked. */
  readonly trailer?: 'test' | 'confirmed';
};

const IMAGE_OK = 0x01;

function alignmentOf({ writeAlignment, alignment }: McubootSlot): TrailerAlignment {
  if (![1, 2, 4, 8, 16, 32].includes(writeAlignment)) {
    throw new ImageError('IMAGE_OPTION_INVALID', { option: 'write alignment', actual: writeAlignment });
  }
  if (alignment !== undefined && alignment < writeAlignment) {
    throw new ImageError('IMAGE_OPTION_INVALID', { option: 'alignment', expected: `at least ${writeAlignment}` });
  }
  return alignment ?? (writeAlignment === 32 ? 32 : writeAlignment === 16 ? 16 : 8);
}

/**
 * Checks that the image fits its slot, and pads it when a trailer is asked for.
 * @throws ImageError IMAGE_OPTION_INVALID
 */
export function padToSlot(image: Uint8Array, slot: McubootSlot, isEncrypted: boolean): Uint8Array {
  const alignment = alignmentOf(slot);
  const { sizeBytes, writeAlignment, sectorsMax = 128, isOverwriteOnly = false } = slot;
  const room = sizeBytes - trailerSize({ writeAlignment, alignment, sectorsMax, isOverwriteOnly, isEncrypted });
  if (image.length > room) {
    throw new ImageError('IMAGE_OPTION_INVALID', {
      option: 'size of the slot',
      expected: `${image.length}`,
      actual: room,
    });
  }
  if (slot.trailer === undefined) return image;
  const magic = trailerMagic(alignment);
  const padding = new Uint8Array(sizeBytes - image.length - magic.length).fill(slot.erasedValue ?? 0xff);
  const padded = concat(image, padding, magic);
  if (slot.trailer === 'confirmed' && !isOverwriteOnly) padded[sizeBytes - imageOkFromEnd(alignment)] = IMAGE_OK;
  return padded;
}
