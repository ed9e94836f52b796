/**
 * One agent a state folder: an exclusive transaction on an empty database, because SQLite takes a lock of the operating
 * system for it, which ends with the process however that ends.
 */
import { DatabaseSync } from 'node:sqlite';
import { AgentError } from './errors.ts';

export type Lock = { readonly release: () => void };

const SQLITE_BUSY = 5;

function resultCodeOf(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined;
}

/** @throws AgentError AGENT_LOCKED, AGENT_STATE_READ_ONLY */
export function takeLock(path: string): Lock {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    // Nothing is ever stored: no journal file may appear beside it.
    database.exec('PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE');
  } catch (cause) {
    database?.close();
    const code = resultCodeOf(cause) === SQLITE_BUSY ? 'AGENT_LOCKED' : 'AGENT_STATE_READ_ONLY';
    throw new AgentError(code, { path }, cause);
  }
  const held = database;
  return { release: () => held.close() };
}
