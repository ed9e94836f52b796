/**
 * Raw images of Arm Cortex-M microcontrollers (ARMv7-M ARM, B1.5.2 and B1.5.3): no magic, but a vector table at the start.
 * Word 0 is the initial stack pointer, word 1 the reset handler, words 2 to 15 the system handlers. Recognised when the
 * stack pointer lies in RAM and the handlers, with the Thumb bit set, lie close together in code memory. A guess that is
 * good enough to describe; it proves nothing about the image.
 */
import { ByteReader } from '../bytes/index.ts';
import { ImageError } from './errors.ts';
import { readerOf } from './region.ts';

const SYSTEM_VECTORS = 16;
const TABLE_SIZE_BYTES = SYSTEM_VECTORS * 4;
/** ARMv7-M ARM, B3.1: code up to 0x1FFFFFFF, on-chip RAM from there to 0x3FFFFFFF; some parts have RAM at 0x10000000. */
const RAM_START = 0x1000_0000;
const RAM_END = 0x4000_0000;
const CODE_END = 0x2000_0000;
/** More than any such image is long. */
const SPAN_BYTES_MAX = 16 * 1024 * 1024;

/** What the vector table of a Cortex-M image says. */
export type CortexMDescription = {
  readonly format: 'cortex-m-raw';
  readonly sizeBytes: number;
  readonly initialStackPointer: number;
  readonly resetHandler: number;
  /** Lowest address of a handler: the image is loaded at or below it. */
  readonly lowestHandler: number;
};

function readTable(reader: ByteReader): { stackPointer: number; reset: number; handlers: number[] } {
  const stackPointer = reader.u32le();
  const words = Array.from({ length: SYSTEM_VECTORS - 1 }, () => reader.u32le());
  return { stackPointer, reset: words[0] ?? 0, handlers: words.filter((word) => word !== 0) };
}

function isPlausible({ stackPointer, reset, handlers }: ReturnType<typeof readTable>): boolean {
  // ARMv7-M ARM, B1.4.1: the stack pointer is word aligned. It may be one past the end of RAM.
  if (stackPointer % 4 !== 0 || stackPointer <= RAM_START || stackPointer > RAM_END) return false;
  // Reset, NMI and HardFault cannot be absent.
  if (reset === 0 || handlers.length < 3) return false;
  // ARMv7-M ARM, B1.5.3: bit 0 of a vector is the Thumb bit and must be one.
  if (handlers.some((handler) => handler % 2 === 0 || handler >= CODE_END)) return false;
  return Math.max(...handlers) - Math.min(...handlers) < SPAN_BYTES_MAX;
}

export function isCortexM(bytes: Uint8Array): boolean {
  return bytes.length >= TABLE_SIZE_BYTES && isPlausible(readTable(new ByteReader(bytes)));
}

/**
 * Describes a raw Cortex-M image.
 * @throws ImageError IMAGE_TRUNCATED, IMAGE_MALFORMED
 */
export function describeCortexM(bytes: Uint8Array): CortexMDescription {
  const table = readTable(readerOf(bytes, 0, TABLE_SIZE_BYTES, 'vector table'));
  if (!isPlausible(table)) {
    throw new ImageError('IMAGE_MALFORMED', { format: 'cortex-m-raw', expected: 'a vector table', offset: 0 });
  }
  return {
    format: 'cortex-m-raw',
    sizeBytes: bytes.length,
    initialStackPointer: table.stackPointer,
    resetHandler: table.reset,
    lowestHandler: Math.min(...table.handlers),
  };
}
