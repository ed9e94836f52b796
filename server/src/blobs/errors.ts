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
  BLOB_MISSING: {
    message: 'an artifact is not in the object store',
    advice: 'Restore the objects from a backup, or upload the artifact again.',
    status: 503,
  },
  BLOB_STORE_UNREACHABLE: {
    message: 'the object store cannot be reached',
    advice: 'Send the request again in a moment. Operators: look at the store and at the network to it.',
    status: 503,
  },
  BLOB_STORE_REFUSED: {
    message: 'the object store does not let this server in',
    advice: 'Check endpoint, bucket, region and keys of the objects file, and the clock of this machine.',
    status: 503,
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
