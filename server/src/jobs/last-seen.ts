/**
 * Last-seen times, kept in memory and written together: a poll costs no write. A crash loses at most one interval of them.
 * They are written some hundred at a time in the order of their table, and polls are answered in between.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Database } from '../store/database.ts';
import { saveLastSeen } from '../store/devices.ts';

const BATCH = 500;

export class LastSeen {
  readonly #database: Pick<Database, 'write'>;
  #pending = new Map<number, number>();

  constructor(database: Pick<Database, 'write'>) {
    this.#database = database;
  }

  note(deviceId: number, atMs: number): void {
    this.#pending.set(deviceId, atMs);
  }

  /** What cannot be written stays for the next time. */
  async flush(): Promise<void> {
    const seen = [...this.#pending].sort(([a], [b]) => a - b);
    this.#pending = new Map();
    for (let at = 0; at < seen.length; at += BATCH) {
      try {
        await this.#database.write((trx) => saveLastSeen(trx, seen.slice(at, at + BATCH)));
      } catch (error) {
        this.#pending = new Map([...seen.slice(at), ...this.#pending]);
        throw error;
      }
      await turn();
    }
  }
}
