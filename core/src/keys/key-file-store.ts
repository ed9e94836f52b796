/**
 * Key files on disk: written whole or not at all (temporary file, fsync, link, fsync of the folder), readable by the
 * owner only, and never over an existing file: an overwritten key is gone for good.
 */
import { randomBytes } from 'node:crypto';
import { link, open, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KeysError } from './errors.ts';
import { encodeKeyFile, type KeyFile, parseKeyFile } from './key-file.ts';

const MODE_OWNER_ONLY = 0o600;

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx', MODE_OWNER_ONLY);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Writes a key file, readable by its owner only.
 * @throws KeysError KEYS_FILE_EXISTS, KEYS_FILE_UNWRITABLE
 */
export async function saveKeyFile(path: string, file: KeyFile): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    try {
      await writeNew(temporary, encodeKeyFile(file));
      // link, not rename: it refuses when the name is taken, in the same step.
      await link(temporary, path);
    } finally {
      await unlink(temporary).catch(() => undefined);
    }
    await syncFolder(path);
  } catch (cause) {
    throw new KeysError(codeOf(cause) === 'EEXIST' ? 'KEYS_FILE_EXISTS' : 'KEYS_FILE_UNWRITABLE', { path }, cause);
  }
}

/**
 * Reads a key file; the private key stays sealed.
 * @throws KeysError KEYS_FILE_UNREADABLE, KEYS_FILE_MALFORMED, KEYS_ALGORITHM_NOT_ALLOWED
 */
export async function loadKeyFile(path: string): Promise<KeyFile> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new KeysError('KEYS_FILE_UNREADABLE', { path }, cause);
  }
  return parseKeyFile(bytes);
}
