/**
 * Makes the state folder of a device in production: configuration, keys, the trusted root, the image that the device
 * leaves with and the floor. The journal is written last: without it, the folder is not provisioned.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { AgreementKey } from '@pawl/core/crypto';
import { assertNotTestKey } from '@pawl/core/keys';
import { parseRoot, TrustedMetadata } from '@pawl/core/trust';
import { type AgentConfig, parseConfig, saveConfig } from './config.ts';
import { saveFile } from './disk.ts';
import { AgentError } from './errors.ts';
import { saveLineKey } from './identity.ts';
import { createJournal } from './journal.ts';
import type { AgentPorts } from './ports.ts';
import { DirectorySlots } from './slots/directory.ts';
import { initialState, type Release } from './state.ts';
import { stateFolder } from './state-folder.ts';

export type ProvisionOptions = {
  readonly stateDir: string;
  /** `tenant`, `bootTimeoutS` and `consent` have defaults: `default`, 60, `auto`. */
  readonly config: Omit<AgentConfig, 'tenant' | 'bootTimeoutS' | 'consent' | 'controllerId' | 'token'> &
    Partial<Pick<AgentConfig, 'tenant' | 'bootTimeoutS' | 'consent' | 'controllerId' | 'token'>>;
  /** The TUF root that the device starts to trust from; it is never fetched. */
  readonly trustedRoot: Uint8Array;
  /** The private key of the product line, which opens content keys. */
  readonly lineKey: AgreementKey;
  /** The plain image that the device leaves with, and what it is. */
  readonly image: {
    readonly path: string;
    readonly version: string;
    readonly sequenceNumber: bigint;
    readonly securityCounter: bigint;
  };
  /** The least security counter; the image's own when it is left out. */
  readonly floor?: bigint;
};

/** @throws KeysError KEYS_TEST_KEY_BARRED */
function assertOwnKeys({ trustedRoot, lineKey }: ProvisionOptions): void {
  assertNotTestKey(lineKey.publicKey);
  for (const { publicKey } of parseRoot(trustedRoot).signed.keys.values()) {
    if (publicKey !== undefined) assertNotTestKey(publicKey);
  }
}

/**
 * Provisions a device.
 * @throws AgentError AGENT_STATE_EXISTS, AGENT_CONFIG_INVALID, AGENT_STATE_READ_ONLY, AGENT_DISK_FULL; TrustError; KeysError KEYS_TEST_KEY_BARRED
 */
export async function provisionAgent(
  options: ProvisionOptions,
  ports: Pick<AgentPorts, 'disk' | 'clock'>,
): Promise<void> {
  const { disk, clock } = ports;
  const folder = stateFolder(options.stateDir);
  if ((await disk.read(folder.journal)) !== undefined) {
    throw new AgentError('AGENT_STATE_EXISTS', { path: folder.journal });
  }
  const config = parseConfig(options.config);
  TrustedMetadata.fromRoot(options.trustedRoot, clock.now());
  if (config.profile !== 'development') assertOwnKeys(options);
  for (const path of [folder.dir, folder.identityDir, folder.trustDir]) await disk.makeFolder(path);
  await saveConfig(disk, folder.config, config);
  await saveLineKey(disk, folder.lineKey, options.lineKey);
  await saveFile(disk, folder.provisionedRoot, options.trustedRoot);
  const slots = new DirectorySlots(disk, folder.dir);
  await slots.prepare();
  const image = await installImage(slots, options.image.path);
  await slots.activate('a');
  const installed: Release = {
    version: options.image.version,
    sequenceNumber: options.image.sequenceNumber.toString(),
    securityCounter: options.image.securityCounter.toString(),
    envelopeSha256: '',
    ...image,
  };
  const floor = (options.floor ?? options.image.securityCounter).toString();
  await createJournal(disk, folder.journal, initialState(installed, floor));
}

async function installImage(
  slots: DirectorySlots,
  path: string,
): Promise<{ readonly imageSha256: string; readonly imageSizeBytes: number }> {
  const hash = createHash('sha256');
  const writer = await slots.openToWrite('a', 0);
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      await writer.write(chunk);
    }
    await writer.finish();
  } finally {
    await writer.close();
  }
  return { imageSha256: hash.digest('hex'), imageSizeBytes: writer.sizeBytes };
}
