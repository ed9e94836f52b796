/**
 * The operator's side of the TUF repository, in `trust/`: every root (`N.root.json`), the newest targets and line roles,
 * and the key lists of the lines (`keys/<line>.cbor`). Snapshot and timestamp are the server's; only their public keys
 * stand in the root. What is written here is signed; nothing is signed that was not parsed by the reader clients use.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fromHex } from '@pawl/core/bytes';
import type { PublicKey, Signer } from '@pawl/core/crypto';
import { sha256 } from '@pawl/core/crypto';
import {
  encodeLineKeys,
  encodeReleaseCustom,
  type LineKeys,
  lineKeysPath,
  newRoot,
  newTargets,
  nextTargets,
  parseLineKeys,
  parseTargets,
  signMetadata,
  withDelegation,
  withTarget,
} from '@pawl/core/trust';
import { CliError } from '../frame/errors.ts';
import { isPresent, readInput, writeOutput } from './files.ts';
import type { ReleaseDescription } from './release-folder.ts';

const DAY_MS = 86_400_000;
const METADATA_BYTES_MAX = 16 * 1024 * 1024;
/** How long the offline roles are valid: long enough to sign them by hand, short enough that forgetting shows. */
const LIFETIME_DAYS = { root: 365, targets: 180, line: 90 } as const;

type OnlineKeys = { readonly snapshot: PublicKey; readonly timestamp: PublicKey };
export type NewTrust = {
  readonly rootSigner: Signer;
  readonly releaseSigner: Signer;
  readonly online: OnlineKeys;
  readonly lines: readonly LineKeys[];
  readonly now: Date;
};

function trustPath(dir: string, name: string): string {
  return join(dir, 'trust', name);
}

function expiry(now: Date, role: keyof typeof LIFETIME_DAYS): Date {
  return new Date(now.getTime() + LIFETIME_DAYS[role] * DAY_MS);
}

/** The first root, targets with the key list and the delegation of each line, and an empty role for each line. */
export async function createTrust(
  dir: string,
  { rootSigner, releaseSigner, online, lines, now }: NewTrust,
): Promise<void> {
  const release = [releaseSigner.publicKey];
  const root = newRoot({
    keys: {
      root: [rootSigner.publicKey],
      targets: release,
      snapshot: [online.snapshot],
      timestamp: [online.timestamp],
    },
    expiresAt: expiry(now, 'root'),
  });
  let targets = newTargets({ expiresAt: expiry(now, 'targets') });
  for (const line of lines) {
    const bytes = encodeLineKeys(line);
    targets = withTarget(targets, { path: lineKeysPath(line.line), sizeBytes: bytes.length, sha256: sha256(bytes) });
    targets = withDelegation(targets, { role: line.line, keys: release, paths: [`${line.line}/*/*`] });
    await writeOutput(trustPath(dir, lineKeysPath(line.line)), bytes);
    const role = newTargets({ expiresAt: expiry(now, 'line') });
    await writeOutput(trustPath(dir, `${line.line}.json`), await signMetadata(role, [releaseSigner]));
  }
  await writeOutput(trustPath(dir, '1.root.json'), await signMetadata(root, [rootSigner]));
  await writeOutput(trustPath(dir, 'targets.json'), await signMetadata(targets, [releaseSigner]));
}

export async function hasTrust(dir: string): Promise<boolean> {
  return isPresent(trustPath(dir, 'targets.json'));
}

export async function loadMetadata(dir: string, name: string): Promise<Uint8Array> {
  return readInput(trustPath(dir, name), METADATA_BYTES_MAX);
}

/** All roots, oldest first, with their version. */
export async function loadRoots(dir: string): Promise<{ readonly version: number; readonly bytes: Uint8Array }[]> {
  const folder = join(dir, 'trust');
  const names = (await isPresent(folder)) ? await readdir(folder) : [];
  const versions = names.flatMap((name) => {
    const match = /^(\d{1,9})\.root\.json$/.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
  return Promise.all(
    versions
      .toSorted((a, b) => a - b)
      .map(async (version) => ({ version, bytes: await loadMetadata(dir, `${version}.root.json`) })),
  );
}

export async function loadLineKeysBytes(dir: string, line: string): Promise<Uint8Array> {
  return loadMetadata(dir, lineKeysPath(line));
}

export async function loadLineKeys(dir: string, line: string): Promise<LineKeys> {
  return parseLineKeys(await loadLineKeysBytes(dir, line), line);
}

/**
 * Lists a release in its line's role, signs the next version of that role and keeps it.
 * @throws CliError CLI_RELEASE_MISMATCH when that version is listed already with other bytes
 */
export async function listRelease(
  dir: string,
  release: ReleaseDescription,
  { signer, now }: { readonly signer: Signer; readonly now: Date },
): Promise<{ readonly bytes: Uint8Array; readonly isNew: boolean }> {
  const name = `${release.line}.json`;
  const current = await loadMetadata(dir, name);
  let targets = parseTargets(current);
  const listed = release.artifacts.map((artifact) => {
    const path = `${release.line}/${release.version}/${artifact.name}`;
    return { artifact, path, known: targets.signed.targets.get(path)?.digests.get('sha256') };
  });
  // A release is immutable: a version that devices may have seen is never listed with other bytes.
  const changed = listed.find(({ artifact, known }) => known !== undefined && known !== artifact.sha256);
  if (changed !== undefined)
    throw new CliError('CLI_RELEASE_MISMATCH', { target: changed.path, expected: changed.known });
  if (listed.every(({ known }) => known !== undefined)) return { bytes: current, isNew: false };
  targets = nextTargets(targets, { expiresAt: expiry(now, 'line') });
  for (const { artifact, path } of listed) {
    targets = withTarget(targets, {
      path,
      sizeBytes: artifact.sizeBytes,
      sha256: fromHex(artifact.sha256),
      ...(artifact.role === 'envelope' ? { custom: encodeReleaseCustom(release) } : {}),
    });
  }
  const bytes = await signMetadata(targets, [signer]);
  await writeOutput(trustPath(dir, name), bytes);
  return { bytes, isNew: true };
}
