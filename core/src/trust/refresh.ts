/**
 * One refresh of the trust (TUF 1.0.34 §5.1-5.6): walks the roots, then takes timestamp, snapshot, targets and the
 * delegated roles that are asked for. What an earlier run accepted is the floor; a file that is still current is not
 * fetched again. Accepted files are saved at once, with the bytes that came, so a cut leaves a state that the next run
 * goes on from. A broken local copy is ignored, and fetching heals it. The clock is read once, by the caller.
 */
import { TrustError } from './errors.ts';
import { TRUST_LIMITS } from './limits.ts';
import type { RoleName, TargetFile } from './metadata.ts';
import { isFreshnessRotated, type RoleNeeded, TrustedMetadata } from './trusted-metadata.ts';

/** Where accepted metadata is kept, under names without a version; names are safe as file names. */
export type TrustPersistence = {
  load(name: string): Promise<Uint8Array | undefined>;
  /** Must be durable and atomic: the whole file, or the one before. */
  save(name: string, bytes: Uint8Array): Promise<void>;
  /** Forgets the file; it may not exist. */
  remove(name: string): Promise<void>;
};

export type TrustPorts = {
  /** Gives the file, undefined when the repository does not have it, or throws when it cannot be asked. */
  readonly fetch: (name: string, sizeBytesMax: number) => Promise<Uint8Array | undefined>;
  readonly persist: TrustPersistence;
};

export type RefreshTrust = TrustPorts & {
  /** The provisioned root. A newer one that was accepted before is taken instead. */
  readonly trusted: Uint8Array;
  /** §5.1: the time against which every expiry of this refresh is judged. */
  readonly startedAt: Date;
  /** Delegated roles of the targets role to load. */
  readonly roles?: readonly RoleName[];
  /** Target paths that will be looked for; the roles on the way to them are loaded. */
  readonly paths?: readonly string[];
};

/** The name of a role's file: percent-encoded, so that no role name leaves the folder or the URL path. */
export function metadataFileName(role: RoleName, version?: number): string {
  const name = `${encodeURIComponent(role)}.json`;
  return version === undefined ? name : `${version}.${name}`;
}

async function fetchBounded(
  { fetch }: TrustPorts,
  name: string,
  sizeBytesMax: number,
): Promise<Uint8Array | undefined> {
  const bytes = await fetch(name, sizeBytesMax);
  if (bytes !== undefined && bytes.length > sizeBytesMax) {
    throw new TrustError('TRUST_LENGTH_EXCEEDED', { name, allowed: sizeBytesMax, actual: bytes.length });
  }
  return bytes;
}

type Taken = 'taken' | 'absent' | TrustError;

/** Tries the local copy. One that is broken, or of another time, is as good as none: the refusal is only remembered. */
function takeLocal(bytes: Uint8Array | undefined, take: (bytes: Uint8Array) => void): Taken {
  if (bytes === undefined) return 'absent';
  try {
    take(bytes);
    return 'taken';
  } catch (error) {
    if (error instanceof TrustError) return error;
    throw error;
  }
}

/** A file that must be there. Where it is not, and the local copy had only expired, the expiry is the reason to give. */
async function fetchRequired(
  ports: TrustPorts,
  file: { name: string; sizeBytesMax: number; local: Taken },
): Promise<Uint8Array> {
  const bytes = await fetchBounded(ports, file.name, file.sizeBytesMax);
  if (bytes !== undefined) return bytes;
  if (file.local instanceof TrustError && file.local.code === 'TRUST_EXPIRED') throw file.local;
  throw new TrustError('TRUST_FILE_MISSING', { name: file.name });
}

/** §5.3.11 before §5.3.8: after a cut between the two, the rotation is seen again. */
async function forgetFreshness(persist: TrustPersistence): Promise<void> {
  await persist.remove('timestamp.json');
  await persist.remove('snapshot.json');
}

/** The newer of the provisioned root and the one that was accepted last. */
async function startRoot({ trusted, persist, startedAt }: RefreshTrust): Promise<TrustedMetadata> {
  const provisioned = TrustedMetadata.fromRoot(trusted, startedAt);
  let accepted = provisioned;
  takeLocal(await persist.load('root.json'), (bytes) => {
    accepted = TrustedMetadata.fromRoot(bytes, startedAt);
  });
  if (accepted.root.version >= provisioned.root.version) return accepted;
  if (isFreshnessRotated(accepted.root, provisioned.root)) await forgetFreshness(persist);
  return provisioned;
}

