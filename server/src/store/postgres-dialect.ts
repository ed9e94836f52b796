/**
 * Kysely over `pg`: values in and out as SQLite gives them (whole numbers as numbers, bytes as Uint8Array, true and false as
 * 1 and 0), errors as ours, statements prepared once a connection. A connection that failed is not used again.
 *
 * A transaction first takes a share of the table `schema_version`, or all of it (`alone`). LOCK TABLE takes no snapshot: what
 * a transaction sees begins after it was let in.
 */
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';
import type { Pool, PoolClient } from 'pg';
import { isConnectionLost, postgresError } from './postgres-errors.ts';

const STATEMENTS_MAX = 256;
const STATEMENT_CHARS_MAX = 4000;
const statementNames = new Map<string, string>();

/** A name under which a statement is prepared; undefined for long ones and for those after the first few hundred. */
function statementName(text: string): string | undefined {
  const known = statementNames.get(text);
  if (known !== undefined || text.length > STATEMENT_CHARS_MAX || statementNames.size >= STATEMENTS_MAX) return known;
  const name = `pawl${statementNames.size}`;
  statementNames.set(text, name);
  return name;
}

function toSqlValue(value: unknown): unknown {
  return typeof value === 'boolean' ? Number(value) : value;
}

class PostgresConnection implements DatabaseConnection {
  readonly #client: PoolClient;
  #isLost = false;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  async executeQuery<R>({ sql: text, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const name = statementName(text);
    const query = { text, values: parameters.map(toSqlValue), ...(name === undefined ? {} : { name }) };
    try {
      const { rows, rowCount } = await this.#client.query(query);
      return { rows: rows as R[], numAffectedRows: BigInt(rowCount ?? 0) };
    } catch (error) {
      throw this.#failure(error);
    }
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new TypeError('page through the rows; streaming would hold the connection');
  }

  async exec(text: string): Promise<void> {
    try {
      await this.#client.query(text);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  release(): void {
    this.#client.release(this.#isLost);
  }

  #failure(error: unknown): unknown {
    this.#isLost ||= isConnectionLost(error);
    return postgresError(error);
  }
}

/** How a transaction is let in. */
export type Entry = 'shared' | 'alone' | 'in-turn';

const BEGIN: Readonly<Record<Entry, string>> = {
  shared: 'BEGIN ISOLATION LEVEL SERIALIZABLE; LOCK TABLE schema_version IN ROW SHARE MODE',
  alone: 'BEGIN ISOLATION LEVEL SERIALIZABLE; LOCK TABLE schema_version IN EXCLUSIVE MODE',
  // Each statement sees what was committed before it: also what the turn before this one did.
  'in-turn': 'BEGIN ISOLATION LEVEL READ COMMITTED',
};

class PostgresDriver implements Driver {
  readonly #pool: Pool;
  readonly #entry: Entry;

  constructor(pool: Pool, entry: Entry) {
    this.#pool = pool;
    this.#entry = entry;
  }

  init(): Promise<void> {
    return Promise.resolve();
  }

  async acquireConnection(): Promise<PostgresConnection> {
    try {
      return new PostgresConnection(await this.#pool.connect());
    } catch (error) {
      throw postgresError(error);
    }
  }

  releaseConnection(connection: PostgresConnection): Promise<void> {
    connection.release();
    return Promise.resolve();
  }

  beginTransaction(connection: PostgresConnection, _settings: TransactionSettings): Promise<void> {
    return connection.exec(BEGIN[this.#entry]);
  }

  commitTransaction(connection: PostgresConnection): Promise<void> {
    return connection.exec('COMMIT');
  }

  async rollbackTransaction(connection: PostgresConnection): Promise<void> {
    // A lost connection rolls back by itself; what was thrown first is what counts.
    await connection.exec('ROLLBACK').catch(() => undefined);
  }

  destroy(): Promise<void> {
    return Promise.resolve();
  }
}

/** A Kysely dialect over a pool, which its owner ends. */
export function postgresDialect(pool: Pool, entry: Entry): Dialect {
  return {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new PostgresDriver(pool, entry),
    createIntrospector: (kysely) => new PostgresIntrospector(kysely),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  };
}
