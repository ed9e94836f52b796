/**
 * Key files and key references on disk: written whole or not at all (temporary file, fsync, link, fsync of the folder), readable by the
 * owner only, and never over an existing file: an overwritten key is gone for good.
 */
import { randomBytes } from 'node:crypto';
import { link, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KeysError } from './errors.ts';
import { expectObject, parseJson } from './json-members.ts';
import { encodeKeyFile, type KeyFile, parseKeyFile } from './key-file.ts';
import { encodeKeyReference, type KeyReference, parseKeyReference } from './key-reference.ts';

const MODE_OWNER_ONLY = 0o600;

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Beside the file itself, so that a link or rename is one step; its name does not end in .json. */
function temporaryPath(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.tmp`;
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

/** A key as a workspace stores it: sealed in the file itself, or elsewhere. */
export type StoredKey = KeyFile | KeyReference;

export function isKeyReference(stored: StoredKey): stored is KeyReference {
  return 'signer' in stored;
}

function encodeStoredKey(stored: StoredKey): Uint8Array {
  return isKeyReference(stored) ? encodeKeyReference(stored) : encodeKeyFile(stored);
}

function failure(path: string, cause: unknown): KeysError {
  return new KeysError(codeOf(cause) === 'EEXIST' ? 'KEYS_FILE_EXISTS' : 'KEYS_FILE_UNWRITABLE', { path }, cause);
}

/**
 * Writes a key file or reference, readable by its owner only.
 * @throws KeysError KEYS_FILE_EXISTS, KEYS_FILE_UNWRITABLE
 */
export async function saveKeyFile(path: string, stored: StoredKey): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    try {
      await writeNew(temporary, encodeStoredKey(stored));
      // link, not rename: it refuses when the name is taken, in the same step.
      await link(temporary, path);
    } finally {
      await unlink(temporary).catch(() => undefined);
    }
    await syncFolder(path);
  } catch (cause) {
    throw failure(path, cause);
  }
}

/**
 * Puts a key file in the place of the one that is there, when the new file, as it lies on the disk, has passed the proof;
 * until then, and after any failure, the old one stays.
 * @throws KeysError KEYS_FILE_UNWRITABLE, and what the proof throws
 */
export async function replaceKeyFile(
  path: string,
  file: KeyFile,
  prove: (written: KeyFile) => Promise<void>,
): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    await writeNew(temporary, encodeKeyFile(file)).catch((cause: unknown) => Promise.reject(failure(path, cause)));
    await prove(await loadKeyFile(temporary));
    await rename(temporary, path).catch((cause: unknown) => Promise.reject(failure(path, cause)));
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(path).catch((cause: unknown) => Promise.reject(failure(path, cause)));
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new KeysError('KEYS_FILE_UNREADABLE', { path }, cause);
  }
}

/**
 * Reads a key file; the private key stays sealed.
 * @throws KeysError KEYS_FILE_UNREADABLE, KEYS_FILE_MALFORMED, KEYS_ALGORITHM_NOT_ALLOWED
 */
export async function loadKeyFile(path: string): Promise<KeyFile> {
  return parseKeyFile(await read(path));
}

/**
 * Reads a key file or a key reference, whichever it is.
 * @throws KeysError KEYS_FILE_UNREADABLE, KEYS_FILE_MALFORMED, KEYS_ALGORITHM_NOT_ALLOWED
 */
export async function loadStoredKey(path: string): Promise<StoredKey> {
  const bytes = await read(path);
  const isReference = Object.hasOwn(expectObject(parseJson(bytes), 'file'), 'pawlKeyReference');
  return isReference ? parseKeyReference(bytes) : parseKeyFile(bytes);
}
