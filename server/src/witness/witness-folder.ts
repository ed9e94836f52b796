/**
 * What a witness keeps in its folder: its key (sealed with a secret beside it, as the server's own keys are), its verification
 * key, and the last checkpoint of each ledger that it cosigned, in an SQLite file that one process at a time holds. What was
 * written is on the disk before `remember` returns (synchronous=EXTRA). Checkpoints that are another history are kept as
 * evidence, the newest few; those that only came without a good proof are kept apart, because anybody can send a checkpoint
 * of the ledger with a bad proof, and must neither speak against it by that nor push the evidence out.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { isCodedError } from '@pawl/core/bytes';
import { PrivateKey } from '@pawl/core/crypto';
import { type Checkpoint, encodeWitnessVkey, parseWitnessVkey } from '@pawl/core/evidence';
import { createFileKey, loadKeyFile, newRandomSecret, openKeyFile, saveKeyFile } from '@pawl/core/keys';
import { WitnessError } from './errors.ts';

const REFUSED_MAX = 100;
const SQLITE_BUSY = 5;

export type Remembered = { readonly size: number; readonly root: Uint8Array };
/** `isFork`: the same size was cosigned with another root; else it was not proven to go on from what was cosigned. */
export type RefusedCheckpoint = {
  readonly origin: string;
  readonly atMs: number;
  readonly note: string;
  readonly isFork: boolean;
};
const COLUMNS = '(id INTEGER PRIMARY KEY, origin TEXT NOT NULL, at_ms INTEGER NOT NULL, note TEXT NOT NULL) STRICT';

/** What the ledger signed of itself: lines of others after it are no other checkpoint. */
const textOf = (note: string): string => note.slice(0, note.lastIndexOf('\n\n') + 1);

/**
 * Makes the key and the empty memory of a new witness.
 * @throws WitnessError WITNESS_FOLDER_EXISTS; EvidenceError VKEY_MALFORMED
 */
export async function createWitnessFolder(dir: string, name: string, createdAt: Date): Promise<void> {
  if (existsSync(dir)) throw new WitnessError('WITNESS_FOLDER_EXISTS', { dir });
  // A name that is none is refused before anything is made.
  encodeWitnessVkey(name, PrivateKey.generate('Ed25519').publicKey);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const passphrase = newRandomSecret();
  writeFileSync(`${dir}/secret`, passphrase, { mode: 0o600, flush: true });
  const purpose = 'cosigns ledgers as a witness';
  const { file, key } = await createFileKey({ role: 'ledger', algorithm: 'Ed25519', purpose, createdAt, passphrase });
  if (!(key instanceof PrivateKey)) throw new TypeError('an Ed25519 key signs');
  await saveKeyFile(`${dir}/key.json`, file);
  const database = new DatabaseSync(`${dir}/seen.db`);
  database.exec(`
    CREATE TABLE seen (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL) STRICT;
    CREATE TABLE refused ${COLUMNS};
  `);
  database.close();
  // Last: a folder that has it is whole.
  writeFileSync(`${dir}/witness.vkey`, `${encodeWitnessVkey(name, key.publicKey)}\n`, { flush: true });
}

function openMemory(dir: string): DatabaseSync {
  const database = new DatabaseSync(`${dir}/seen.db`, { timeout: 0 });
  try {
    database.exec(
      `PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = EXTRA; BEGIN EXCLUSIVE; SELECT size FROM seen;
      CREATE TABLE IF NOT EXISTS unproven ${COLUMNS}; COMMIT`,
    );
    return database;
  } catch (cause) {
    database.close();
    const code = cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) & 0xff : 0;
    throw new WitnessError(code === SQLITE_BUSY ? 'WITNESS_FOLDER_BUSY' : 'WITNESS_FOLDER_DAMAGED', { dir }, cause);
  }
}

async function openKey(dir: string): Promise<{ vkey: string; name: string; key: PrivateKey }> {
  try {
    const vkey = readFileSync(`${dir}/witness.vkey`, 'utf8').trim();
    const { name } = parseWitnessVkey(vkey);
    const key = await openKeyFile(await loadKeyFile(`${dir}/key.json`), readFileSync(`${dir}/secret`, 'utf8').trim());
    if (key instanceof PrivateKey && encodeWitnessVkey(name, key.publicKey) === vkey) return { vkey, name, key };
  } catch (cause) {
    if (!isCodedError(cause) && (cause as NodeJS.ErrnoException).code === undefined) throw cause;
    throw new WitnessError('WITNESS_FOLDER_DAMAGED', { dir }, cause);
  }
  throw new WitnessError('WITNESS_FOLDER_DAMAGED', { dir, expected: 'its own key' });
}

export class WitnessFolder {
  readonly vkey: string;
  readonly name: string;
  readonly key: PrivateKey;
  readonly #memory: DatabaseSync;

  private constructor({ vkey, name, key }: { vkey: string; name: string; key: PrivateKey }, memory: DatabaseSync) {
    this.vkey = vkey;
    this.name = name;
    this.key = key;
    this.#memory = memory;
  }

  /** @throws WitnessError WITNESS_FOLDER_DAMAGED, WITNESS_FOLDER_BUSY */
  static async open(dir: string): Promise<WitnessFolder> {
    if (!existsSync(`${dir}/seen.db`)) throw new WitnessError('WITNESS_FOLDER_DAMAGED', { dir, missing: 'seen.db' });
    return new WitnessFolder(await openKey(dir), openMemory(dir));
  }

  /** The last checkpoint of a ledger that was cosigned. */
  seen(origin: string): Remembered | undefined {
    const row = this.#memory.prepare('SELECT size, root FROM seen WHERE origin = ?').get(origin);
    return row === undefined
      ? undefined
      : { size: Number(row['size']), root: new Uint8Array(row['root'] as Uint8Array) };
  }

  /** Puts a checkpoint down as the last one; it is on the disk when this returns. */
  remember({ origin, size, root }: Checkpoint, note: string): void {
    this.#memory
      .prepare('INSERT OR REPLACE INTO seen (origin, size, root, note) VALUES (?, ?, ?, ?)')
      .run(origin, size, root, note);
  }

  /** Keeps a checkpoint that the ledger key signed and that was refused, once. */
  keepRefused({ origin, atMs, note, isFork }: RefusedCheckpoint): void {
    const text = textOf(note);
    if (this.#refusedOf(isFork).some((known) => textOf(known.note) === text)) return;
    const table = isFork ? 'refused' : 'unproven';
    this.#memory.prepare(`INSERT INTO ${table} (origin, at_ms, note) VALUES (?, ?, ?)`).run(origin, atMs, note);
    this.#memory.prepare(`DELETE FROM ${table} WHERE id <= (SELECT max(id) FROM ${table}) - ?`).run(REFUSED_MAX);
  }

  #refusedOf(isFork: boolean): RefusedCheckpoint[] {
    const table = isFork ? 'refused' : 'unproven';
    const rows = this.#memory.prepare(`SELECT origin, at_ms, note FROM ${table} ORDER BY id`).all();
    return rows.map((row) => ({
      origin: String(row['origin']),
      atMs: Number(row['at_ms']),
      note: String(row['note']),
      isFork,
    }));
  }

  /** Forks first, each oldest first. */
  refused(): RefusedCheckpoint[] {
    return [...this.#refusedOf(true), ...this.#refusedOf(false)];
  }

  close(): void {
    this.#memory.close();
  }
}
