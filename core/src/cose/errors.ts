import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '../bytes/index.ts';

const ADVICE_MALFORMED = 'The message is damaged or was not made to RFC 9052; get it again from its source.';
const ADVICE_FOREIGN = 'The message needs something that this version does not have; do not use it.';

export const COSE_ERRORS = {
  COSE_TAG_UNEXPECTED: { message: 'the COSE message has another tag', advice: ADVICE_MALFORMED, status: 400 },
  COSE_LABEL_DUPLICATE: {
    message: 'a COSE header label is both protected and unprotected',
    advice: ADVICE_MALFORMED,
    status: 400,
  },
  COSE_CRITICAL_UNKNOWN: {
    message: 'the COSE message marks a header as critical that is not understood',
    advice: ADVICE_FOREIGN,
    status: 400,
  },
  COSE_ALGORITHM_UNPROTECTED: {
    message: 'the COSE algorithm does not stand in the protected header',
    advice: 'Put the algorithm into the protected header, so that it is covered by the signature.',
    status: 400,
  },
  COSE_ALGORITHM_UNSUPPORTED: { message: 'the COSE algorithm is not supported', advice: ADVICE_FOREIGN, status: 400 },
  COSE_HEADER_INVALID: { message: 'a COSE header has a value it may not have', advice: ADVICE_MALFORMED, status: 400 },
  COSE_PAYLOAD_MISSING: {
    message: 'the COSE message has no payload and none was given beside it',
    advice: 'Give the detached payload that belongs to this message.',
    status: 400,
  },
  COSE_PAYLOAD_UNEXPECTED: {
    message: 'the COSE message carries content although it is to be detached',
    advice: 'Only one payload can be the signed or encrypted one; make the message with detached content.',
    status: 400,
  },
  COSE_KEY_UNKNOWN: {
    message: 'the COSE message is not signed by any key that is accepted here',
    advice: 'Check who signed it. If the key is right, it must first be listed as accepted.',
    status: 400,
  },
  COSE_SIGNATURE_INVALID: {
    message: 'the signature of the COSE message does not fit',
    advice: 'The message was changed, or was signed by another key. Do not use it.',
    status: 400,
  },
  COSE_KEY_MALFORMED: { message: 'the COSE key cannot be read', advice: ADVICE_MALFORMED, status: 400 },
  COSE_KEY_UNSUPPORTED: { message: 'the COSE key is of a kind not used here', advice: ADVICE_FOREIGN, status: 400 },
  COSE_RECIPIENT_UNKNOWN: {
    message: 'no recipient of the encrypted message can be opened with the keys at hand',
    advice: 'The content was encrypted for other keys: check the product line and the key that was provisioned.',
    status: 400,
  },
  COSE_CONTENT_KEY_INVALID: {
    message: 'the content key does not suit the content algorithm',
    advice: ADVICE_MALFORMED,
    status: 400,
  },
} as const satisfies ErrorTable;

export type CoseErrorCode = keyof typeof COSE_ERRORS;

/** A COSE message that was refused. Shapes that are not even CBOR of the right type are `CborError`s. */
export class CoseError extends CodedError<CoseErrorCode> {
  constructor(code: CoseErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(COSE_ERRORS, code), details, cause);
    this.name = 'CoseError';
  }
}
