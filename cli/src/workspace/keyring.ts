/**
 * The keys of a workspace: `keys/<name>.json`, one file a key, sealed in it or a reference to a token or command
 * (docs/formats/keys.md). The name is the operator's; what counts is the key id. Opened keys stay in memory for one command
 * only.
 */
import { mkdir, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { utf8 } from '@pawl/core/bytes';
import { AgreementKey, type AgreementPublicKey, type PublicKey, type Signer } from '@pawl/core/crypto';
import { PROOF_START, type SigningAct } from '@pawl/core/evidence';
import {
  type AnyPrivateKey,
  assertNotExpired,
  assertNotTestKey,
  type Custody,
  createFileKey,
  createLmsKeyFile,
  createLmsState,
  factsOf,
  findTestKey,
  isKeyReference,
  type KeyAlgorithm,
  type KeyFile,
  type KeyReference,
  type KeyRole,
  LmsSigner,
  loadStoredKey,
  openKeyFile,
  openKeyReference,
  replaceKeyFile,
  resealKeyFile,
  resumeLmsState,
  type SignerAddress,
  type StoredKey,
  saveKeyFile,
  sealFileKey,
  signingKeyOf,
} from '@pawl/core/keys';
import { CliError } from '../frame/errors.ts';
import { withFileLock } from './file-lock.ts';
import { assertAbsent, isPresent } from './files.ts';
import { keyAct, LOG_KEY_NAME, LoggedSigner, readSigningLog, SigningLog } from './signing-log.ts';
import type { Workspace } from './workspace.ts';

const NAME_GRAMMAR = /^[a-z0-9][a-z0-9-]{0,62}$/;

export type NamedKey<K extends StoredKey = StoredKey> = {
  readonly name: string;
  readonly path: string;
  readonly file: K;
};

function keyFilePath(dir: string, name: string): string {
  if (!NAME_GRAMMAR.test(name)) throw new CliError('CLI_USAGE', { name, expected: NAME_GRAMMAR.source });
  if (name === LOG_KEY_NAME) return join(dir, LOG_KEY_NAME, 'key.json');
  return join(dir, 'keys', `${name}.json`);
}

/** The record of the leaves that an LMS key has used. */
function statePathOf({ dir }: Workspace, name: string): string {
  return join(dir, 'keys', `${name}.lms`);
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
export type NewKey = SealedPlan & {
  readonly algorithm: KeyAlgorithm;
  /** Of an LMS key: 5, 10 or 15; it can make 2^height signatures, ever. */
  readonly lmsHeight?: 5 | 10 | 15 | undefined;
};

/** Writes a key that is new here, after the signing log says that it comes. */
async function save<K extends StoredKey>(
  { workspace, act, log }: { readonly workspace: Workspace; readonly act: SigningAct; readonly log: SigningLog },
  name: string,
  file: K,
): Promise<NamedKey<K>> {
  const path = keyFilePath(workspace.dir, name);
  await log.append(keyAct(act, name, file));
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await saveKeyFile(path, file);
  return { name, path, file };
}

/** Makes a key and writes it sealed. @throws CliError CLI_FILE_EXISTS */
export async function createNamedKey(workspace: Workspace, { name, ...options }: NewKey): Promise<NamedKey<KeyFile>> {
  await assertAbsent(keyFilePath(workspace.dir, name));
  const log = await SigningLog.open(workspace, options.passphrase);
  if (options.algorithm !== 'HSS-LMS') {
    const { file } = await createFileKey(options);
    return save({ workspace, act: 'key-created', log }, name, file);
  }
  const file = await createLmsKeyFile({ ...options, height: options.lmsHeight ?? 10, width: 4 });
  await mkdir(join(workspace.dir, 'keys'), { recursive: true, mode: 0o700 });
  await createLmsState(statePathOf(workspace, name), file.id);
  return save({ workspace, act: 'key-created', log }, name, file);
}

/** Writes a key that came from elsewhere, sealed. @throws CliError CLI_FILE_EXISTS */
export async function importNamedKey(
  workspace: Workspace,
  key: AnyPrivateKey,
  { name, ...options }: SealedPlan,
): Promise<NamedKey<KeyFile>> {
  await assertAbsent(keyFilePath(workspace.dir, name));
  assertKeyOfOwn(workspace, key.publicKey);
  const log = await SigningLog.open(workspace, options.passphrase);
  return save({ workspace, act: 'key-imported', log }, name, await sealFileKey(key, options));
}

export type NewReference = KeyPlan & {
  readonly publicKey: PublicKey;
  readonly custody: Custody;
  readonly signer: SignerAddress;
  /** Of the signing log. */
  readonly passphrase: string;
};

/**
 * Writes a reference to a key that is elsewhere, after it has signed a proof that it can be asked.
 * @throws CliError CLI_FILE_EXISTS; KeysError when the key does not answer, or another one does
 */
export async function addKeyReference(
  workspace: Workspace,
  { name, publicKey, signer, passphrase, ...intent }: NewReference,
): Promise<NamedKey<KeyReference>> {
  await assertAbsent(keyFilePath(workspace.dir, name));
  assertKeyOfOwn(workspace, publicKey);
  const file: KeyReference = { ...factsOf(publicKey, intent), signer };
  const log = await SigningLog.open(workspace, passphrase);
  const { now, env } = workspace.host;
  const key = new LoggedSigner(openKeyReference(file, { env, now: now() }), { ...file, name }, log);
  await key.sign(utf8(`${PROOF_START}${file.id}\n${file.createdAt}\n`));
  return save({ workspace, act: 'key-added', log }, name, file);
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

async function openLmsKey(
  workspace: Workspace,
  { name, file }: NamedKey<KeyFile>,
  passphrase: string,
): Promise<Signer> {
  const statePath = statePathOf(workspace, name);
  const log = await readSigningLog(workspace, undefined);
  return LmsSigner.open({
    file,
    passphrase,
    statePath,
    // Each of its entries wore out one leaf at most: a record that says less is an old one.
    usedAtLeast: log?.records.filter(({ act, key }) => act === 'sign' && key.id === file.id).length ?? 0,
    now: workspace.host.now(),
    lock: (work) => withFileLock(`${statePath}.lock`, work),
  });
}

async function openSigner(workspace: Workspace, { name, path, file }: NamedKey, passphrase: string): Promise<Signer> {
  const { now, env } = workspace.host;
  if (isKeyReference(file)) return openKeyReference(file, { env, now: now() });
  if (file.algorithm === 'HSS-LMS') return openLmsKey(workspace, { name, path, file }, passphrase);
  assertNotExpired(file, now());
  const key = await openSealed(file, name, passphrase);
  if (key instanceof AgreementKey) throw new CliError('CLI_KEY_MISSING', { key: name, expected: 'a signing key' });
  return key;
}

/**
 * The signer of this name: the sealed key opened, or the token or command that the reference names. Each of its signatures is
 * entered in the signing log before it is made.
 * @throws CliError CLI_KEY_MISSING; KeysError KEYS_PASSPHRASE_WRONG, KEYS_EXPIRED, KEYS_TEST_KEY_BARRED
 */
export async function openSigningKey(workspace: Workspace, name: string, passphrase: string): Promise<Signer> {
  const named = await loadNamedKey(workspace, name);
  // The key of the log signs its entries and nothing else.
  if (name === LOG_KEY_NAME) throw new CliError('CLI_KEY_MISSING', { key: name, expected: 'a key of keys/' });
  assertKeyOfOwn(workspace, signingKeyOf(named.file));
  const signer = await openSigner(workspace, named, passphrase);
  return new LoggedSigner(signer, { ...named.file, name }, await SigningLog.open(workspace, passphrase));
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
  const log = await SigningLog.open(workspace, passphrases.old);
  await log.append(keyAct('key-resealed', name, file));
  await replaceKeyFile(path, made, async (written) => {
    // What was read back must be what was asked for, and must open.
    if (written.id !== file.id) throw new CliError('CLI_KEY_MISSING', { key: name, expected: file.id });
    if (written.algorithm === 'HSS-LMS') await openLmsKey(workspace, { name, path, file: written }, passphrases.new);
    else await openKeyFile(written, passphrases.new);
  });
  return { name, path, file: made };
}

/**
 * Makes the record of an LMS key's leaves anew, from a leaf on that is certainly unused; an old record is moved aside.
 * @throws CliError CLI_KEY_MISSING; KeysError KEYS_PASSPHRASE_WRONG, KEYS_STATE_UNUSABLE
 */
export async function resumeNamedKey(
  workspace: Workspace,
  name: string,
  { from, passphrase }: { readonly from: number; readonly passphrase: string },
): Promise<{ readonly statePath: string; readonly movedTo: string | undefined }> {
  const { file } = await loadNamedKey(workspace, name);
  if (isKeyReference(file) || file.algorithm !== 'HSS-LMS') {
    throw new CliError('CLI_KEY_MISSING', { key: name, expected: 'an LMS key' });
  }
  const log = await SigningLog.open(workspace, passphrase);
  await log.append(keyAct('key-resumed', name, file));
  const statePath = statePathOf(workspace, name);
  const aside = `${statePath}.${workspace.host.now().getTime()}.old`;
  const movedTo = (await isPresent(statePath)) ? aside : undefined;
  if (movedTo !== undefined) await rename(statePath, movedTo);
  await resumeLmsState(statePath, file.id, from);
  return { statePath, movedTo };
}
