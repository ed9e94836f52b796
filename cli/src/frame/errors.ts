import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

export const CLI_ERRORS = {
  CLI_USAGE: {
    message: 'the command line is not understood',
    advice: 'Run the command with --help to see its options and an example.',
    status: 400,
  },
  CLI_FILE_UNREADABLE: {
    message: 'the file cannot be read',
    advice: 'Check the path, and that you may read it.',
    status: 400,
  },
  CLI_FILE_UNWRITABLE: {
    message: 'the file cannot be written',
    advice: 'Check that the folder exists, that you may write there, and that the disk has room.',
    status: 503,
  },
  CLI_FILE_EXISTS: {
    message: 'the file or folder is there already',
    advice: 'Choose another place; nothing is overwritten.',
    status: 409,
  },
  CLI_TABLE_MALFORMED: {
    message: 'the table is not what it should be; nothing was sent',
    advice: 'Correct the lines that are named; "pawl device export" shows the form.',
    status: 400,
  },
  CLI_TABLE_REFUSED: {
    message: 'the server refuses rows of the table; the rows before them are written',
    advice: 'Correct the lines that are named, and give the whole table again: what is written changes nothing.',
    status: 409,
  },
  CLI_DOCUMENTS_CHANGED: {
    message: 'the folder is not what was frozen',
    advice: 'Do not rely on it: get the folder again from whoever froze it.',
    status: 422,
  },
  CLI_WORKSPACE_MISSING: {
    message: 'there is no workspace here',
    advice: 'Run "pawl init" first, or name the workspace with --workspace DIR.',
    status: 400,
  },
  CLI_WORKSPACE_MALFORMED: {
    message: 'a file of the workspace is not what it should be',
    advice: 'Restore the file from a backup.',
    status: 400,
  },
  CLI_PASSPHRASE_MISSING: {
    message: 'a passphrase is needed and there is nobody to ask',
    advice: 'Name a file that holds it with --passphrase-file or PAWL_PASSPHRASE_FILE.',
    status: 400,
  },
  CLI_PASSPHRASE_WEAK: {
    message: 'the passphrase is too short',
    advice: 'Use at least 12 characters.',
    status: 400,
  },
  CLI_KEY_MISSING: {
    message: 'the workspace has no such key',
    advice: 'Run "pawl key list" to see the keys, or "pawl key new" to make one.',
    status: 400,
  },
  CLI_KEY_UNSUITABLE: {
    message: 'the key is not for signatures',
    advice: 'Give the public key of whoever must have signed.',
    status: 400,
  },
  CLI_LINE_UNKNOWN: {
    message: 'the workspace does not know this product line',
    advice: 'Name a line that pawl.json lists.',
    status: 400,
  },
  CLI_TOKEN_MISSING: {
    message: 'this workspace is not logged in to a server',
    advice: 'Run "pawl login CLAIM_LINK" with the link that "pawl serve" printed.',
    status: 400,
  },
  CLI_FORMAT_UNKNOWN: {
    message: 'it is not clear what this folder is',
    advice: 'Give a release folder, a folder of TUF metadata, or a file.',
    status: 400,
  },
  CLI_RELEASE_MISMATCH: {
    message: 'the release folder does not agree with itself',
    advice: 'Seal the image again; do not change files in a release folder.',
    status: 409,
  },
  CLI_RELEASE_UNKNOWN: {
    message: 'the server has no such release',
    advice: 'Publish it first with "pawl publish", or name another version.',
    status: 404,
  },
  CLI_ROLLOUT_UNFINISHED: {
    message: 'the rollout has not come to an end',
    advice: 'Look at "pawl rollout show"; devices that are off come later.',
    status: 503,
  },
  CLI_ANSWER_MISMATCH: {
    message: 'the answers of the server do not fit together',
    advice: 'Do not trust this server before it is clear why.',
    status: 409,
  },
  CLI_LEDGER_UNREACHABLE: {
    message: 'the ledger cannot be read there',
    advice: 'Check the address (it ends in /tlog), and that the token may read the ledger.',
    status: 503,
  },
  CLI_CEREMONY_MISMATCH: {
    message: 'the ceremony does not follow the root that this workspace knows',
    advice: 'Do not sign it before it is clear why; have the change exported anew from the newest root.',
    status: 409,
  },
  CLI_TRUST_MISSING: {
    message: 'the workspace has no trust yet',
    advice: 'Run "pawl login" with the link of the server; that makes root and targets.',
    status: 400,
  },
  CLI_SIGNING_LOG_MISSING: {
    message: 'the workspace has no signing log',
    advice: 'It is made with the first key or signature; if there was one, restore signing-log/ from a backup.',
    status: 404,
  },
  CLI_SIGNING_LOG_LOCKED: {
    message: 'the key of the signing log does not open with this passphrase, and nothing is signed without its entry',
    advice: 'Check the passphrase. If the log has another than the keys, name its file with PAWL_LOG_PASSPHRASE_FILE.',
    status: 403,
  },
  CLI_SIGNING_LOG_BUSY: {
    message: 'another process is writing the signing log',
    advice: 'Wait until it is done, and run the command again.',
    status: 503,
  },
  CLI_KEY_ROLE_MISMATCH: {
    message: 'a key of this role does not sign this',
    advice: 'Name a key of the right role; a key has one role for life.',
    status: 403,
  },
} as const satisfies ErrorTable;

export type CliErrorCode = keyof typeof CLI_ERRORS;

/** What the command line itself has to complain about. */
export class CliError extends CodedError<CliErrorCode> {
  constructor(code: CliErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(CLI_ERRORS, code), details, cause);
    this.name = 'CliError';
  }
}
