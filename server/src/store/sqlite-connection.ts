/** One open SQLite database to Kysely: calls are synchronous underneath, statements prepared once and kept. */
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely';

const STATEMENTS_MAX = 512;

function toSqlValue(value: unknown): SQLInputValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value as SQLInputValue;
}

/** A statement, and whether it gives rows: asking SQLite for that each time costs as much as a small read. */
type Prepared = { readonly statement: StatementSync; readonly givesRows: boolean };

export class SqliteConnection implements DatabaseConnection {
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
