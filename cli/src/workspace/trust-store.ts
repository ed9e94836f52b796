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
  checkSuccessor,
  encodeLineKeys,
  encodeReleaseCustom,
  type LineKeys,
  lineKeysPath,
  type Metadata,
  newRoot,
  newTargets,
  nextTargets,
  parseLineKeys,
  parseRoot,
  parseTargets,
  type RoleName,
  type Signable,
  signMetadata,
  type Targets,
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
export type DraftTrust = {
  readonly rootKeys: readonly PublicKey[];
  readonly rootThreshold: number;
  readonly releaseKeys: readonly PublicKey[];
  readonly releaseThreshold: number;
  readonly online: OnlineKeys;
  readonly lines: readonly LineKeys[];
  readonly now: Date;
};
type Draft = {
  readonly metadata: ReadonlyMap<RoleName, Signable>;
  readonly lineKeys: ReadonlyMap<string, Uint8Array>;
};
export type NewTrust = Pick<DraftTrust, 'online' | 'lines' | 'now'> & {
  readonly rootSigner: Signer;
  readonly releaseSigner: Signer;
};

function trustPath(dir: string, name: string): string {
  return join(dir, 'trust', name);
}

/** When an offline role that is signed now expires. */
export function expiryOf(role: RoleName, now: Date): Date {
  const days = LIFETIME_DAYS[role === 'root' || role === 'targets' ? role : 'line'];
  return new Date(now.getTime() + days * DAY_MS);
}

/** The first root, targets with the key list and the delegation of each line, and an empty role for each line; unsigned. */
export function draftTrust(draft: DraftTrust): Draft {
  const { rootKeys, rootThreshold, releaseKeys, releaseThreshold, online, lines, now } = draft;
  const root = newRoot({
    keys: { root: rootKeys, targets: releaseKeys, snapshot: [online.snapshot], timestamp: [online.timestamp] },
    thresholds: { root: rootThreshold, targets: releaseThreshold },
    expiresAt: expiryOf('root', now),
  });
  let targets = newTargets({ expiresAt: expiryOf('targets', now) });
  const metadata = new Map<RoleName, Signable>();
  const lineKeys = new Map<string, Uint8Array>();
  for (const line of lines) {
    const bytes = encodeLineKeys(line);
    const { line: role } = line;
    targets = withTarget(targets, { path: lineKeysPath(role), sizeBytes: bytes.length, sha256: sha256(bytes) });
    const delegation = { role, keys: releaseKeys, threshold: releaseThreshold, paths: [`${role}/*/*`] };
    targets = withDelegation(targets, delegation);
    lineKeys.set(role, bytes);
    metadata.set(role, newTargets({ expiresAt: expiryOf(role, now) }));
  }
  return { metadata: metadata.set('root', root).set('targets', targets), lineKeys };
}

/** The first trust of one operator, signed and kept. */
export async function createTrust(dir: string, { rootSigner, releaseSigner, ...rest }: NewTrust): Promise<void> {
  const { metadata, lineKeys } = draftTrust({
    ...rest,
    rootKeys: [rootSigner.publicKey],
    rootThreshold: 1,
    releaseKeys: [releaseSigner.publicKey],
    releaseThreshold: 1,
  });
  const signed = new Map<RoleName, Uint8Array>();
  for (const [role, unsigned] of metadata) {
    signed.set(role, await signMetadata(unsigned, [role === 'root' ? rootSigner : releaseSigner]));
  }
  await saveTrust(dir, signed, lineKeys);
}

function fileNameOf(role: RoleName, bytes: Uint8Array): string {
  return role === 'root' ? `${parseRoot(bytes).signed.version}.root.json` : `${role}.json`;
}

/** Keeps signed files. Targets come last: with them, `hasTrust` says that there is a trust. */
export async function saveTrust(
  dir: string,
  metadata: ReadonlyMap<RoleName, Uint8Array>,
  lineKeys: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  for (const [line, bytes] of lineKeys) await writeOutput(trustPath(dir, lineKeysPath(line)), bytes);
  const roles = [...metadata].toSorted(([a], [b]) => Number(a === 'targets') - Number(b === 'targets'));
  for (const [role, bytes] of roles) await writeOutput(trustPath(dir, fileNameOf(role, bytes)), bytes);
}

/** What is published, as the operator knows it: the newest root, targets, and the lists of the lines. */
export async function loadTrustBase(dir: string, lines: readonly string[]): Promise<Map<RoleName, Uint8Array>> {
  const base = new Map<RoleName, Uint8Array>();
  const root = (await loadRoots(dir)).at(-1);
  if (root !== undefined) base.set('root', root.bytes);
  for (const role of ['targets', ...lines]) {
    if (await isPresent(trustPath(dir, `${role}.json`))) base.set(role, await loadMetadata(dir, `${role}.json`));
  }
  return base;
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

export type Listing = {
  /** The next version of the line's list, unsigned; undefined when the release is listed already. */
  readonly next: Metadata<Targets> | undefined;
  readonly current: Uint8Array;
};

/**
 * Lists a release in its line's role.
 * @throws CliError CLI_RELEASE_MISMATCH when that version is listed already with other bytes
 */
export async function draftListing(dir: string, release: ReleaseDescription, now: Date): Promise<Listing> {
  const current = await loadMetadata(dir, `${release.line}.json`);
  let targets = parseTargets(current);
  const listed = release.artifacts.map((artifact) => {
    const path = `${release.line}/${release.version}/${artifact.name}`;
    return { artifact, path, known: targets.signed.targets.get(path)?.digests.get('sha256') };
  });
  // A release is immutable: a version that devices may have seen is never listed with other bytes.
  const changed = listed.find(({ artifact, known }) => known !== undefined && known !== artifact.sha256);
  if (changed !== undefined)
    throw new CliError('CLI_RELEASE_MISMATCH', { target: changed.path, expected: changed.known });
  if (listed.every(({ known }) => known !== undefined)) return { current, next: undefined };
  targets = nextTargets(targets, { expiresAt: expiryOf(release.line, now) });
  for (const { artifact, path } of listed) {
    targets = withTarget(targets, {
      path,
      sizeBytes: artifact.sizeBytes,
      sha256: fromHex(artifact.sha256),
      ...(artifact.role === 'envelope' ? { custom: encodeReleaseCustom(release) } : {}),
    });
  }
  return { current, next: targets };
}

/**
 * Lists a release, signs the next version of the list and keeps it.
 * @throws CliError CLI_RELEASE_MISMATCH; TrustError of `checkSuccessor`
 */
export async function listRelease(
  dir: string,
  release: ReleaseDescription,
  { signer, now }: { readonly signer: Signer; readonly now: Date },
): Promise<{ readonly bytes: Uint8Array; readonly isNew: boolean }> {
  const { current, next } = await draftListing(dir, release, now);
  if (next === undefined) return { bytes: current, isNew: false };
  const bytes = await signMetadata(next, [signer]);
  // A list that devices would refuse is not kept: a revoked key would stand in the way of every later change.
  checkSuccessor(current, bytes, { role: release.line, targets: await loadMetadata(dir, 'targets.json'), now });
  await writeOutput(trustPath(dir, `${release.line}.json`), bytes);
  return { bytes, isNew: true };
}
