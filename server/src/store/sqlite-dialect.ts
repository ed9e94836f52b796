/**
 * Kysely over Node's own `node:sqlite`: one connection, statements prepared once and kept. The calls are synchronous
 * underneath; transactions are kept apart by a queue, because a connection has only one transaction at a time.
 *
 * A reading connection may keep its snapshot over many reads: opening one takes several system calls, which cost more than
 * a small read. The writer ends the snapshot right before each commit (in the same turn, so that the checkpoint after the
 * commit meets no reader and the log does not grow), and the next read opens one that sees the commit.
 */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';

const STATEMENTS_MAX = 512;

function toSqlValue(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value as SQLInputValue;
}

/** A statement, and whether it gives rows: asking SQLite for that each time costs as much as a small read. */
type Prepared = { readonly statement: StatementSync; readonly givesRows: boolean };

class SqliteConnection implements DatabaseConnection {
  readonly #db: DatabaseSync;
  readonly #keepsSnapshot: boolean;
  readonly #statements = new Map<string, Prepared>();

  constructor(db: DatabaseSync, keepsSnapshot: boolean) {
    this.#db = db;
    this.#keepsSnapshot = keepsSnapshot;
  }

  #prepare(sql: string): Prepared {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    const prepared = { statement, givesRows: statement.columns().length > 0 };
    if (this.#statements.size >= STATEMENTS_MAX) this.#statements.clear();
    this.#statements.set(sql, prepared);
    return prepared;
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    try {
      const { statement, givesRows } = this.#prepare(query.sql);
      const values = query.parameters.map(toSqlValue);
      if (this.#keepsSnapshot && !this.#db.isTransaction) this.#db.exec('BEGIN');
      if (givesRows) return Promise.resolve({ rows: statement.all(...values) as R[] });
      const { changes, lastInsertRowid } = statement.run(...values);
      return Promise.resolve({ rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new TypeError('page through the rows; streaming would hold the connection');
  }

  exec(sql: string): void {
    this.#db.exec(sql);
  }
}

export type SqliteOptions = {
  /** Reads share a snapshot until `endSnapshot`. */
  readonly keepsSnapshot?: boolean;
  /** Called right before each commit. */
  readonly beforeCommit?: () => void;
};

/** Ends the snapshot that a reading connection keeps, if any. */
export function endSnapshot(db: DatabaseSync): void {
  if (db.isOpen && db.isTransaction) db.exec('COMMIT');
}

class SqliteDriver implements Driver {
  readonly #db: DatabaseSync;
  readonly #connection: SqliteConnection;
  readonly #options: SqliteOptions;
  #tail: Promise<void> = Promise.resolve();
  #release: (() => void) | undefined;

  constructor(db: DatabaseSync, options: SqliteOptions) {
    this.#db = db;
    this.#options = options;
    this.#connection = new SqliteConnection(db, options.keepsSnapshot === true);
  }

  init(): Promise<void> {
    return Promise.resolve();
  }

  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#tail;
    let release = (): void => undefined;
    this.#tail = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    this.#release = release;
    return this.#connection;
  }

  releaseConnection(): Promise<void> {
    this.#release?.();
    return Promise.resolve();
  }

  beginTransaction(): Promise<void> {
    this.#connection.exec('BEGIN IMMEDIATE');
    return Promise.resolve();
  }

  commitTransaction(): Promise<void> {
    this.#options.beforeCommit?.();
    this.#connection.exec('COMMIT');
    return Promise.resolve();
  }

  rollbackTransaction(): Promise<void> {
    if (this.#db.isTransaction) this.#connection.exec('ROLLBACK');
    return Promise.resolve();
  }

  destroy(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
    return Promise.resolve();
  }
}

/** A Kysely dialect over one open database. */
export function sqliteDialect(db: DatabaseSync, options: SqliteOptions = {}): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new SqliteDriver(db, options),
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}
