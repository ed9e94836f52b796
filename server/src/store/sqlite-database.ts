/**
 * SQLite in a data folder: WAL, `synchronous=FULL` (a commit survives the loss of power), foreign keys on, one
 * connection that writes and one that reads. A second server on the same folder is refused by an exclusive lock that the
 * operating system gives back when a process dies.
 */
import { DatabaseSync } from 'node:sqlite';
import { Kysely } from 'kysely';
import type { Database, Db, Task, Trx } from './database.ts';
import { StoreError, type StoreErrorCode } from './errors.ts';
import { MIGRATIONS, SQLITE_WORDS } from './migrations/index.ts';
import type { Schema } from './schema/index.ts';
import { endSnapshot, sqliteReader, sqliteWriter } from './sqlite-dialect.ts';

function sqliteCode(error: unknown): number | undefined {
  return typeof error === 'object' && error !== null && 'errcode' in error ? Number(error.errcode) : undefined;
}

/** Primary result codes that an operator can act on. Any other (a broken constraint) is a fault of ours and stays what it is. */
const SQLITE_CODES: ReadonlyMap<number, StoreErrorCode> = new Map([
  [3, 'STORE_NOT_WRITABLE'],
  [5, 'STORE_LOCKED'],
  [8, 'STORE_NOT_WRITABLE'],
  [10, 'STORE_NOT_WRITABLE'],
  [11, 'STORE_DAMAGED'],
  [13, 'STORE_FULL'],
  [14, 'STORE_NOT_WRITABLE'],
  [26, 'STORE_DAMAGED'],
]);

/** Runs a step on the disk; turns what SQLite says into our codes. */
function withStoreErrors<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    const code = SQLITE_CODES.get((sqliteCode(cause) ?? 0) & 0xff);
    throw code === undefined ? cause : new StoreError(code, { path }, cause);
  }
}

function lockFolder(dataDir: string): DatabaseSync {
  const path = `${dataDir}/lock`;
  return withStoreErrors(path, () => {
    const lock = new DatabaseSync(path);
    try {
      lock.exec('PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;');
    } catch (error) {
      lock.close();
      throw error;
    }
    return lock;
  });
}

function migrate(db: DatabaseSync): void {
  const row = db.prepare('PRAGMA user_version').get();
  const version = Number(row?.['user_version'] ?? 0);
  if (version > MIGRATIONS.length)
    throw new StoreError('STORE_NEWER', { expected: MIGRATIONS.length, actual: version });
  for (const [index, migration] of MIGRATIONS.entries()) {
    if (index < version) continue;
    db.exec(`BEGIN IMMEDIATE; ${migration(SQLITE_WORDS)}; PRAGMA user_version = ${index + 1}; COMMIT;`);
  }
}

function openWriter(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout: 5000 });
  try {
    db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=FAST; PRAGMA cache_size=-65536;');
    migrate(db);
  } catch (error) {
    db.close();
    throw error;
  }
  return db;
}

class SqliteDatabase implements Database {
  readonly isShared = false;
  readonly read: Db;
  readonly #writer: Db;
  readonly #lock: DatabaseSync;

  constructor(lock: DatabaseSync, writer: DatabaseSync, reader: DatabaseSync) {
    this.#lock = lock;
    this.#writer = new Kysely<Schema>({ dialect: sqliteWriter(writer, () => endSnapshot(reader)) });
    this.read = new Kysely<Schema>({ dialect: sqliteReader(reader) });
  }

  async write<T>(act: (trx: Trx) => Promise<T>): Promise<T> {
    try {
      return await this.#writer.transaction().execute(act);
    } catch (error) {
      return withStoreErrors('pawl.db', () => {
        throw error;
      });
    }
  }

  /** One process, one writer: every write has its turn. */
  writeInTurn<T>(_task: Task, act: (trx: Trx) => Promise<T>): Promise<T> {
    return this.write(act);
  }

  async close(): Promise<void> {
    await this.read.destroy();
    await this.#writer.destroy();
    this.#lock.close();
  }
}

/**
 * Opens the database of a data folder, and brings it to the newest schema.
 * @throws StoreError STORE_LOCKED, STORE_NOT_WRITABLE, STORE_NEWER, STORE_DAMAGED
 */
export function openSqlite(dataDir: string): Database {
  const lock = lockFolder(dataDir);
  const path = `${dataDir}/pawl.db`;
  try {
    return withStoreErrors(path, () => {
      const writer = openWriter(path);
      const reader = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
      // Polls look all over the index of a large fleet.
      reader.exec('PRAGMA cache_size=-65536');
      return new SqliteDatabase(lock, writer, reader);
    });
  } catch (error) {
    lock.close();
    throw error;
  }
}
