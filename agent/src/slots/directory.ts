/**
 * A/B folders: `slots/a/image` and `slots/b/image`, and `current`, a symbolic link to the folder that boots. The link is
 * replaced by rename, which is atomic, and made durable by fsync of its folder. For application firmware, and for trying
 * Pawl out. Bytes reach the disk in blocks, so memory stays the same whatever the size of the image.
 */

import { join } from 'node:path';
import { newHash } from '@pawl/core/crypto';
import type { Disk, DiskFile } from '../disk.ts';
import { relieve } from '../relief.ts';
import { SLOTS, type SlotName } from '../state.ts';
import type { Slots, SlotWriter } from './slots.ts';

const BLOCK_BYTES = 512 * 1024;

class BlockWriter implements SlotWriter {
  readonly #file: DiskFile;
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #filled = 0;
  #position: number;

  constructor(file: DiskFile, position: number) {
    this.#file = file;
    this.#position = position;
  }

  get sizeBytes(): number {
    return this.#position + this.#filled;
  }

  async read(position: number, sizeBytes: number): Promise<Uint8Array> {
    await this.#flush();
    return this.#file.read(position, sizeBytes);
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let offset = 0; offset < bytes.length; ) {
      const part = bytes.subarray(offset, offset + BLOCK_BYTES - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      offset += part.length;
      if (this.#filled === BLOCK_BYTES) await this.#flush();
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#flush();
    await this.#file.truncate(sizeBytes);
    this.#position = sizeBytes;
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#file.sync();
  }

  /** What is still in memory is written too, for a later run to go on from; failing at that loses nothing. */
  async close(): Promise<void> {
    try {
      await this.#flush();
    } finally {
      await this.#file.close();
    }
  }

  async #flush(): Promise<void> {
    if (this.#filled === 0) return;
    const block = this.#block.subarray(0, this.#filled);
    this.#filled = 0;
    await this.#file.write(this.#position, block);
    this.#position += block.length;
  }
}

export class DirectorySlots implements Slots {
  readonly #disk: Disk;
  readonly #dir: string;

  constructor(disk: Disk, dir: string) {
    this.#disk = disk;
    this.#dir = dir;
  }

  async prepare(): Promise<void> {
    for (const slot of SLOTS) await this.#disk.makeFolder(this.pathOf(slot));
    await this.#disk.syncFolder(join(this.#dir, 'slots'));
    await this.#disk.syncFolder(this.#dir);
  }

  async current(): Promise<SlotName | undefined> {
    const target = await this.#disk.readLink(join(this.#dir, 'current'));
    return SLOTS.find((slot) => target === join('slots', slot));
  }

  async activate(slot: SlotName): Promise<void> {
    const path = join(this.#dir, 'current');
    const temporary = `${path}.new`;
    await this.#disk.remove(temporary);
    await this.#disk.link(join('slots', slot), temporary);
    await this.#disk.rename(temporary, path);
    await this.#disk.syncFolder(this.#dir);
  }

  async openToWrite(slot: SlotName, keepBytes: number): Promise<SlotWriter> {
    const file = await this.#disk.open(this.#image(slot));
    try {
      const sizeBytes = await file.sizeBytes();
      const kept = Math.min(sizeBytes, keepBytes);
      if (kept !== sizeBytes) await file.truncate(kept);
      await this.#disk.syncFolder(this.pathOf(slot));
      return new BlockWriter(file, kept);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async digestOf(
    slot: SlotName,
    algorithm: number,
  ): Promise<{ readonly digest: Uint8Array; readonly sizeBytes: number }> {
    const hash = newHash(algorithm);
    const file = await this.#disk.openToRead(this.#image(slot));
    try {
      let position = 0;
      for (;;) {
        const bytes = await file.read(position, BLOCK_BYTES);
        if (bytes.length === 0) break;
        hash.update(bytes);
        position += bytes.length;
        relieve(bytes.length);
      }
      return { digest: hash.digest(), sizeBytes: position };
    } finally {
      await file.close();
    }
  }

  async discard(slot: SlotName): Promise<void> {
    const file = await this.#disk.open(this.#image(slot));
    try {
      await file.truncate(0);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async capacityBytes(slot: SlotName): Promise<number> {
    const file = await this.#disk.open(this.#image(slot));
    try {
      return (await this.#disk.freeBytes(this.#dir)) + (await file.sizeBytes());
    } finally {
      await file.close();
    }
  }

  pathOf(slot: SlotName): string {
    return join(this.#dir, 'slots', slot);
  }

  #image(slot: SlotName): string {
    return join(this.pathOf(slot), 'image');
  }
}
