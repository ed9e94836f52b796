import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

/** @public The reference pages read every table of error codes. */
export const STORE_ERRORS = {
  STORE_LOCKED: {
    message: 'another server uses this data folder',
    advice: 'Stop the other server, or give this one a data folder of its own.',
    status: 503,
  },
  STORE_NOT_WRITABLE: {
    message: 'the data folder cannot be written',
    advice: 'Check the owner and mode of the folder, and that its file system is not read-only.',
    status: 503,
  },
  STORE_NEWER: {
    message: 'the database was written by a newer Pawl',
    advice: 'Run the newer version; the schema only moves forward.',
    status: 503,
  },
  STORE_DAMAGED: {
    message: 'the database file is damaged or no database',
    advice: 'Restore the data folder from a backup. Nothing was changed.',
    status: 503,
  },
  STORE_FULL: {
    message: 'there is no space left for the database',
    advice: 'Free space on the file system of the data folder; nothing half-done was kept.',
    status: 507,
  },
  STORE_ADDRESS_INVALID: {
    message: 'this is no address of a PostgreSQL database',
    advice:
      'Give postgres://USER@HOST:PORT/NAME; across a network it must speak TLS, unless ?sslmode=disable is added.',
    status: 503,
  },
  STORE_UNREACHABLE: {
    message: 'the database cannot be reached',
    advice: 'Send the request again in a moment. Operators: start the database, or look at the network to it.',
    status: 503,
  },
  STORE_BUSY: {
    message: 'the database has no connection to spare',
    advice:
      'Send the request again in a moment. Operators: raise max_connections of the database, or run fewer servers.',
    status: 503,
  },
  STORE_REFUSED: {
    message: 'the database does not let this server in',
    advice: 'Check the user, its password, its rights and the name of the database.',
    status: 503,
  },
} as const satisfies ErrorTable;

export type StoreErrorCode = keyof typeof STORE_ERRORS;

/** What the database cannot do. */
export class StoreError extends CodedError<StoreErrorCode> {
  constructor(code: StoreErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(STORE_ERRORS, code), details, cause);
    this.name = 'StoreError';
  }
}
