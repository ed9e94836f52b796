import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '@pawl/core/bytes';

/** @public The reference pages read every table of error codes. */
export const SUPPLY_ERRORS = {
  INQUIRY_UNKNOWN: {
    message: 'there is no such inquiry, or no such file of it',
    advice: 'List the inquiries with `pawl inquiry list`.',
    status: 404,
  },
  INQUIRY_STATE_UNSUITABLE: {
    message: 'the inquiry is in a state in which this cannot be done',
    advice: 'Look at it with `pawl inquiry show`.',
    status: 409,
  },
  INQUIRY_LINK_INVALID: {
    message: 'this link leads nowhere, or nowhere any more',
    advice: 'Ask whoever sent it for a new one.',
    status: 404,
  },
  INQUIRY_FORM_INVALID: {
    message: 'the answer is not as the form of this page sends it',
    advice: 'Open the link again and send it from the form.',
    status: 422,
  },
  INQUIRY_CHANGED: {
    message: 'the answers were changed meanwhile from somewhere else',
    advice: 'Open the link again: it shows what was saved last. Nothing of this form was taken.',
    status: 409,
  },
  SHARE_UNKNOWN: {
    message: 'there is no such share',
    advice: 'List the shares with `pawl share list`.',
    status: 404,
  },
  SHARE_ENDED: {
    message: 'the share was revoked already',
    advice: 'Look at it with `pawl share list`.',
    status: 409,
  },
  SHARE_LINK_INVALID: {
    message: 'this link leads nowhere, or nowhere any more',
    advice: 'Ask whoever sent it for a new one.',
    status: 404,
  },
  SHARE_CODE_WANTED: {
    message: 'this link needs a code',
    advice: 'Open the page and put the code in that came another way.',
    status: 401,
  },
  SHARE_CODE_WRONG: {
    message: 'this is not the code of this link',
    advice: 'Ask whoever sent it; codes are told apart by every letter.',
    status: 403,
  },
  SHARE_DOCUMENT_UNKNOWN: {
    message: 'no such document is shared by this link',
    advice: 'Open the page of the link: it lists what there is.',
    status: 404,
  },
  INQUIRY_FULL: {
    message: 'the files of this inquiry are too large together',
    advice: 'Attach less, or ask whoever sent the link for another way.',
    status: 413,
  },
} as const satisfies ErrorTable;

export type SupplyErrorCode = keyof typeof SUPPLY_ERRORS;

/** What dealings with suppliers and operators refuse. */
export class SupplyError extends CodedError<SupplyErrorCode> {
  constructor(code: SupplyErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(SUPPLY_ERRORS, code), details, cause);
    this.name = 'SupplyError';
  }
}
