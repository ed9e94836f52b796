/** Changes to the database of a running server from beside it, as somebody with access to the disk could make them. */
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';

const SQLITE_BUSY = 5;

/** A transaction, begun in a moment when the server writes nothing. The server is in this process: no waiting in between. */
export async function openBeside(folder: string): Promise<DatabaseSync> {
  const db = new DatabaseSync(`${folder}/data/pawl.db`, { timeout: 0 });
  for (;;) {
    try {
      db.exec('BEGIN IMMEDIATE');
      return db;
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) throw error;
      await turn();
    }
  }
}

export function closeBeside(db: DatabaseSync): void {
  db.exec('COMMIT');
  db.close();
}

/** Both at once. */
export async function changeBeside(folder: string, act: (db: DatabaseSync) => void): Promise<void> {
  const db = await openBeside(folder);
  try {
    act(db);
  } finally {
    closeBeside(db);
  }
}
