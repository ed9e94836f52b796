/**
 * The writing side of SQLite: one connection, whose transactions take turns. A commit waits for the disk, and takes longer
 * than most acts; so the acts that come in the same turn of the event loop share one: the first is committed at once, those
 * after it together. Each is a savepoint of its own: it sees those
 * before it, what it throws undoes it alone, and its promise resolves when the commit of all is on the disk. When that
 * commit fails, each of them fails.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from 'kysely';
import type { SqliteConnection } from './sqlite-connection.ts';

/** Those that wait for a commit wait for no more than this many acts. */
const ACTS_MAX = 64;

/** Acts between one BEGIN and one COMMIT. */
class Group {
  acts = 0;
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.done = promise;
    this.resolve = resolve;
    this.reject = reject;
    // Nobody may be waiting: then nobody is told.
    promise.catch(() => undefined);
  }
}

/** The connection, for as long as one act has it. */
class Turn implements DatabaseConnection {
  readonly #connection: SqliteConnection;
  isOver = false;
  error: unknown;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    try {
      return await this.#connection.executeQuery<R>(query);
    } catch (error) {
      this.error = error;
      throw error;
    }
  }

  streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    return this.#connection.streamQuery<R>();
  }
}

export class SqliteWriter implements Driver {
  readonly #db: DatabaseSync;
  readonly #connection: SqliteConnection;
  readonly #beforeCommit: () => void;
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;
  /** Whether a commit was made in this turn of the event loop. */
  #isBusy = false;
  #group: Group | undefined;

  /** `beforeCommit` is called in the same turn as each COMMIT, right before it. */
  constructor(db: DatabaseSync, connection: SqliteConnection, beforeCommit: () => void) {
    this.#db = db;
    this.#connection = connection;
    this.#beforeCommit = beforeCommit;
  }

  init(): Promise<void> {
    return Promise.resolve();
  }

  async acquireConnection(): Promise<Turn> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#isTaken = true;
    return new Turn(this.#connection);
  }

  releaseConnection(turn: Turn): Promise<void> {
    this.#end(turn);
    return Promise.resolve();
  }

  beginTransaction(): Promise<void> {
    if (this.#group === undefined) {
      this.#connection.exec('BEGIN IMMEDIATE');
      this.#group = new Group();
    }
    this.#connection.exec('SAVEPOINT act');
    return Promise.resolve();
  }

  commitTransaction(turn: Turn): Promise<void> {
    const group = this.#group;
    if (group === undefined) throw new TypeError('a commit without a transaction');
    this.#connection.exec('RELEASE act');
    group.acts += 1;
    this.#end(turn);
    return group.done;
  }

  /** Undoes one act. A commit that failed has undone its acts already; somebody else may have the connection by then. */
  rollbackTransaction(turn: Turn): Promise<void> {
    if (turn.isOver) return Promise.resolve();
    if (this.#db.isTransaction) this.#connection.exec('ROLLBACK TO act; RELEASE act');
    else this.#fail(turn.error);
    this.#end(turn);
    return Promise.resolve();
  }

  /** What was begun ends first. */
  async destroy(): Promise<void> {
    while (this.#isTaken) await new Promise((resolve) => setImmediate(resolve));
    this.#close();
    if (this.#db.isOpen) this.#db.close();
  }

  #end(turn: Turn): void {
    if (turn.isOver) return;
    turn.isOver = true;
    if ((this.#group?.acts ?? 0) >= ACTS_MAX) this.#close();
    const next = this.#waiting.shift();
    if (next !== undefined) return next();
    this.#isTaken = false;
    if (this.#group === undefined) return;
    if (this.#isBusy) setImmediate(() => this.#closeUnlessTaken());
    else this.#close();
  }

  /** Whoever has the connection now comes by here again at its end. */
  #closeUnlessTaken(): void {
    if (!this.#isTaken) this.#close();
  }

  #close(): void {
    const group = this.#group;
    if (group === undefined) return;
    if (!this.#isBusy) {
      this.#isBusy = true;
      setImmediate(() => {
        this.#isBusy = false;
      });
    }
    try {
      this.#beforeCommit();
      this.#connection.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#connection.exec('ROLLBACK');
      this.#fail(error);
      return;
    }
    this.#group = undefined;
    group.resolve();
  }

  /** SQLite has undone everything (a full disk, a failing one): nobody before in this group is told that it was kept. */
  #fail(error: unknown): void {
    const group = this.#group;
    this.#group = undefined;
    group?.reject(error);
  }
}
