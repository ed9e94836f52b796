/** The trust of the device on its disk and over the network: the ports of `refreshTrust`. */
import { dirname, join } from 'node:path';
import { refreshTrust, TrustError, type TrustedMetadata, type TrustPersistence } from '@pawl/core/trust';
import type { Device } from './device.ts';
import { type Disk, saveFile } from './disk.ts';
import { AgentError } from './errors.ts';

function persistenceIn(disk: Disk, dir: string): TrustPersistence {
  const pathOf = (name: string): string => join(dir, `accepted-${name}`);
  return {
    load: (name) => disk.read(pathOf(name)),
    save: (name, bytes) => saveFile(disk, pathOf(name), bytes),
    remove: async (name) => {
      const path = pathOf(name);
      await disk.remove(path);
      await disk.syncFolder(dirname(path));
    },
  };
}

/**
 * A file of the server, undefined when it does not have it. More bytes than allowed are not read.
 * @throws TrustError TRUST_LENGTH_EXCEEDED; AgentError AGENT_SERVER_UNREACHABLE, AGENT_SERVER_REFUSED
 */
export async function fetchFile(
  { http, ports }: Device,
  file: { readonly url: URL; readonly name: string; readonly sizeBytesMax: number },
): Promise<Uint8Array | undefined> {
  const { url, name, sizeBytesMax } = file;
  try {
    const { status, body } = await http.request({ method: 'GET', url, signal: ports.signal }, sizeBytesMax);
    if (status === 404) return undefined;
    if (status !== 200) throw new AgentError('AGENT_SERVER_REFUSED', { status, at: name });
    return body;
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'AGENT_ANSWER_MALFORMED') throw error;
    throw new TrustError('TRUST_LENGTH_EXCEEDED', { name, allowed: sizeBytesMax }, error);
  }
}

/** Step 1: roots, timestamp, snapshot, and the roles that speak for these paths. */
export async function refreshDeviceTrust(
  device: Device,
  trustHref: string,
  paths: readonly string[],
): Promise<TrustedMetadata> {
  const { folder, http, ports } = device;
  const trusted = await ports.disk.read(folder.provisionedRoot);
  if (trusted === undefined) throw new AgentError('AGENT_STATE_MISSING', { path: folder.provisionedRoot });
  const base = http.resolve(trustHref);
  return refreshTrust({
    trusted,
    fetch: (name, sizeBytesMax) => fetchFile(device, { url: new URL(name, base), name, sizeBytesMax }),
    persist: persistenceIn(ports.disk, folder.trustDir),
    startedAt: ports.clock.now(),
    paths,
  });
}
