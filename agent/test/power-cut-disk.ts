/**
 * A disk whose power fails at a chosen change. What was written and not synced may be there afterwards (`after`), half
 * there (`torn`), or gone (`lost`: files as at their last fsync, names as at the last fsync of their folder). Files lie
 * on the real disk; fsync itself is left out, because nothing here depends on the machine's own power.
 */
import { existsSync } from 'node:fs';
import { lstat, readFile, readlink, rename, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Disk, type DiskFile, nodeDisk } from '../src/disk.ts';

export const CUT_MODES = ['before', 'after', 'torn', 'lost'] as const;
export type CutMode = (typeof CUT_MODES)[number];

export class PowerCut extends Error {}

type Undo = { readonly scope: string; readonly run: () => Promise<void> };

/** What stands under a name, to be put back. */
async function keep(path: string): Promise<() => Promise<void>> {
  const stat = await lstat(path).catch(() => undefined);
  if (stat === undefined) return async () => unlink(path).catch(() => undefined);
  if (stat.isSymbolicLink()) {
    const target = await readlink(path);
    return async () => {
      await unlink(path).catch(() => undefined);
      await symlink(target, path);
    };
  }
  const bytes = await readFile(path);
  return async () => {
    await unlink(path).catch(() => undefined);
    await writeFile(path, bytes);
  };
}

export class PowerCutDisk implements Disk {
  readonly #cutAt: number;
  readonly #mode: CutMode;
  #undos: Undo[] = [];
  #isOff = false;
  changes = 0;

  constructor(cutAt: number, mode: CutMode) {
    this.#cutAt = cutAt;
    this.#mode = mode;
  }

  async #cut(): Promise<never> {
    this.#isOff = true;
    if (this.#mode === 'lost') for (const undo of this.#undos.toReversed()) await undo.run();
    throw new PowerCut('the power failed');
  }

  #assertOn(): void {
    if (this.#isOff) throw new PowerCut('the power is off');
  }

  /** One change: counted, undone later when it was not made durable, or never reached. */
  async change(change: {
    readonly scope: string;
    readonly undo?: () => Promise<() => Promise<void>>;
    readonly run: () => Promise<void>;
    readonly half?: () => Promise<void>;
  }): Promise<void> {
    this.#assertOn();
    this.changes += 1;
    const isCut = this.changes === this.#cutAt;
    if (isCut && this.#mode === 'before') await this.#cut();
    if (change.undo !== undefined) this.#undos.push({ scope: change.scope, run: await change.undo() });
    if (isCut && this.#mode === 'torn') await (change.half ?? change.run)();
    else await change.run();
    if (isCut) await this.#cut();
  }

  made(scope: string): void {
    this.#undos = this.#undos.filter((undo) => undo.scope !== scope);
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    this.#assertOn();
    return nodeDisk.read(path);
  }

  async open(path: string): Promise<DiskFile> {
    this.#assertOn();
    if (existsSync(path)) return new PowerCutFile(this, path, await nodeDisk.open(path));
    let file: DiskFile | undefined;
    try {
      await this.change({
        scope: dirname(path),
        undo: () => keep(path),
        run: async () => {
          file = await nodeDisk.open(path);
        },
      });
    } catch (error) {
      // The cut came after the file was made: nobody else can close it.
      await file?.close();
      throw error;
    }
    if (file === undefined) throw new Error('not opened');
    return new PowerCutFile(this, path, file);
  }

  async openToRead(path: string): Promise<DiskFile> {
    this.#assertOn();
    return nodeDisk.openToRead(path);
  }

  async makeFolder(path: string): Promise<void> {
    await this.change({ scope: dirname(path), run: () => nodeDisk.makeFolder(path) });
  }

  async rename(from: string, to: string): Promise<void> {
    const undo = async (): Promise<() => Promise<void>> => {
      const putBack = await keep(to);
      return async () => {
        await rename(to, from);
        await putBack();
      };
    };
    await this.change({ scope: dirname(to), undo, run: () => nodeDisk.rename(from, to) });
  }

  async link(target: string, path: string): Promise<void> {
    await this.change({ scope: dirname(path), undo: () => keep(path), run: () => nodeDisk.link(target, path) });
  }

  async readLink(path: string): Promise<string | undefined> {
    this.#assertOn();
    return nodeDisk.readLink(path);
  }

  async remove(path: string): Promise<void> {
    await this.change({ scope: dirname(path), undo: () => keep(path), run: () => nodeDisk.remove(path) });
  }

  async syncFolder(path: string): Promise<void> {
    await this.change({ scope: path, run: async () => this.made(path) });
  }

  async freeBytes(path: string): Promise<number> {
    this.#assertOn();
    return nodeDisk.freeBytes(path);
  }
}

class PowerCutFile implements DiskFile {
  readonly #disk: PowerCutDisk;
  readonly #path: string;
  readonly #file: DiskFile;

  constructor(disk: PowerCutDisk, path: string, file: DiskFile) {
    this.#disk = disk;
    this.#path = path;
    this.#file = file;
  }

  sizeBytes(): Promise<number> {
    return this.#file.sizeBytes();
  }

  read(position: number, sizeBytes: number): Promise<Uint8Array> {
    return this.#file.read(position, sizeBytes);
  }

  /** What stands from `position` on, to be put back into this very file. */
  async #keepFrom(position: number): Promise<() => Promise<void>> {
    const bytes = await this.#file.read(position, Math.max(0, (await this.#file.sizeBytes()) - position));
    return async () => {
      await truncate(this.#path, position);
      await writeFile(this.#path, bytes, { flag: 'a' });
    };
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    await this.#disk.change({
      scope: this.#path,
      undo: () => this.#keepFrom(position),
      run: () => this.#file.write(position, bytes),
      half: () => this.#file.write(position, bytes.subarray(0, bytes.length >> 1)),
    });
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#disk.change({
      scope: this.#path,
      undo: () => this.#keepFrom(sizeBytes),
      run: () => this.#file.truncate(sizeBytes),
    });
  }

  async sync(): Promise<void> {
    await this.#disk.change({ scope: this.#path, run: async () => this.#disk.made(this.#path) });
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
