/**
 * From an error to an exit status and two lines (STYLE §5): 0 done, 1 refused by verification or policy, 2 usage,
 * 3 unavailable. `error:` says what happened, `hint:` what to do; neither holds a secret because coded errors do not.
 */
import { type CodedError, isCodedError } from '@pawl/core/bytes';

export type Failure = {
  readonly exitCode: 1 | 2 | 3;
  readonly code: string;
  readonly error: string;
  readonly hint: string;
};

const USAGE_CODES = new Set([
  'CLI_USAGE',
  'CLI_FILE_UNREADABLE',
  'CLI_FILE_EXISTS',
  'CLI_WORKSPACE_MISSING',
  'CLI_KEY_MISSING',
  'CLI_KEY_UNSUITABLE',
  'CLI_LINE_UNKNOWN',
  'CLI_TOKEN_MISSING',
  'CLI_TRUST_MISSING',
  'CLI_FORMAT_UNKNOWN',
  'CLI_PASSPHRASE_MISSING',
  'CLI_PASSPHRASE_WEAK',
]);

/** What the operating system says when something is away, taken or full, in words. */
const SYSTEM_HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Check that the server runs and that the address is right.',
  ECONNRESET: 'The server ended the connection; look at its log and try again.',
  ENOTFOUND: 'Check the host name.',
  EADDRINUSE: 'Another process listens there. Choose another port, or 0 for any free one.',
  EACCES: 'You may not read or write there. Check the owner and the permissions.',
  EROFS: 'The file system is read-only. Choose another folder.',
  ENOSPC: 'The disk is full. Make room and run the command again.',
  ENOENT: 'Check the path.',
  EEXIST: 'Choose another place; nothing is overwritten.',
  EPIPE: 'The reader of the output went away.',
};

function systemCode(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const code: unknown = 'code' in at ? at.code : undefined;
    if (typeof code === 'string' && Object.hasOwn(SYSTEM_HINTS, code)) return code;
  }
  return undefined;
}

function exitOf(error: CodedError): 1 | 2 | 3 {
  if (USAGE_CODES.has(error.code)) return 2;
  return error.status >= 502 ? 3 : 1;
}

export function describeFailure(error: unknown): Failure {
  if (isCodedError(error)) {
    return { exitCode: exitOf(error), code: error.code, error: error.message, hint: error.advice };
  }
  const code = systemCode(error);
  const message = error instanceof Error ? error.message : 'unknown error';
  if (code !== undefined) {
    return { exitCode: code === 'ENOENT' ? 2 : 3, code, error: message, hint: SYSTEM_HINTS[code] ?? '' };
  }
  return {
    exitCode: 3,
    code: 'UNEXPECTED',
    error: `unexpected: ${message}`,
    hint: 'This is a fault in Pawl. Please report it with the command that you ran.',
  };
}
