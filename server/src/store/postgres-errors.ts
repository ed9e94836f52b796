/** What PostgreSQL and the way to it say (SQLSTATE, errors of the socket), as our codes. */
import { StoreError, type StoreErrorCode } from './errors.ts';

/** By SQLSTATE, or by its class (the first two characters). */
const BY_STATE: Readonly<Record<string, StoreErrorCode>> = {
  '08': 'STORE_UNREACHABLE',
  // The server shuts down, starts, or its process for us crashed.
  '57P': 'STORE_UNREACHABLE',
  '53100': 'STORE_FULL',
  '53300': 'STORE_BUSY',
  '28': 'STORE_REFUSED',
  '3D': 'STORE_REFUSED',
  '42501': 'STORE_REFUSED',
  // A standby: another one was promoted, or this one was not yet.
  '25006': 'STORE_NOT_WRITABLE',
  XX001: 'STORE_DAMAGED',
  XX002: 'STORE_DAMAGED',
};

const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EPIPE',
]);

/** Words of `pg` itself, which gives these errors no code. */
const LOST = /^Connection terminated|^Client has encountered a connection error|^Query read timeout|^timeout expired/;
const POOL_EMPTY = /^timeout exceeded when trying to connect/;

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function storeCodeOf(error: unknown): StoreErrorCode | undefined {
  const code = codeOf(error);
  const known = BY_STATE[code] ?? BY_STATE[code.slice(0, 3)] ?? BY_STATE[code.slice(0, 2)];
  if (known !== undefined) return known;
  if (SOCKET_CODES.has(code)) return 'STORE_UNREACHABLE';
  const text = error instanceof Error ? error.message : '';
  if (LOST.test(text)) return 'STORE_UNREACHABLE';
  return POOL_EMPTY.test(text) ? 'STORE_BUSY' : undefined;
}

/** Whether the connection is of no use any more. */
export function isConnectionLost(error: unknown): boolean {
  return storeCodeOf(error) === 'STORE_UNREACHABLE';
}

/** The error as callers see it. One that is a fault of ours (a broken constraint) stays what it is. */
export function postgresError(error: unknown): unknown {
  const code = storeCodeOf(error);
  return code === undefined ? error : new StoreError(code, { state: codeOf(error) }, error);
}

/** serialization_failure, deadlock_detected; unique_violation, which can be what the first of them looks like. */
const AGAIN = new Set(['40001', '40P01', '23505']);

/** Whether a transaction failed because of another one at the same time, so that it may work when it is run again. */
export function isWorthAnother(error: unknown): boolean {
  return AGAIN.has(codeOf(error));
}
