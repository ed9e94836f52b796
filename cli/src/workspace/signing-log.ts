/**
 * The signing log of a workspace, in `signing-log/` (docs/formats/signing-log.md): `entries` (one envelope a line, only ever
 * appended), `checkpoint` (a signed note over all of them), `key.json` (its own key, sealed with the passphrase of the keys)
 * and `log.vkey` (what auditors verify it with). An entry is on the disk before the signature that it speaks of exists; when
 * it cannot be written, nothing is signed.
 */
import { mkdir, open, stat, truncate } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { concat, toHex, utf8 } from '@pawl/core/bytes';
import { AgreementPublicKey, PublicKey, type Signer, sha256 } from '@pawl/core/crypto';
import {
  describeMessage,
  encodeEnvelope,
  encodeSigningRecord,
  encodeVkey,
  type LoadedSigningLog,
  leafHash,
  loadSigningLog,
  mayRoleSign,
  type SignedMessage,
  type SigningAct,
  type SigningRecord,
  signCheckpoint,
  signStatement,
  verifyCheckpoint,
  verifySigningLog,
} from '@pawl/core/evidence';
import {
  type AnyPrivateKey,
  createFileKey,
  encodeKeyFile,
  isKeyReference,
  type KeyFacts,
  type KeyFile,
  KeysError,
  loadStoredKey,
  openKeyFile,
  openKeyReference,
  type StoredKey,
  saveKeyFile,
  signingKeyOf,
} from '@pawl/core/keys';
import { CliError } from '../frame/errors.ts';
import { withFileLock } from './file-lock.ts';
import { inFolder, isPresent, readInput, readText, writeOutput } from './files.ts';
import type { Workspace } from './workspace.ts';

const LOG_BYTES_MAX = 512 * 1024 * 1024;
const LINE_FEED = 0x0a;

/** A key that something is done with, as the log names it. */
export type LoggedKey = Pick<KeyFacts, 'id' | 'role' | 'custody' | 'algorithm'> & { readonly name: string };
/** What is done. */
export type LoggedAct = Pick<SigningRecord, 'act' | 'sha256' | 'message'> & { readonly key: LoggedKey };

/** The name under which the key of the log is shown and sealed anew. */
export const LOG_KEY_NAME = 'signing-log';

type LogFiles = { readonly dir: string; readonly entries: string; readonly checkpoint: string; readonly key: string };

function filesOf({ dir: workspaceDir }: Workspace): LogFiles {
  const dir = join(workspaceDir, LOG_KEY_NAME);
  return { dir, entries: join(dir, 'entries'), checkpoint: join(dir, 'checkpoint'), key: join(dir, 'key.json') };
}

/** The name of a log, in its checkpoints and its verification key. */
function nameOf(logKey: PublicKey): string {
  return `signing-log.${toHex(sha256(logKey.toSpkiDer())).slice(0, 16)}`;
}

/** The lines of a file; what follows the last line feed was cut by a loss of power and never counted. */
function splitEntries(bytes: Uint8Array): { readonly envelopes: readonly Uint8Array[]; readonly sizeBytes: number } {
  const envelopes: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
    envelopes.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return { envelopes, sizeBytes: start };
}

async function readBytes(
  files: LogFiles,
  logKey: PublicKey,
): Promise<Parameters<typeof loadSigningLog>[0] & { sizeBytes: number }> {
  const bytes = (await isPresent(files.entries)) ? await readInput(files.entries, LOG_BYTES_MAX) : new Uint8Array();
  const checkpoint = (await isPresent(files.checkpoint))
    ? verifyCheckpoint(await readText(files.checkpoint), encodeVkey(nameOf(logKey), logKey))
    : undefined;
  return { ...splitEntries(bytes), checkpoint, logKey };
}

