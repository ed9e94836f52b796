import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '../bytes/index.ts';

export const KEYS_ERRORS = {
  KEYS_FILE_MALFORMED: {
    message: 'the file is not a Pawl key file',
    advice: 'Check that the path names a key file and that it was copied whole; restore it from its backup.',
    status: 400,
  },
  KEYS_FILE_UNREADABLE: {
    message: 'the key file cannot be read',
    advice: 'Check the path and who may read it.',
    status: 400,
  },
  KEYS_FILE_UNWRITABLE: {
    message: 'the key file cannot be written',
    advice: 'Check the folder, its permissions and the space left on the disk.',
  },
  KEYS_FILE_EXISTS: {
    message: 'a file of this name exists already',
    advice: 'A key is never overwritten: choose another name, or move the old key away first.',
    status: 409,
  },
  KEYS_PASSPHRASE_WRONG: {
    message: 'the key file does not open with this passphrase',
    advice: 'Check the passphrase. If it is right, the file was changed: restore it from its backup.',
    status: 403,
  },
  KEYS_PASSPHRASE_TOO_SHORT: {
    message: 'the passphrase is too short to protect a key',
    advice: 'Give at least 8 characters; better, several random words.',
    status: 400,
  },
  KEYS_ALGORITHM_NOT_ALLOWED: {
    message: 'keys of this role do not use this algorithm',
    advice: 'Choose one of the algorithms that the role allows.',
    status: 400,
  },
  KEYS_TEST_KEY_BARRED: {
    message: 'the key is a published test key, whose private half everybody has',
    advice: 'Make a key of your own; never put a test key into a product.',
    status: 400,
  },
} as const satisfies ErrorTable;

export type KeysErrorCode = keyof typeof KEYS_ERRORS;

/** A key that cannot be made, stored, opened or accepted. */
export class KeysError extends CodedError<KeysErrorCode> {
  constructor(code: KeysErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(KEYS_ERRORS, code), details, cause);
    this.name = 'KeysError';
  }
}
