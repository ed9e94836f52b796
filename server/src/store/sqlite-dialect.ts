/**
 * Kysely over Node's own `node:sqlite`: one connection, statements prepared once and kept. The calls are synchronous
 * underneath. What writes takes turns (sqlite-writer.ts); what only reads needs none.
 *
 * A reading connection may keep its snapshot over many reads: opening one takes several system calls, which cost more than
 * a small read. The writer ends the snapshot right before each commit (in the same turn, so that the checkpoint after the
 * commit meets no reader and the log does not grow), and the next read opens one that sees the commit.
 */
import type { DatabaseSync } from 'node:sqlite';
import {
  type DatabaseConnection,
  type Dialect,
  type Driver,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { SqliteConnection } from './sqlite-connection.ts';
import { SqliteWriter } from './sqlite-writer.ts';

/** Ends the snapshot that a reading connection keeps, if any. */
export function endSnapshot(db: DatabaseSync): void {
  if (db.isOpen && db.isTransaction) db.exec('COMMIT');
}

/** Single statements, each at once. */
class SqliteReader implements Driver {
  readonly #db: DatabaseSync;
  readonly #connection: SqliteConnection;

  constructor(db: DatabaseSync) {
    this.#db = db;
    this.#connection = new SqliteConnection(db, true);
  }

  init(): Promise<void> {
    return Promise.resolve();
  }

  acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve(this.#connection);
  }

  releaseConnection(): Promise<void> {
    return Promise.resolve();
  }

  beginTransaction(): Promise<void> {
    throw new TypeError('a reader has no transactions');
  }

  commitTransaction(): Promise<void> {
    return this.beginTransaction();
  }

  rollbackTransaction(): Promise<void> {
    return this.beginTransaction();
  }

  destroy(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
    return Promise.resolve();
  }
}

/** Kysely would let one transaction in at a time; the writer has a queue of its own, and the reader needs none. */
class Adapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

function dialectOf(createDriver: () => Driver): Dialect {
  return {
    createAdapter: () => new Adapter(),
    createDriver,
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** A Kysely dialect over one open database that only reads; it keeps its snapshot until `endSnapshot`. */
export function sqliteReader(db: DatabaseSync): Dialect {
  return dialectOf(() => new SqliteReader(db));
}

/** A Kysely dialect over one open database that writes, in transactions; `beforeCommit` is called right before each commit. */
export function sqliteWriter(db: DatabaseSync, beforeCommit: () => void): Dialect {
  return dialectOf(() => new SqliteWriter(db, new SqliteConnection(db, false), beforeCommit));
}
