/**
 * PostgreSQL, for any number of server processes. Writes are SERIALIZABLE: PostgreSQL refuses those that together would not
 * be as if one came after the other, and they run again. One that was refused a few times runs alone: others wait at the
 * door, so it cannot be refused once more and each write ends.
 *
 * A COMMIT whose answer never came is not repeated: it may have happened. The caller is told STORE_UNREACHABLE, and acts are
 * made so that the request can be sent again.
 */
import { Kysely, sql } from 'kysely';
import pg from 'pg';
import type { Database, DatabaseLoad, Db, Task, Trx } from './database.ts';
import { StoreError } from './errors.ts';
import { type Entry, postgresDialect } from './postgres-dialect.ts';
import { isWorthAnother, postgresError } from './postgres-errors.ts';
import { migratePostgres } from './postgres-migrate.ts';
import { poolOptions } from './postgres-options.ts';
import type { Schema } from './schema/index.ts';

export type PostgresOptions = {
  /** `postgres://USER@HOST:PORT/NAME`, with the password in it, in PGPASSWORD or in ~/.pgpass. */
  readonly url: string;
  /** Connections that write, and as many that read. */
  readonly connections?: number;
};

const CONNECTIONS = 8;
/** How often a write is run beside others before it runs alone. */
const SHARED_TRIES = 4;
const TRIES = 6;

/** Numbers of the advisory locks; the first half keeps them apart from those of others in the same database. */
const LOCK_SPACE = 0x7061776c;
const TASK_LOCKS: Readonly<Record<Task, number>> = { ledger: 1, keys: 2, events: 3 };

class PostgresDatabase implements Database {
  readonly isShared = true;
  readonly read: Db;
  readonly #pools: { readonly read: pg.Pool; readonly write: pg.Pool };
  #writesRepeated = 0;
  #writesAlone = 0;
  readonly #writers: Readonly<Record<Entry, Db>>;

  constructor(readPool: pg.Pool, writePool: pg.Pool) {
    this.#pools = { read: readPool, write: writePool };
    const over = (pool: pg.Pool, entry: Entry): Db => new Kysely<Schema>({ dialect: postgresDialect(pool, entry) });
    this.read = over(readPool, 'shared');
    this.#writers = {
      shared: over(writePool, 'shared'),
      alone: over(writePool, 'alone'),
      'in-turn': over(writePool, 'in-turn'),
    };
  }

  async write<T>(act: (trx: Trx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const writer = this.#writers[attempt <= SHARED_TRIES ? 'shared' : 'alone'];
      try {
        return await writer.transaction().execute(act);
      } catch (error) {
        if (!isWorthAnother(error) || attempt === TRIES) throw error;
        this.#writesRepeated += 1;
        if (attempt === SHARED_TRIES) this.#writesAlone += 1;
      }
    }
  }

  writeInTurn<T>(task: Task, act: (trx: Trx) => Promise<T>): Promise<T> {
    return this.#writers['in-turn'].transaction().execute(async (trx) => {
      await sql`select pg_advisory_xact_lock(${LOCK_SPACE}, ${TASK_LOCKS[task]})`.execute(trx);
      return await act(trx);
    });
  }

  readonly load = (): DatabaseLoad => {
    const of = ({ totalCount, idleCount, waitingCount }: pg.Pool) => ({
      busy: totalCount - idleCount,
      idle: idleCount,
      waiting: waitingCount,
    });
    const { read, write } = this.#pools;
    const counts = { writesRepeated: this.#writesRepeated, writesAlone: this.#writesAlone };
    return { pools: { read: of(read), write: of(write) }, ...counts };
  };

  async close(): Promise<void> {
    for (const pool of Object.values(this.#pools)) if (!pool.ended) await pool.end();
  }
}

/** A lost connection is no event of its own: who uses it is told, and the next one is opened when it is needed. */
function ignoreLosses(pool: pg.Pool): void {
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
}

/**
 * Opens a database, and brings it to the newest schema; one process does that, the others wait for it.
 * @throws StoreError STORE_UNREACHABLE, STORE_REFUSED, STORE_NEWER, STORE_ADDRESS_INVALID
 */
export async function openPostgres({ url, connections = CONNECTIONS }: PostgresOptions): Promise<Database> {
  const options = poolOptions(url);
  const pools = [new pg.Pool({ ...options, max: connections }), new pg.Pool({ ...options, max: connections })] as const;
  for (const pool of pools) ignoreLosses(pool);
  try {
    await migratePostgres(pools[1]);
    return new PostgresDatabase(...pools);
  } catch (error) {
    await Promise.all(pools.map((pool) => pool.end()));
    throw error instanceof StoreError ? error : postgresError(error);
  }
}
