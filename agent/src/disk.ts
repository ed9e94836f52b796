/**
 * The disk as a port: everything that the agent changes on storage goes through here, so that a test can cut the power at
 * any single change. Nothing is durable before `sync` of the file, and for names `syncFolder` of their folder.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, readlink, rename, statfs, symlink, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AgentError } from './errors.ts';

const MODE_OWNER_ONLY = 0o600;
const MODE_FOLDER = 0o700;

export interface DiskFile {
  sizeBytes(): Promise<number>;
  /** Fewer bytes than asked for only at the end of the file. */
  read(position: number, sizeBytes: number): Promise<Uint8Array>;
  write(position: number, bytes: Uint8Array): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface Disk {
  /** Undefined when the file does not exist. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** For reading and writing; made, readable by its owner only, when it does not exist. */
  open(path: string): Promise<DiskFile>;
  openToRead(path: string): Promise<DiskFile>;
  makeFolder(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  link(target: string, path: string): Promise<void>;
  /** Where a symbolic link points to; undefined when there is none. */
  readLink(path: string): Promise<string | undefined>;
  /** The file may not exist. */
  remove(path: string): Promise<void>;
  syncFolder(path: string): Promise<void>;
  freeBytes(path: string): Promise<number>;
}

function systemCodeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** The last two: a file stands where a folder should. */
const READ_ONLY: ReadonlySet<string | undefined> = new Set(['EROFS', 'EACCES', 'EPERM', 'ENOTDIR', 'EEXIST']);
const MISSING: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR']);

async function changing<T>(path: string, change: () => Promise<T>): Promise<T> {
  try {
    return await change();
  } catch (cause) {
    const code = systemCodeOf(cause);
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new AgentError('AGENT_DISK_FULL', { path }, cause);
    if (READ_ONLY.has(code)) throw new AgentError('AGENT_STATE_READ_ONLY', { path }, cause);
    throw cause;
  }
}

async function unlessMissing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (MISSING.has(systemCodeOf(error))) return undefined;
    throw error;
  }
}

class NodeFile implements DiskFile {
  readonly #path: string;
  readonly #handle: FileHandle;

  constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  async sizeBytes(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  async read(position: number, sizeBytes: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(sizeBytes);
    let done = 0;
    while (done < sizeBytes) {
      const { bytesRead } = await this.#handle.read(bytes, done, sizeBytes - done, position + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
    return bytes.subarray(0, done);
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    await changing(this.#path, async () => {
      let done = 0;
      while (done < bytes.length) {
        done += (await this.#handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
      }
    });
  }

  async truncate(sizeBytes: number): Promise<void> {
    await changing(this.#path, () => this.#handle.truncate(sizeBytes));
  }

  async sync(): Promise<void> {
    await changing(this.#path, () => this.#handle.sync());
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The real disk. */
export const nodeDisk: Disk = {
  read: (path) => unlessMissing(async () => new Uint8Array(await readFile(path))),
  open: (path) =>
    changing(
      path,
      async () => new NodeFile(path, await open(path, constants.O_RDWR | constants.O_CREAT, MODE_OWNER_ONLY)),
    ),
  openToRead: async (path) => new NodeFile(path, await open(path, 'r')),
  makeFolder: (path) =>
    changing(path, async () => {
      await mkdir(path, { recursive: true, mode: MODE_FOLDER });
    }),
  rename: (from, to) => changing(to, () => rename(from, to)),
  link: (target, path) => changing(path, () => symlink(target, path)),
  readLink: (path) => unlessMissing(() => readlink(path)),
  remove: (path) =>
    changing(path, async () => {
      await unlessMissing(() => unlink(path));
    }),
  syncFolder: (path) => changing(path, () => syncFolder(path)),
  freeBytes: async (path) => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
};

/** Writes a whole file, or leaves the one before: temporary file, fsync, rename, fsync of the folder. */
export async function saveFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.new`;
  await disk.remove(temporary);
  const file = await disk.open(temporary);
  try {
    await file.write(0, bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
  await disk.syncFolder(dirname(path));
}
