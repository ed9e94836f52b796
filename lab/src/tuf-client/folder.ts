/**
 * The two folders of the client: accepted metadata with the bytes that came, and artifacts. A file is written beside its
 * place and renamed, so that a cut leaves the whole file or the one before. Names that the repository chooses (roles,
 * target paths) are percent-encoded, so that none of them leaves its folder.
 */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrustPersistence } from '@pawl/core/trust';

/** The bytes of a file, undefined when there is none. */
export async function readFileIn(dir: string, name: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(join(dir, name)));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Replaces a file as a whole. */
export async function saveFileIn(dir: string, name: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, name);
  const file = await open(`${path}.new`, 'w');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}

/** Accepted metadata in a folder, under names without a version. */
export function persistenceIn(dir: string): TrustPersistence {
  return {
    load: (name) => readFileIn(dir, name),
    save: (name, bytes) => saveFileIn(dir, name, bytes),
    remove: (name) => rm(join(dir, name), { force: true }),
  };
}
