/**
 * Where the devices of a fleet come from: registered through the management API in batches, or read from a credentials
 * file (one device a line: name, space, token; mode 0600), which a registration can leave behind for the next run.
 */
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import type { ManagementClient } from '@pawl/contract/client';
import { Roster } from './roster.ts';

export type Registration = {
  readonly devices: number;
  /** Names are the prefix and a number. */
  readonly prefix: string;
  readonly model: string;
  readonly line?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly onProgress?: ((registered: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
};

const BATCH = 1000;
const FILE_MODE = 0o600;
const LINE = /^([\x21-\x7e]{1,256}) ([\x21-\x7e]{1,256})$/;

/** The credentials file is not of its form. */
export class CredentialsError extends Error {}

/** Registers devices that authenticate with a token of their own. @throws RemoteError, ClientError */
export async function registerFleet(client: ManagementClient, registration: Registration): Promise<Roster> {
  const { devices, prefix, model, line, tags, onProgress, signal } = registration;
  const roster = new Roster();
  for (let at = 0; at < devices && signal?.aborted !== true; at += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, devices - at) }, (_, index) => ({
      controllerId: `${prefix}${at + index}`,
      model,
      ...(line === undefined ? {} : { line }),
      ...(tags === undefined ? {} : { tags: [...tags] }),
    }));
    const added = await client.call('addDevices', { body: { devices: batch } });
    for (const { controllerId, token } of added.devices) roster.add(controllerId, token);
    onProgress?.(roster.size);
  }
  return roster;
}

/** Writes a roster for a later run. The file holds credentials. */
export async function writeCredentials(path: string, roster: Roster): Promise<void> {
  const file = createWriteStream(path, { flags: 'wx', mode: FILE_MODE });
  for (let device = 0; device < roster.size; device += 1) {
    const line = `${roster.controllerId(device)} ${roster.token(device)}\n`;
    if (!file.write(line)) await once(file, 'drain');
  }
  file.end();
  await finished(file);
}

/** Reads at most `limit` devices. @throws CredentialsError */
export async function readCredentials(path: string, limit: number): Promise<Roster> {
  const roster = new Roster();
  const input = createReadStream(path);
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (roster.size === limit) break;
    const [, controllerId, token] = LINE.exec(text) ?? [];
    if (controllerId === undefined || token === undefined) {
      throw new CredentialsError(`line ${roster.size + 1} is not a name, a space and a token`);
    }
    roster.add(controllerId, token);
  }
  input.destroy();
  return roster;
}
