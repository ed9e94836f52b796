import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

/** @public The reference pages read every table of error codes. */
export const BLOB_ERRORS = {
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

export type BlobErrorCode = keyof typeof BLOB_ERRORS;

/** Bytes that cannot be stored, or are not what they should be. */
export class BlobError extends CodedError<BlobErrorCode> {
  constructor(code: BlobErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(BLOB_ERRORS, code), details, cause);
    this.name = 'BlobError';
  }
}