/** §5.3: root N → N+1 until there is no next one, at most `rootRoundsMax` times. */
async function walkRoots(state: TrustedMetadata, ports: RefreshTrust): Promise<void> {
  for (let round = 0; round < TRUST_LIMITS.rootRoundsMax; round += 1) {
    const name = metadataFileName('root', state.root.version + 1);
    const bytes = await fetchBounded(ports, name, TRUST_LIMITS.rootSizeBytesMax);
    if (bytes === undefined) break;
    const { isRotated } = state.updateRoot(bytes);
    if (isRotated) await forgetFreshness(ports.persist);
    await ports.persist.save('root.json', bytes);
  }
  state.verifyRootFresh();
}

async function refreshTimestamp(state: TrustedMetadata, ports: TrustPorts): Promise<void> {
  const local = takeLocal(await ports.persist.load('timestamp.json'), (bytes) => state.recallTimestamp(bytes));
  const bytes = await fetchBounded(ports, 'timestamp.json', TRUST_LIMITS.timestampSizeBytesMax);
  if (bytes === undefined) {
    if (local === 'taken') state.verifyTimestampFresh();
    throw new TrustError('TRUST_FILE_MISSING', { name: 'timestamp.json' });
  }
  if (state.updateTimestamp(bytes)) await ports.persist.save('timestamp.json', bytes);
}

function boundOf(sizeBytes: number | undefined, sizeBytesMax: number): number {
  return Math.min(sizeBytes ?? sizeBytesMax, sizeBytesMax);
}

async function refreshSnapshot(state: TrustedMetadata, ports: TrustPorts): Promise<void> {
  const listed = state.timestamp?.snapshot;
  if (listed === undefined) throw new TrustError('TRUST_ORDER_INVALID', { role: 'snapshot' });
  const saved = await ports.persist.load('snapshot.json');
  takeLocal(saved, (bytes) => state.recallSnapshot(bytes));
  const local = takeLocal(saved, (bytes) => state.updateSnapshot(bytes));
  if (local === 'taken') return;
  const name = metadataFileName('snapshot', state.root.consistentSnapshot ? listed.version : undefined);
  const sizeBytesMax = boundOf(listed.sizeBytes, TRUST_LIMITS.snapshotSizeBytesMax);
  const bytes = await fetchRequired(ports, { name, sizeBytesMax, local });
  state.updateSnapshot(bytes);
  await ports.persist.save('snapshot.json', bytes);
}

async function loadRole(state: TrustedMetadata, needed: RoleNeeded, ports: TrustPorts): Promise<void> {
  if (state.loadedRole(needed) !== undefined) return;
  const { role, parent } = needed;
  const savedName = metadataFileName(role);
  const saved = await ports.persist.load(savedName);
  const local = takeLocal(saved, (bytes) => state.updateDelegated(bytes, role, parent));
  if (local === 'taken') return;
  const { version, sizeBytes } = state.listedRole(role);
  const name = metadataFileName(role, state.root.consistentSnapshot ? version : undefined);
  const sizeBytesMax = boundOf(sizeBytes, TRUST_LIMITS.targetsSizeBytesMax);
  const bytes = await fetchRequired(ports, { name, sizeBytesMax, local });
  state.updateDelegated(bytes, role, parent);
  await ports.persist.save(savedName, bytes);
}

/** What a trusted role says about a path, with every digest that it lists. */
export type ListedTarget = { readonly role: RoleName; readonly file: TargetFile };

/**
 * Looks for a target after a refresh, and loads the roles on the way to it. Undefined when no role lists it.
 * @throws TrustError any code but those of the producer; and whatever `fetch` and `persist` throw
 */
export async function loadTarget(
  state: TrustedMetadata,
  path: string,
  ports: TrustPorts,
): Promise<ListedTarget | undefined> {
  for (;;) {
    const search = state.searchTarget(path);
    if (search.kind === 'absent') return undefined;
    if (search.kind === 'found') return { role: search.role, file: search.file };
    await loadRole(state, search.needed, ports);
  }
}

/**
 * Brings the trust up to date and gives what is trusted now. When the last root, or anything after it, has expired and
 * the repository has nothing newer, that is TRUST_EXPIRED with the role in its details; a newer file heals it.
 * @throws TrustError any code but those of the producer; and whatever `fetch` and `persist` throw
 */
export async function refreshTrust(ports: RefreshTrust): Promise<TrustedMetadata> {
  const state = await startRoot(ports);
  await walkRoots(state, ports);
  await refreshTimestamp(state, ports);
  await refreshSnapshot(state, ports);
  await loadRole(state, { role: 'targets', parent: 'root' }, ports);
  for (const role of ports.roles ?? []) await loadRole(state, { role, parent: 'targets' }, ports);
  for (const path of ports.paths ?? []) await loadTarget(state, path, ports);
  return state;
}
