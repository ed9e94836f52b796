import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '../bytes/index.ts';

export const KEYS_ERRORS = {
  KEYS_FILE_MALFORMED: {
    message: 'the file is not a Pawl key file or key reference',
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
    advice:
      'Make a key of your own; never put a test key into a product. To try things out, set the profile to development.',
    status: 400,
  },
  KEYS_NOT_A_SIGNING_KEY: {
    message: 'the key does not sign',
    advice: 'Name a key of a role that signs; a line key only opens content keys.',
    status: 400,
  },
  KEYS_EXPIRED: {
    message: 'the key is past its end and signs nothing any more',
    advice: 'Make a new key that replaces it, and bring it into the trust metadata.',
    status: 403,
  },
  KEYS_IMPORT_UNREADABLE: {
    message: 'the private key cannot be imported',
    advice: 'Give one PKCS#8 key in PEM ("openssl pkcs8 -topk8"), or the raw secret with its algorithm.',
    status: 400,
  },
  KEYS_TOOL_MISSING: {
    message: 'the tool that signs cannot be started',
    advice: 'Install it (pkcs11-tool is in the package opensc), or correct the command in the key reference.',
    status: 503,
  },
  KEYS_TOOL_TIMEOUT: {
    message: 'the tool that signs did not answer in time, and was ended',
    advice: 'Check that the token or the service can be reached, and that the tool does not wait for a person.',
    status: 504,
  },
  KEYS_TOOL_FAILED: {
    message: 'the tool that signs failed',
    advice: 'Run its command by hand to see all that it says.',
    status: 502,
  },
  KEYS_MODULE_UNUSABLE: {
    message: 'the PKCS#11 module cannot be loaded',
    advice: 'Check the path of the module in the key reference, and that its package is installed.',
    status: 503,
  },
  KEYS_TOKEN_MISSING: {
    message: 'there is no token of this name',
    advice: 'Plug it in, check its label with "pkcs11-tool --module … -L", and the settings of its driver.',
    status: 503,
  },
  KEYS_TOKEN_KEY_MISSING: {
    message: 'the token has no such key',
    advice: 'List its keys with "pkcs11-tool --module … --login -O", and correct the label or id.',
    status: 404,
  },
  KEYS_PIN_MISSING: {
    message: 'there is no PIN where the key reference says',
    advice: 'Put the PIN into that file or environment variable; it is never given on a command line.',
    status: 400,
  },
  KEYS_PIN_WRONG: {
    message: 'the token does not take this PIN',
    advice: 'Correct the PIN before trying again: a token locks after a few wrong ones.',
    status: 403,
  },
  KEYS_PIN_LOCKED: {
    message: 'the token is locked',
    advice: 'Have its security officer set a new PIN.',
    status: 403,
  },
  KEYS_MECHANISM_UNSUPPORTED: {
    message: 'the token or command cannot sign with this kind of key in this way',
    advice: 'Choose the other hashing (host or token), give the message in place of its digest, or use another key.',
    status: 400,
  },
  KEYS_MESSAGE_TOO_LONG: {
    message: 'the message is too long for this token',
    advice: 'Use an ECDSA or RSA key on the token: these sign a digest, whatever the length of the message.',
    status: 413,
  },
  KEYS_SIGNATURE_MALFORMED: {
    message: 'what the tool answered is not a signature of this algorithm',
    advice: 'Check the format and encoding in the key reference against what the command really prints.',
    status: 502,
  },
  KEYS_SIGNER_MISMATCH: {
    message: 'the signature does not verify under the public key that was asked for',
    advice:
      'Another key answered, or it signed something else. Check label, id, input and hashing in the key reference.',
    status: 502,
  },
  KEYS_STATE_UNUSABLE: {
    message: 'the record of the one-time leaves that an LMS key has used is missing or damaged',
    advice:
      'Sign nothing with this key. When it is certain how many signatures it made, "pawl key resume NAME --from N".',
    status: 409,
  },
  KEYS_STATE_RESTORED: {
    message: 'the record of the used leaves is a copy: a leaf that signs twice gives an LMS key away',
    advice: 'Use the original. If it is lost, "pawl key resume NAME --from N", N above every leaf that was ever used.',
    status: 409,
  },
  KEYS_EXHAUSTED: {
    message: 'the LMS key has used all of its one-time leaves',
    advice: 'Make a new key, and bring it into the key list of the line while the old one still counts.',
    status: 409,
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
