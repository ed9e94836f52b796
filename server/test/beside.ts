/** Changes to the database of a running server from beside it, as somebody with access to the disk could make them. */
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import pg from 'pg';
import { databaseOf } from './postgres.ts';

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

type Value = string | number | null | Uint8Array;

/** Statements in one transaction, with `?` for each value; over the database that the test server of this folder has. */
export async function runBeside(
  folder: string,
  statements: readonly (readonly [sql: string, ...values: readonly Value[]])[],
): Promise<void> {
  const { database } = await databaseOf(folder);
  if (database === undefined) {
    return await changeBeside(folder, (db) => {
      for (const [sql, ...values] of statements) db.prepare(sql).run(...values);
    });
  }
  const client = new pg.Client(database.url);
  await client.connect();
  try {
    await client.query('BEGIN');
    for (const [sql, ...values] of statements) {
      let count = 0;
      await client.query(
        sql.replaceAll('?', () => `$${++count}`),
        values.map((value) => (value instanceof Uint8Array ? Buffer.from(value) : value)),
      );
    }
    await client.query('COMMIT');
  } finally {
    await client.end();
  }
}
