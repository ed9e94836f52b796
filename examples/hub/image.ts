/**
 * The flashable image of a LEGO SPIKE Prime hub (STM32F413), made from a Pybricks firmware package.
 *
 * Layout, as the field's flashing tool writes it: the base image with the hub's name at `hub-name-offset`, then one
 * 32-bit word with the checksum. The checksum is the CRC of the STM32's own unit (polynomial 0x04C11DB7, start value
 * 0xFFFFFFFF, little-endian words, most significant bit first, no final xor) over the whole firmware area of
 * `checksum-size` bytes: the image with its checksum word as zero, and erased flash (all ones) behind it.
 *
 * `checkHubImage` is the boot step's half: it judges bytes alone, with no other file at hand, as a boot loader must.
 */

/** The facts of this hub's memory that the boot loader has built in. */
export const HUB = {
  ramStart: 0x2000_0000,
  /** SRAM1 and SRAM2, 320 KiB; the initial stack pointer may stand at the very end. */
  ramEnd: 0x2005_0000,
  flashStart: 0x0800_8000,
  flashEnd: 0x0810_0000,
  /** Flash behind the first boot loader's 32 KiB: the area that the checksum covers. */
  firmwareAreaBytes: 0xf_8000,
} as const;

const VECTOR_TABLE_BYTES = 0x1d8;
const WORD_BYTES = 4;
const ERASED_WORD = 0xffff_ffff;
const POLYNOMIAL = 0x04c1_1db7;

const CRC_TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ POLYNOMIAL : crc << 1;
  return crc >>> 0;
});

function addWord(crc: number, word: number): number {
  let next = crc ^ word;
  for (let step = 0; step < WORD_BYTES; step++) next = (next << 8) ^ (CRC_TABLE[next >>> 24] ?? 0);
  return next >>> 0;
}

/** The STM32 CRC over an image whose last word counts as zero, and over the erased rest of the firmware area. */
function checksumOf(image: Uint8Array, areaBytes: number): number {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const end = image.byteLength - WORD_BYTES;
  let crc = 0xffff_ffff;
  for (let offset = 0; offset < end; offset += WORD_BYTES) crc = addWord(crc, view.getUint32(offset, true));
  crc = addWord(crc, 0);
  for (let offset = image.byteLength; offset < areaBytes; offset += WORD_BYTES) crc = addWord(crc, ERASED_WORD);
  return crc;
}

export type FirmwareParts = {
  readonly base: Uint8Array;
  readonly checksumSizeBytes: number;
  readonly hubNameOffset: number;
  /** The name as it stands in flash: UTF-8, ended by a zero byte. */
  readonly hubName: Uint8Array;
};

/** Joins the parts of a firmware package to what is written to flash. */
export function assembleHubImage({ base, checksumSizeBytes, hubNameOffset, hubName }: FirmwareParts): Uint8Array {
  if (base.byteLength % WORD_BYTES !== 0) throw new RangeError('the base image is not a whole number of words');
  if (base.byteLength + WORD_BYTES > checksumSizeBytes) throw new RangeError('the base image is too large for the hub');
  if (hubNameOffset + hubName.byteLength > base.byteLength)
    throw new RangeError('the name lies outside the base image');
  const image = new Uint8Array(base.byteLength + WORD_BYTES);
  image.set(base);
  image.set(hubName, hubNameOffset);
  new DataView(image.buffer).setUint32(base.byteLength, checksumOf(image, checksumSizeBytes), true);
  return image;
}

/** Why this image would not start, or undefined when it would. */
export function checkHubImage(image: Uint8Array): string | undefined {
  const { byteLength } = image;
  if (byteLength < VECTOR_TABLE_BYTES + WORD_BYTES)
    return `the image is too short for a vector table (${byteLength} bytes)`;
  if (byteLength % WORD_BYTES !== 0) return `the image is not a whole number of words (${byteLength} bytes)`;
  if (byteLength > HUB.firmwareAreaBytes) return `the image is too long for the flash (${byteLength} bytes)`;
  const view = new DataView(image.buffer, image.byteOffset, byteLength);
  const stack = view.getUint32(0, true);
  if (stack <= HUB.ramStart || stack > HUB.ramEnd || stack % WORD_BYTES !== 0) {
    return `the initial stack pointer 0x${stack.toString(16)} is not in RAM`;
  }
  const reset = view.getUint32(WORD_BYTES, true);
  // Bit 0 of a vector says "Thumb code"; a Cortex-M with it cleared faults at the first instruction.
  if (reset % 2 === 0) return `the reset vector 0x${reset.toString(16)} is even`;
  if (reset < HUB.flashStart || reset >= HUB.flashEnd)
    return `the reset vector 0x${reset.toString(16)} is not in flash`;
  const expected = view.getUint32(byteLength - WORD_BYTES, true);
  const actual = checksumOf(image, HUB.firmwareAreaBytes);
  if (actual === expected) return undefined;
  return `the checksum is 0x${actual.toString(16)}, the image says 0x${expected.toString(16)}`;
}
