/**
 * The workspace's server: the API token (its own file, mode 0600), the typed client, and what both need for a first
 * meeting: exchanging the one-time claim, and making the trust with the server's online keys in it.
 */

import { ManagementClient } from '@pawl/contract/client';
import { toBase64 } from '@pawl/core/bytes';
import { PublicKey } from '@pawl/core/crypto';
import { signingKeyOf } from '@pawl/core/keys';
import { CliError } from '../frame/errors.ts';
import { inFolder, isPresent, readText, writeOutput } from './files.ts';
import { listNamedKeys, openSigningKey } from './keyring.ts';
import { createTrust, hasTrust, loadLineKeysBytes, loadMetadata, loadRoots } from './trust-store.ts';
import { saveConfig, type Workspace } from './workspace.ts';

const TOKEN_MODE = 0o600;
/** A server that is started again, or a database that is away for a moment, is no reason to give up. */
const PATIENCE_MS = 20_000;

export type ClaimLink = { readonly server: string; readonly claim: string };

/** Takes a claim link apart: the address of the server, and the claim in its fragment (which browsers never send). */
export function parseClaimLink(text: string): ClaimLink {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const claim = url === undefined ? null : new URLSearchParams(url.hash.slice(1)).get('claim');
  // The text itself is a secret until it is used; it does not stand in the message.
  if (url === undefined || claim === null || claim === '' || !/^https?:$/.test(url.protocol)) {
    throw new CliError('CLI_USAGE', { expected: 'the link that "pawl serve" printed' });
  }
  return { server: url.origin, claim };
}

/** @throws CliError CLI_TOKEN_MISSING */
export async function connect({ dir, config }: Workspace): Promise<ManagementClient> {
  const path = inFolder(dir, config.tokenFile);
  if (config.server === undefined || !(await isPresent(path))) throw new CliError('CLI_TOKEN_MISSING');
  const token = (await readText(path)).trim();
  return new ManagementClient({ url: config.server, token, patienceMs: PATIENCE_MS });
}

/** Exchanges the claim for a token and keeps both facts in the workspace. */
export async function login(workspace: Workspace, { server, claim }: ClaimLink, label: string): Promise<Workspace> {
  const { token } = await new ManagementClient({ url: server }).call('login', { body: { claim, label } });
  await writeOutput(inFolder(workspace.dir, workspace.config.tokenFile), `${token}\n`, TOKEN_MODE);
  return saveConfig({ ...workspace, config: { ...workspace.config, server } });
}

/** Hands in all roots, the targets, the line roles and the key lists: what the server has already is no harm. */
export async function pushTrust(workspace: Workspace): Promise<void> {
  const { dir, config } = workspace;
  const lines: Record<string, string> = {};
  const lineKeys: Record<string, string> = {};
  for (const line of Object.keys(config.lines)) {
    lines[line] = toBase64(await loadMetadata(dir, `${line}.json`));
    lineKeys[line] = toBase64(await loadLineKeysBytes(dir, line));
  }
  const roots = (await loadRoots(dir)).map(({ bytes }) => toBase64(bytes));
  const targets = toBase64(await loadMetadata(dir, 'targets.json'));
  await (await connect(workspace)).call('putTrust', { body: { roots, targets, lines, lineKeys } });
}

/** The public halves of the keys with which the server says what is fresh. */
export async function fetchOnlineKeys(
  workspace: Workspace,
): Promise<{ readonly snapshot: PublicKey; readonly timestamp: PublicKey }> {
  const { onlineKeys } = await (await connect(workspace)).call('getTrust', {});
  return { snapshot: PublicKey.fromSpki(onlineKeys.snapshot), timestamp: PublicKey.fromSpki(onlineKeys.timestamp) };
}

/** Makes root, targets and line roles around the server's online keys, unless that was done before; then hands them in. */
export async function establishTrust(
  workspace: Workspace,
  passphrase: string,
  now: Date,
): Promise<{ readonly isNew: boolean }> {
  if (await hasTrust(workspace.dir)) {
    await pushTrust(workspace);
    return { isNew: false };
  }
  const online = await fetchOnlineKeys(workspace);
  const imageKeys = (await listNamedKeys(workspace))
    .filter(({ name }) => name === 'image')
    .map(({ file }) => signingKeyOf(file));
  const requiredAlgorithms = [...new Set(imageKeys.map(({ algorithm }) => algorithm))];
  await createTrust(workspace.dir, {
    rootSigner: await openSigningKey(workspace, 'root', passphrase),
    releaseSigner: await openSigningKey(workspace, 'release', passphrase),
    online,
    lines: Object.keys(workspace.config.lines).map((line) => ({ line, keys: imageKeys, requiredAlgorithms })),
    now,
  });
  await pushTrust(workspace);
  return { isNew: true };
}
