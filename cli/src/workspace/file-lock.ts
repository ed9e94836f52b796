/**
 * One writer of a file at a time, among processes and within this one. Between processes it is a lock of the operating system,
 * taken through an exclusive transaction on an empty SQLite file: it ends with the process, however that ends.
 */
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { CliError } from '../frame/errors.ts';

const SQLITE_BUSY = 5;
const WAIT_MS = 25;
const WAIT_TOTAL_MS = 30_000;

const queues = new Map<string, Promise<unknown>>();

function isBusy(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  // The low byte is the result; above it stands why (SQLITE_BUSY_RECOVERY and others).
  return typeof code === 'number' && (code & 0xff) === SQLITE_BUSY;
}

async function takeLock(path: string, waitTotalMs: number): Promise<DatabaseSync> {
  for (let waitedMs = 0; waitedMs <= waitTotalMs; waitedMs += WAIT_MS) {
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path, { timeout: 0 });
      // Nothing is ever stored: no journal file may appear beside it.
      database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
      return database;
    } catch (cause) {
      database?.close();
      if (!isBusy(cause)) throw new CliError('CLI_FILE_UNWRITABLE', { path }, cause);
    }
    await delay(WAIT_MS);
  }
  throw new CliError('CLI_SIGNING_LOG_BUSY', { path });
}

async function runLocked<T>(path: string, work: () => Promise<T>, waitTotalMs: number): Promise<T> {
  const lock = await takeLock(path, waitTotalMs);
  try {
    return await work();
  } finally {
    lock.close();
  }
}

/**
 * Runs the work while nobody else holds the lock; it waits, for half a minute by default.
 * @throws CliError CLI_SIGNING_LOG_BUSY, CLI_FILE_UNWRITABLE
 */
export function withFileLock<T>(path: string, work: () => Promise<T>, waitTotalMs: number = WAIT_TOTAL_MS): Promise<T> {
  const before = queues.get(path) ?? Promise.resolve();
  const run = before.then(
    () => runLocked(path, work, waitTotalMs),
    () => runLocked(path, work, waitTotalMs),
  );
  queues.set(
    path,
    run.catch(() => undefined),
  );
  return run;
}
