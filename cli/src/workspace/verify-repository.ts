/**
 * Verifies a folder of TUF metadata as a client would: from a root that was given, over every newer root, to timestamp,
 * snapshot, targets and the line roles. Nothing is fetched and nothing is kept.
 */
import { basename, join } from 'node:path';
import { parseSnapshot, refreshTrust } from '@pawl/core/trust';
import { isPresent, readInput } from './files.ts';

const METADATA_BYTES_MAX = 16 * 1024 * 1024;

export type RepositoryFacts = {
  readonly rootVersion: number;
  readonly timestampVersion: number | undefined;
  readonly roles: readonly string[];
};

/** @throws TrustError; CliError CLI_FILE_UNREADABLE */
export async function verifyRepository(dir: string, rootPath: string, now: Date): Promise<RepositoryFacts> {
  const fetched = new Map<string, Uint8Array>();
  const read = async (name: string): Promise<Uint8Array | undefined> => {
    const path = join(dir, basename(name));
    const bytes = (await isPresent(path)) ? await readInput(path, METADATA_BYTES_MAX) : undefined;
    if (bytes !== undefined) fetched.set(name, bytes);
    return bytes;
  };
  const options = {
    trusted: await readInput(rootPath, METADATA_BYTES_MAX),
    fetch: read,
    persist: { load: async () => undefined, save: async () => undefined, remove: async () => undefined },
    startedAt: now,
  };
  const top = await refreshTrust(options);
  // The snapshot has been verified above: it says which roles there are.
  const snapshotName = [...fetched.keys()].find((name) => /(^|\.)snapshot\.json$/.test(name));
  const snapshot = snapshotName === undefined ? undefined : fetched.get(snapshotName);
  const listed = snapshot === undefined ? [] : [...parseSnapshot(snapshot).signed.roles.keys()];
  const roles = listed.filter((role) => role !== 'targets');
  await refreshTrust({ ...options, roles });
  return { rootVersion: top.root.version, timestampVersion: top.timestamp?.version, roles: ['targets', ...roles] };
}
