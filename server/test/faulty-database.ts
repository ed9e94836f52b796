/** A database of which one write fails, at the place that the test names. */
import type { Database, Trx } from '../src/store/database.ts';
import { StoreError } from '../src/store/errors.ts';

/** Before the act runs; when it has run and nothing is committed; when all is on the disk and the answer is lost. */
export const FAULTS = ['before', 'undone', 'answer-lost'] as const;
export type Fault = (typeof FAULTS)[number];

type Write = <T>(act: (trx: Trx) => Promise<T>) => Promise<T>;

export class FaultyDatabase implements Database {
  readonly isShared: boolean;
  readonly read: Database['read'];
  readonly #database: Database;
  #armed: { readonly fault: Fault; left: number } | undefined;

  constructor(database: Database) {
    this.#database = database;
    this.isShared = database.isShared;
    this.read = database.read;
  }

  /** The n-th write from now on fails, counted from 0. */
  arm(fault: Fault, n: number): void {
    this.#armed = { fault, left: n };
  }

  /** Whether the armed fault happened; none is armed any more. */
  disarm(): boolean {
    const hasFired = this.#armed === undefined;
    this.#armed = undefined;
    return hasFired;
  }

  write<T>(act: (trx: Trx) => Promise<T>): Promise<T> {
    return this.#faulty((inside) => this.#database.write(inside), act);
  }

  writeInTurn: Database['writeInTurn'] = (task, act) =>
    this.#faulty((inside) => this.#database.writeInTurn(task, inside), act);

  close(): Promise<void> {
    return this.#database.close();
  }

  #take(): Fault | undefined {
    const armed = this.#armed;
    if (armed === undefined) return undefined;
    armed.left -= 1;
    if (armed.left >= 0) return undefined;
    this.#armed = undefined;
    return armed.fault;
  }

  async #faulty<T>(write: Write, act: (trx: Trx) => Promise<T>): Promise<T> {
    const fault = this.#take();
    if (fault === 'before') throw new StoreError('STORE_UNREACHABLE');
    const result = await write(async (trx) => {
      const done = await act(trx);
      if (fault === 'undone') throw new StoreError('STORE_UNREACHABLE');
      return done;
    });
    if (fault === 'answer-lost') throw new StoreError('STORE_UNREACHABLE');
    return result;
  }
}
