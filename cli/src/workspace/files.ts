/**
 * Files of the operator's side. Reads are bounded, writes are all or nothing: temporary file, fsync, rename. A file that
 * holds a secret is made with mode 0600 from its first byte.
 */
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { CliError } from '../frame/errors.ts';

const SIZE_BYTES_MAX = 1024 * 1024 * 1024;

/** @throws CliError CLI_FILE_UNREADABLE */
export async function readInput(path: string, sizeBytesMax: number = SIZE_BYTES_MAX): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size > sizeBytesMax) throw new CliError('CLI_FILE_UNREADABLE', { path, sizeBytes: size, sizeBytesMax });
    return new Uint8Array(await readFile(path));
  } catch (error) {
    throw error instanceof CliError
      ? error
      : new CliError('CLI_FILE_UNREADABLE', { path, reason: reasonOf(error) }, error);
  }
}

/** The first bytes of a file, fewer when it is shorter. @throws CliError CLI_FILE_UNREADABLE */
export async function readStart(path: string, sizeBytes: number): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const { bytesRead, buffer } = await file.read(new Uint8Array(sizeBytes), 0, sizeBytes, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new CliError('CLI_FILE_UNREADABLE', { path, reason: reasonOf(error) }, error);
  }
}

/** @throws CliError CLI_FILE_UNREADABLE */
export async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readInput(path, 16 * 1024 * 1024));
}

export async function isPresent(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
}

/** @throws CliError CLI_FILE_UNWRITABLE */
export async function writeOutput(path: string, content: Uint8Array | string, mode = 0o644): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'w', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw new CliError('CLI_FILE_UNWRITABLE', { path, reason: reasonOf(error) }, error);
  }
}

/** @throws CliError CLI_FILE_EXISTS */
export async function assertAbsent(path: string): Promise<void> {
  if (await isPresent(path)) throw new CliError('CLI_FILE_EXISTS', { path });
}

export function inFolder(folder: string, path: string): string {
  return resolve(folder, path);
}