async function appendDurably(path: string, line: Uint8Array): Promise<void> {
  try {
    const file = await open(path, 'a', 0o644);
    try {
      await file.writeFile(line);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new CliError('CLI_FILE_UNWRITABLE', { path }, cause);
  }
}

async function readSize(path: string): Promise<number> {
  return (await stat(path)).size;
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const opened = new Map<string, Promise<AnyPrivateKey>>();

/** Opens the key of a log once in this process: each of several signers would pay for the passphrase again. */
async function openOnce(file: KeyFile, passphrase: string): Promise<Signer> {
  const name = toHex(sha256(concat(encodeKeyFile(file), utf8(passphrase))));
  const opening = opened.get(name) ?? openKeyFile(file, passphrase);
  opened.set(name, opening);
  const key = await opening.catch((cause: unknown) => {
    const isWrong = cause instanceof KeysError && cause.code === 'KEYS_PASSPHRASE_WRONG';
    throw isWrong ? new CliError('CLI_SIGNING_LOG_LOCKED', {}, cause) : cause;
  });
  if (!('sign' in key)) throw new CliError('CLI_WORKSPACE_MALFORMED', { key: LOG_KEY_NAME });
  return key;
}

/** The log, with its key open. */
export class SigningLog {
  readonly #workspace: Workspace;
  readonly #files: LogFiles;
  readonly #signer: Signer;
  readonly #facts: LoggedKey;
  #state: (LoadedSigningLog & { sizeBytes: number }) | undefined;

  private constructor(workspace: Workspace, signer: Signer, facts: StoredKey) {
    this.#workspace = workspace;
    this.#files = filesOf(workspace);
    this.#signer = signer;
    this.#facts = { ...facts, name: LOG_KEY_NAME };
  }

  /** Opens the log of a workspace; makes it when there is none. @throws CliError CLI_SIGNING_LOG_LOCKED */
  static async open(workspace: Workspace, passphrase: string): Promise<SigningLog> {
    const files = filesOf(workspace);
    const { env, now } = workspace.host;
    // The keys and the log have one passphrase until one of them is sealed anew.
    const named = env['PAWL_LOG_PASSPHRASE_FILE'];
    const own =
      named === undefined ? passphrase : ((await readText(inFolder(workspace.dir, named))).split(/[\r\n]/, 1)[0] ?? '');
    await mkdir(files.dir, { recursive: true });
    await withFileLock(join(files.dir, 'lock'), () => SigningLog.#makeKey(workspace, own));
    const facts = await loadStoredKey(files.key);
    const signer = isKeyReference(facts) ? openKeyReference(facts, { env, now: now() }) : await openOnce(facts, own);
    return new SigningLog(workspace, signer, facts);
  }

  static async #makeKey(workspace: Workspace, passphrase: string): Promise<void> {
    const files = filesOf(workspace);
    if (await isPresent(files.key)) return;
    const { file } = await createFileKey({
      role: 'ledger',
      algorithm: 'Ed25519',
      purpose: 'signs the signing log of this workspace',
      createdAt: workspace.host.now(),
      passphrase,
    });
    const publicKey = signingKeyOf(file);
    await writeOutput(join(files.dir, 'log.vkey'), `${encodeVkey(nameOf(publicKey), publicKey)}\n`);
    await saveKeyFile(files.key, file);
  }

  /**
   * Writes what is about to be done, and returns when it is on the disk.
   * @throws EvidenceError SIGNING_LOG_BROKEN; CliError CLI_FILE_UNWRITABLE, CLI_SIGNING_LOG_BUSY
   */
  append(act: LoggedAct): Promise<void> {
    return withFileLock(join(this.#files.dir, 'lock'), async () => {
      const state = await this.#load();
      if (state.tree.size === 0) await this.#write(state, this.#started());
      await this.#write(state, act);
    });
  }

  #started(): LoggedAct {
    return {
      act: 'log-started',
      sha256: toHex(sha256(this.#signer.publicKey.toSpkiDer())),
      message: null,
      key: this.#facts,
    };
  }

  async #load(): Promise<LoadedSigningLog & { sizeBytes: number }> {
    const { entries } = this.#files;
    const sizeBytes = (await isPresent(entries)) ? await readSize(entries) : 0;
    if (this.#state?.sizeBytes === sizeBytes) return this.#state;
    const log = await readBytes(this.#files, this.#signer.publicKey);
    const loaded = loadSigningLog(log);
    // Half a line: the power went while it was written, and no signature was made for it.
    if (log.sizeBytes < sizeBytes) await truncate(entries, log.sizeBytes);
    this.#state = { ...loaded, sizeBytes: log.sizeBytes };
    if (loaded.tree.size > loaded.sealedSize) await this.#seal(this.#state);
    return this.#state;
  }

  async #write(
    state: LoadedSigningLog & { sizeBytes: number },
    { act, sha256: digest, message, key }: LoggedAct,
  ): Promise<void> {
    const { config, host } = this.#workspace;
    const { id, name, role, custody, algorithm } = key;
    const record: SigningRecord = {
      index: state.tree.size,
      act,
      at: host.now().toISOString(),
      operator:
        config.operator === undefined
          ? { name: userInfo().username, source: 'system' }
          : { name: config.operator, source: 'workspace' },
      key: { id, name, role, custody, algorithm },
      sha256: digest,
      message,
    };
    const statement = encodeSigningRecord(record, state.tree.root);
    const envelope = encodeEnvelope(await signStatement(statement, this.#signer));
    const line = concat(envelope, Uint8Array.of(LINE_FEED));
    // Whatever happens from here on, the next one reads the file again.
    this.#state = undefined;
    await appendDurably(this.#files.entries, line);
    if (state.tree.size === 0) await syncFolder(this.#files.dir);
    state.tree.add(leafHash(envelope));
    state.sizeBytes += line.length;
    await this.#seal(state);
    this.#state = state;
  }

  async #seal({ tree }: LoadedSigningLog): Promise<void> {
    const origin = nameOf(this.#signer.publicKey);
    const checkpoint = { origin, size: tree.size, root: tree.root };
    await writeOutput(this.#files.checkpoint, await signCheckpoint(checkpoint, origin, this.#signer));
  }
}

/** Signs, and says so first. */
export class LoggedSigner implements Signer {
  readonly publicKey: PublicKey;
  readonly #inner: Signer;
  readonly #key: LoggedKey;
  readonly #log: SigningLog;

  constructor(inner: Signer, key: LoggedKey, log: SigningLog) {
    this.publicKey = inner.publicKey;
    this.#inner = inner;
    this.#key = key;
    this.#log = log;
  }

  async sign(message: Uint8Array): Promise<Uint8Array> {
    // A copy: what is entered is what is signed, even if the caller's bytes change meanwhile.
    const asked = message.slice();
    const described: SignedMessage = describeMessage(asked);
    if (!mayRoleSign(this.#key.role, described)) {
      const { name, role } = this.#key;
      throw new CliError('CLI_KEY_ROLE_MISMATCH', { key: name, role, message: described.kind });
    }
    const entry = { key: this.#key, sha256: toHex(sha256(asked)), message: described };
    await this.#log.append({ ...entry, act: 'sign' });
    try {
      return await this.#inner.sign(asked);
    } catch (error) {
      await this.#log.append({ ...entry, act: 'sign-failed' });
      throw error;
    }
  }
}

/** The entry of an act with a key itself. */
export function keyAct(act: SigningAct, name: string, facts: KeyFacts): LoggedAct {
  const publicKey =
    facts.role === 'line' ? AgreementPublicKey.fromSpki(facts.public) : PublicKey.fromSpki(facts.public);
  return { act, sha256: toHex(sha256(publicKey.toSpkiDer())), message: null, key: { ...facts, name } };
}

/** Everything that the log of a workspace says, verified; undefined when there is no log. */
export async function readSigningLog(
  workspace: Workspace,
  keptCheckpoint: string | undefined,
): Promise<
  | {
      readonly records: readonly SigningRecord[];
      readonly envelopes: readonly Uint8Array[];
      readonly checkpoint: string;
      readonly vkey: string;
    }
  | undefined
> {
  const files = filesOf(workspace);
  if (!(await isPresent(files.key))) return undefined;
  const logKey = signingKeyOf(await loadStoredKey(files.key));
  const vkey = encodeVkey(nameOf(logKey), logKey);
  const log = await readBytes(files, logKey);
  const kept = keptCheckpoint === undefined ? undefined : verifyCheckpoint(keptCheckpoint, vkey);
  const records = verifySigningLog(log, kept);
  const checkpoint = log.checkpoint === undefined ? '' : await readText(files.checkpoint);
  return { records, envelopes: log.envelopes, checkpoint, vkey };
}
