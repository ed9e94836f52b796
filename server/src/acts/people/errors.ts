import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

/** @public The reference pages read every table of error codes. */
export const PEOPLE_ERRORS = {
  CLAIM_INVALID: {
    message: 'the claim is unknown, used or expired',
    advice: 'A claim works once. Use the one that the server printed last, or ask an admin for a new one.',
    status: 403,
  },
  TOKEN_UNKNOWN: {
    message: 'there is no such API token',
    advice: 'List the tokens with `pawl token list`.',
    status: 404,
  },
  TOKEN_EXCEEDS_MAKER: {
    message: 'the token would hold more, or live longer, than what makes it',
    advice: 'Ask for less: fewer permissions, lines of your own, a shorter life. `GET /api/v1/me` says what you hold.',
    status: 403,
  },
  PERSON_REQUIRED: {
    message: 'only a person may do this, and the token is of a machine',
    advice: 'Sign in, or use a token of your own.',
    status: 403,
  },
  PERSON_UNKNOWN: {
    message: 'there is no such person',
    advice: 'List the people with `pawl people list`.',
    status: 404,
  },
  PERSON_DISABLED: {
    message: 'the person is shut out',
    advice: 'Enable the person first.',
    status: 409,
  },
  PERSON_LAST_ADMIN: {
    message: 'nobody would be left who can administer the server',
    advice: 'Make somebody else an admin first, and let that person sign in once.',
    status: 409,
  },
  SITE_UNNAMED: {
    message: 'the server does not know under which name browsers reach it',
    advice: 'Start it with --public-url https://NAME; passkeys belong to a name, not to an address.',
    status: 409,
  },
  PASSKEY_REFUSED: {
    message: 'the passkey proved nothing',
    advice:
      'Begin again, in the browser in which you registered it. Each question is answered once, within five minutes.',
    status: 403,
  },
  OIDC_REFUSED: {
    message: 'the OpenID provider vouched for nobody whom this server may let in',
    advice: 'Begin the sign-in again; the log of the server says what was wrong.',
    status: 403,
  },
  PASSKEY_UNKNOWN: {
    message: 'there is no such passkey',
    advice: 'List your passkeys: GET /api/v1/me/passkeys.',
    status: 404,
  },
  SESSION_REQUIRED: {
    message: 'this takes a person who is signed in, not a token',
    advice: 'Sign in with a browser: what a token makes must not outlive the token.',
    status: 403,
  },
  SESSION_UNKNOWN: {
    message: 'there is no such session',
    advice: 'List your sessions: GET /api/v1/me/sessions.',
    status: 404,
  },
  APPROVAL_KEY_UNFIT: {
    message: 'this is no public key that can sign approvals',
    advice: 'Give an SPKI PEM of an algorithm of docs/formats/keys.md that is no published test key.',
    status: 422,
  },
  APPROVAL_KEY_EXISTS: {
    message: 'the key is registered already, to you or to somebody else',
    advice: 'A key belongs to one person for ever; make another.',
    status: 409,
  },
  APPROVAL_KEY_UNKNOWN: {
    message: 'there is no such key that could still approve',
    advice: 'List your keys: GET /api/v1/me/approval-keys.',
    status: 404,
  },
  APPROVAL_SIGNATURE_INVALID: {
    message: 'the signature is no approval of exactly this by this person',
    advice: 'Sign the digest that the server gave, with a passkey or a registered key of your own.',
    status: 403,
  },
  AUDIT_TOO_LARGE: {
    message: 'the export would be too large',
    advice: 'Choose a shorter time with from and to.',
    status: 413,
  },
  ROLE_EXCEEDS_GRANTER: {
    message: 'the roles allow more than whoever gives them holds',
    advice: 'Let an admin do it, with a session or a token that is not limited.',
    status: 403,
  },
} as const satisfies ErrorTable;

export type PeopleErrorCode = keyof typeof PEOPLE_ERRORS;

/** What is refused about people, their credentials and their roles. */
export class PeopleError extends CodedError<PeopleErrorCode> {
  constructor(code: PeopleErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(PEOPLE_ERRORS, code), details, cause);
    this.name = 'PeopleError';
  }
}
