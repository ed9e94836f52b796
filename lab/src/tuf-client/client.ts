/**
 * A TUF client in the form that the conformance suite drives (docs/operate/tuf-conformance.md): three commands over the
 * verifier of core, which does all the judging. Nothing here decides what is trusted.
 */
import { isCodedError } from '@pawl/core/bytes';
import {
  loadTarget,
  refreshTrust,
  type TargetFile,
  type TrustedMetadata,
  type TrustPorts,
  verifyListedBytes,
} from '@pawl/core/trust';
import { fetchBytes, urlBelow } from './fetch.ts';
import { persistenceIn, readFileIn, saveFileIn } from './folder.ts';

const ROOT_NAME = 'root.json';
/** An artifact that is listed as longer than this is not fetched. */
const ARTIFACT_SIZE_BYTES_MAX = 1_000_000_000;

export type Repository = { readonly metadataDir: string; readonly metadataUrl: string; readonly now: Date };
export type Downloads = {
  readonly paths: readonly string[];
  readonly targetBaseUrl: string;
  readonly targetDir: string;
};

/** Takes a root as trusted. Nothing is asked of the repository, and nothing is checked before the first refresh. */
export async function initClient(metadataDir: string, root: Uint8Array): Promise<void> {
  await saveFileIn(metadataDir, ROOT_NAME, root);
}

type Refreshed = { readonly state: TrustedMetadata; readonly ports: TrustPorts };

/** Brings the four top-level roles up to date. @throws TrustError, and Error for what the network does */
export async function refreshClient({ metadataDir, metadataUrl, now }: Repository): Promise<Refreshed> {
  const trusted = await readFileIn(metadataDir, ROOT_NAME);
  if (trusted === undefined) throw new Error(`${metadataDir} has no ${ROOT_NAME}; run "init" first`);
  const ports: TrustPorts = {
    fetch: (name, sizeBytesMax) => fetchBytes(urlBelow(metadataUrl, name), sizeBytesMax),
    persist: persistenceIn(metadataDir),
  };
  return { state: await refreshTrust({ ...ports, trusted, startedAt: now }), ports };
}

function isListed(file: TargetFile, bytes: Uint8Array): boolean {
  try {
    verifyListedBytes(file.path, file, bytes);
    return true;
  } catch (error) {
    if (isCodedError(error)) return false;
    throw error;
  }
}

/** `dir/name` is `dir/DIGEST.name` in a repository with consistent snapshots. */
function artifactName({ path, digests }: TargetFile, isConsistent: boolean): string {
  const parts = path.split('/').map((part) => encodeURIComponent(part));
  const digest = digests.get('sha256') ?? digests.get('sha512');
  if (isConsistent && digest !== undefined) parts.push(`${digest}.${parts.pop() ?? ''}`);
  return parts.join('/');
}

async function downloadOne({ state, ports }: Refreshed, path: string, downloads: Downloads): Promise<void> {
  const file = (await loadTarget(state, path, ports))?.file;
  if (file === undefined) throw new Error(`no trusted role lists ${path}`);
  if (file.sizeBytes > ARTIFACT_SIZE_BYTES_MAX) throw new Error(`${path} is listed as too long`);
  const name = encodeURIComponent(path);
  const cached = await readFileIn(downloads.targetDir, name);
  if (cached !== undefined && isListed(file, cached)) return;
  const url = urlBelow(downloads.targetBaseUrl, artifactName(file, state.root.consistentSnapshot));
  const bytes = await fetchBytes(url, file.sizeBytes);
  if (bytes === undefined) throw new Error(`${url.href} is not there`);
  verifyListedBytes(path, file, bytes);
  await saveFileIn(downloads.targetDir, name, bytes);
}

/** Refreshes, then downloads one target after the other; the first that fails ends it. @throws TrustError, Error */
export async function downloadTargets(repository: Repository, downloads: Downloads): Promise<void> {
  const refreshed = await refreshClient(repository);
  for (const path of downloads.paths) await downloadOne(refreshed, path, downloads);
}
