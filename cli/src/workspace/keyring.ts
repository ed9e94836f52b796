/**
 * The sealed private keys of a workspace: `keys/<name>.json`, one file a key. The name is the operator's; what counts is the
 * key id. Opened keys stay in memory for one command only.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AgreementKey, type PrivateKey } from '@pawl/core/crypto';
import {
  createFileKey,
  type KeyAlgorithm,
  type KeyFile,
  type KeyRole,
  loadKeyFile,
  openKeyFile,
  saveKeyFile,
} from '@pawl/core/keys';
import { CliError } from '../frame/errors.ts';
import { assertAbsent, isPresent } from './files.ts';
import type { Workspace } from './workspace.ts';

const NAME_GRAMMAR = /^[a-z0-9][a-z0-9-]{0,62}$/;

export type NamedKey = { readonly name: string; readonly path: string; readonly file: KeyFile };

function keyFilePath(dir: string, name: string): string {
  if (!NAME_GRAMMAR.test(name)) throw new CliError('CLI_USAGE', { name, expected: NAME_GRAMMAR.source });
  return join(dir, 'keys', `${name}.json`);
}

/** The name of the key-agreement key of a product line. */
export function lineKeyName(line: string): string {
  return `line-${line}`;
}

export type NewKey = {
  readonly name: string;
  readonly role: KeyRole;
  readonly algorithm: KeyAlgorithm;
  readonly purpose: string;
  readonly passphrase: string;
  readonly createdAt: Date;
};

/** Makes a key and writes it sealed. @throws CliError CLI_FILE_EXISTS */
export async function createNamedKey(dir: string, { name, ...options }: NewKey): Promise<NamedKey> {
  const path = keyFilePath(dir, name);
  await assertAbsent(path);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const { file } = await createFileKey(options);
  await saveKeyFile(path, file);
  return { name, path, file };
}

/** @throws CliError CLI_KEY_MISSING */
export async function loadNamedKey({ dir }: Workspace, name: string): Promise<NamedKey> {
  const path = keyFilePath(dir, name);
  if (!(await isPresent(path))) throw new CliError('CLI_KEY_MISSING', { key: name });
  return { name, path, file: await loadKeyFile(path) };
}

export async function listNamedKeys(workspace: Workspace): Promise<NamedKey[]> {
  const folder = join(workspace.dir, 'keys');
  const names = (await isPresent(folder)) ? await readdir(folder) : [];
  const keyNames = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
  return Promise.all(keyNames.toSorted().map((name) => loadNamedKey(workspace, name)));
}

/** The private signing key of this name. @throws CliError CLI_KEY_MISSING; KeysError KEYS_PASSPHRASE_WRONG */
export async function openSigningKey(workspace: Workspace, name: string, passphrase: string): Promise<PrivateKey> {
  const { file } = await loadNamedKey(workspace, name);
  const key = await openKeyFile(file, passphrase);
  if (key instanceof AgreementKey) throw new CliError('CLI_KEY_MISSING', { key: name, expected: 'a signing key' });
  return key;
}

/** The key-agreement key of a product line. @throws CliError CLI_KEY_MISSING; KeysError KEYS_PASSPHRASE_WRONG */
export async function openLineKey(workspace: Workspace, line: string, passphrase: string): Promise<AgreementKey> {
  const name = lineKeyName(line);
  const { file } = await loadNamedKey(workspace, name);
  const key = await openKeyFile(file, passphrase);
  if (!(key instanceof AgreementKey))
    throw new CliError('CLI_KEY_MISSING', { key: name, expected: 'an agreement key' });
  return key;
}
