/**
 * The keys of a workspace: `keys/<name>.json`, one file a key, sealed in it or a reference to a token or command
 * (docs/formats/keys.md). The name is the operator's; what counts is the key id. Opened keys stay in memory for one command
 * only.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { utf8 } from '@pawl/core/bytes';
import { AgreementKey, type AgreementPublicKey, type PublicKey, type Signer } from '@pawl/core/crypto';
import {
  type AnyPrivateKey,
  assertNotExpired,
  assertNotTestKey,
  type Custody,
  createFileKey,
  factsOf,
  findTestKey,
  isKeyReference,
  type KeyAlgorithm,
  type KeyFile,
  type KeyReference,
  type KeyRole,
  loadStoredKey,
  openKeyFile,
  openKeyReference,
  replaceKeyFile,
  resealKeyFile,
  type SignerAddress,
  type StoredKey,
  saveKeyFile,
  sealFileKey,
  signingKeyOf,
} from '@pawl/core/keys';
import { CliError } from '../frame/errors.ts';
import { assertAbsent, isPresent } from './files.ts';
import type { Workspace } from './workspace.ts';

const NAME_GRAMMAR = /^[a-z0-9][a-z0-9-]{0,62}$/;

export type NamedKey<K extends StoredKey = StoredKey> = {
  readonly name: string;
  readonly path: string;
  readonly file: K;
};

function keyFilePath(dir: string, name: string): string {
  if (!NAME_GRAMMAR.test(name)) throw new CliError('CLI_USAGE', { name, expected: NAME_GRAMMAR.source });
  return join(dir, 'keys', `${name}.json`);
}

/** The name of the key-agreement key of a product line. */
export function lineKeyName(line: string): string {
  return `line-${line}`;
}

/** What the operator says of a new key, however it comes. */
export type KeyPlan = {
  readonly name: string;
  readonly role: KeyRole;
  readonly purpose: string;
  readonly createdAt: Date;
  readonly expiresAt?: Date | undefined;
  /** The id of the key that it takes over from. */
  readonly replaces?: string | undefined;
};
type SealedPlan = KeyPlan & { readonly passphrase: string; readonly custody?: 'file' | 'offline' };
export type NewKey = SealedPlan & { readonly algorithm: KeyAlgorithm };

async function save<K extends StoredKey>({ dir }: Workspace, name: string, file: K): Promise<NamedKey<K>> {
  const path = keyFilePath(dir, name);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await saveKeyFile(path, file);
  return { name, path, file };
}

/** Makes a key and writes it sealed. @throws CliError CLI_FILE_EXISTS */
export async function createNamedKey(workspace: Workspace, { name, ...options }: NewKey): Promise<NamedKey<KeyFile>> {
  await assertAbsent(keyFilePath(workspace.dir, name));
  const { file } = await createFileKey(options);
  return save(workspace, name, file);
}

/** Writes a key that came from elsewhere, sealed. @throws CliError CLI_FILE_EXISTS */
export async function importNamedKey(
  workspace: Workspace,
  key: AnyPrivateKey,
  { name, ...options }: SealedPlan,
): Promise<NamedKey<KeyFile>> {
  await assertAbsent(keyFilePath(workspace.dir, name));
  assertKeyOfOwn(workspace, key.publicKey);
  return save(workspace, name, await sealFileKey(key, options));
}

export type NewReference = KeyPlan & {
  readonly publicKey: PublicKey;
  readonly custody: Custody;
  readonly signer: SignerAddress;
};

/**
 * Writes a reference to a key that is elsewhere, after it has signed a proof that it can be asked.
 * @throws CliError CLI_FILE_EXISTS; KeysError when the key does not answer, or another one does
 */
export async function addKeyReference(
  workspace: Workspace,
  { name, publicKey, signer, ...intent }: NewReference,
): Promise<NamedKey<KeyReference>> {
  await assertAbsent(keyFilePath(workspace.dir, name));
  assertKeyOfOwn(workspace, publicKey);
  const file: KeyReference = { ...factsOf(publicKey, intent), signer };
  const { now, env } = workspace.host;
  await openKeyReference(file, { env, now: now() }).sign(utf8(`pawl key proof 1\n${file.id}\n${file.createdAt}\n`));
  return save(workspace, name, file);
}

