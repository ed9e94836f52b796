/** Last-seen times, kept in memory and written together: a poll costs no write. A crash loses at most one interval of them. */
import type { Database } from '../store/database.ts';
import { saveLastSeen } from '../store/devices.ts';

export class LastSeen {
  readonly #database: Database;
  #pending = new Map<number, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  note(deviceId: number, atMs: number): void {
    this.#pending.set(deviceId, atMs);
  }

  async flush(): Promise<void> {
    if (this.#pending.size === 0) return;
    const pending = this.#pending;
    this.#pending = new Map();
    await this.#database.write((trx) => saveLastSeen(trx, pending));
  }
}
