import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

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
  STORAGE_FULL: {
    message: 'there is no space left to store this',
    advice: 'Free space on the file system of the data folder and try again; nothing half-done was kept.',
    status: 507,
  },
  ARTIFACT_MISMATCH: {
    message: 'the bytes are not those that were announced',
    advice: 'Upload the very file that the release names; compare its length and SHA-256.',
    status: 422,
  },
  BLOB_DAMAGED: {
    message: 'stored bytes do not have the digest that is their name',
    advice: 'The disk may be failing: restore the blob folder from a backup, or upload the artifact again.',
    status: 500,
  },
} as const satisfies ErrorTable;

export type StoreErrorCode = keyof typeof STORE_ERRORS;

/** What the disk or the database cannot do. */
export class StoreError extends CodedError<StoreErrorCode> {
  constructor(code: StoreErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(STORE_ERRORS, code), details, cause);
    this.name = 'StoreError';
  }
}
