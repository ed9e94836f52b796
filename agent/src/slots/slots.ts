/**
 * Where images go: two places that can be booted, one of them current. One file a boot mechanism implements this; what is
 * good, staged or unusable stands in the journal, not here.
 */
import type { SlotName } from '../state.ts';

/** Writes the image of one slot from front to back. */
export interface SlotWriter {
  /** Bytes that the image holds so far, those from before included. */
  readonly sizeBytes: number;
  /** Bytes that an earlier run wrote; fewer than asked for only at the end. */
  read(position: number, sizeBytes: number): Promise<Uint8Array>;
  write(bytes: Uint8Array): Promise<void>;
  /** Drops everything from `sizeBytes` on. */
  truncate(sizeBytes: number): Promise<void>;
  /** Makes the image durable. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

export interface Slots {
  /** The slot that boots; undefined when none is set. */
  current(): Promise<SlotName | undefined>;
  /** Makes a slot the one that boots, in one step: before it the former, after it the new one. Durable when it returns. */
  activate(slot: SlotName): Promise<void>;
  /** Opens a slot that is not current, and keeps at most `keepBytes` of what it holds. */
  openToWrite(slot: SlotName, keepBytes: number): Promise<SlotWriter>;
  digestOf(slot: SlotName, algorithm: number): Promise<{ readonly digest: Uint8Array; readonly sizeBytes: number }>;
  /** Gives the space of a slot back. */
  discard(slot: SlotName): Promise<void>;
  /** The most that an image in this slot can take. */
  capacityBytes(slot: SlotName): Promise<number>;
  /** What the boot command gets. */
  pathOf(slot: SlotName): string;
}
