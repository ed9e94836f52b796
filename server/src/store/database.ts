/**
 * What the server asks of a database. Two implementations: SQLite in the data folder (sqlite-database.ts), for one process,
 * and PostgreSQL (postgres-database.ts), for any number of them.
 *
 * Both promise the same: a write happens as if no other write happened at the same time, whoever made it; it is on the disk
 * when the promise resolves; what is thrown inside undoes all of it. An act may run more than once (PostgreSQL refuses one of
 * two that got in each other's way, and it is run again on what is there now): it must do nothing that is not undone with the
 * transaction, and take what it returns from its last run.
 */
import type { Kysely, Transaction } from 'kysely';
import type { Schema } from './schema/index.ts';

export type Db = Kysely<Schema>;
export type Trx = Transaction<Schema>;

/** How busy the way to a database is, for monitoring. */
export type DatabaseLoad = {
  /** Connections of this process by what they do; `waiting`: acts that wait for one. */
  readonly pools: Readonly<Record<'read' | 'write', Readonly<Record<'busy' | 'idle' | 'waiting', number>>>>;
  /** Writes that ran again because of others at the same time, since the start; those of them that then ran alone. */
  readonly writesRepeated: number;
  readonly writesAlone: number;
};

export type Database = {
  /** Whether other processes may use it at the same time. */
  readonly isShared: boolean;
  /** Reads see the last commit; never use it inside `write`. */
  readonly read: Db;
  /**
   * One transaction.
   * @throws StoreError, and whatever `act` throws
   */
  write<T>(act: (trx: Trx) => Promise<T>): Promise<T>;
  /**
   * One transaction that no other one of the same task overlaps, in any process: it sees all that those before it did. For
   * work that is done in turn (the ledger's order), not for acts: other writes go on beside it.
   */
  writeInTurn<T>(task: Task, act: (trx: Trx) => Promise<T>): Promise<T>;
  /** Undefined where no act waits for a connection or is run again. */
  readonly load?: () => DatabaseLoad;
  close(): Promise<void>;
};

/** What is done by one process at a time. */
export type Task = 'ledger' | 'keys' | 'events';