/** @throws CliError CLI_KEY_MISSING */
export async function loadNamedKey({ dir }: Workspace, name: string): Promise<NamedKey> {
  const path = keyFilePath(dir, name);
  if (!(await isPresent(path))) throw new CliError('CLI_KEY_MISSING', { key: name });
  return { name, path, file: await loadStoredKey(path) };
}

export async function listNamedKeys(workspace: Workspace): Promise<NamedKey[]> {
  const folder = join(workspace.dir, 'keys');
  const names = (await isPresent(folder)) ? await readdir(folder) : [];
  const keyNames = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
  return Promise.all(keyNames.toSorted().map((name) => loadNamedKey(workspace, name)));
}

/**
 * Refuses a published test key, unless the workspace says that it is for development: then it warns.
 * @throws KeysError KEYS_TEST_KEY_BARRED
 */
export function assertKeyOfOwn({ config, host }: Workspace, publicKey: PublicKey | AgreementPublicKey): void {
  if (config.profile !== 'development') return assertNotTestKey(publicKey);
  const found = findTestKey(publicKey);
  if (found !== undefined) host.note(`warning: ${found.id} is a published test key (${found.origin})`);
}

async function openSealed(file: StoredKey, name: string, passphrase: string): Promise<AnyPrivateKey> {
  if (isKeyReference(file)) throw new CliError('CLI_KEY_MISSING', { key: name, expected: 'a sealed key file' });
  return openKeyFile(file, passphrase);
}

/**
 * The signer of this name: the sealed key opened, or the token or command that the reference names.
 * @throws CliError CLI_KEY_MISSING; KeysError KEYS_PASSPHRASE_WRONG, KEYS_EXPIRED
 */
export async function openSigningKey(workspace: Workspace, name: string, passphrase: string): Promise<Signer> {
  const { file } = await loadNamedKey(workspace, name);
  const { now, env } = workspace.host;
  assertKeyOfOwn(workspace, signingKeyOf(file));
  if (isKeyReference(file)) return openKeyReference(file, { env, now: now() });
  assertNotExpired(file, now());
  const key = await openSealed(file, name, passphrase);
  if (key instanceof AgreementKey) throw new CliError('CLI_KEY_MISSING', { key: name, expected: 'a signing key' });
  return key;
}

/** The key-agreement key of a product line. @throws CliError CLI_KEY_MISSING; KeysError KEYS_PASSPHRASE_WRONG */
export async function openLineKey(workspace: Workspace, line: string, passphrase: string): Promise<AgreementKey> {
  const name = lineKeyName(line);
  const { file } = await loadNamedKey(workspace, name);
  const key = await openSealed(file, name, passphrase);
  if (!(key instanceof AgreementKey))
    throw new CliError('CLI_KEY_MISSING', { key: name, expected: 'an agreement key' });
  return key;
}

/**
 * Seals a key file anew under another passphrase. The old file stays until the new one, as it lies on the disk, has opened.
 * @throws CliError CLI_KEY_MISSING; KeysError KEYS_PASSPHRASE_WRONG, KEYS_FILE_UNWRITABLE
 */
export async function resealNamedKey(
  workspace: Workspace,
  name: string,
  passphrases: { readonly old: string; readonly new: string },
): Promise<NamedKey> {
  const { path, file } = await loadNamedKey(workspace, name);
  if (isKeyReference(file)) throw new CliError('CLI_KEY_MISSING', { key: name, expected: 'a sealed key file' });
  const made = await resealKeyFile(file, passphrases);
  await replaceKeyFile(path, made, async (written) => {
    // What was read back must be what was asked for, and must open.
    if (written.id !== file.id) throw new CliError('CLI_KEY_MISSING', { key: name, expected: file.id });
    await openKeyFile(written, passphrases.new);
  });
  return { name, path, file: made };
}
