import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from '../bytes/index.ts';

const ADVICE_MALFORMED = 'The data is damaged or was not made by a strict encoder; get it again from its source.';

export const CBOR_ERRORS = {
  CBOR_TRUNCATED: { message: 'the CBOR data ends inside an item', advice: ADVICE_MALFORMED, status: 400 },
  CBOR_TRAILING: { message: 'bytes follow the CBOR item', advice: ADVICE_MALFORMED, status: 400 },
  CBOR_DUPLICATE_KEY: { message: 'a CBOR map has the same key twice', advice: ADVICE_MALFORMED, status: 400 },
  CBOR_INDEFINITE: { message: 'a CBOR item has no definite length', advice: ADVICE_MALFORMED, status: 400 },
  CBOR_NOT_DETERMINISTIC: {
    message: 'the CBOR item is not in its shortest form or its map keys are not in order',
    advice: 'Encode with core deterministic encoding (RFC 8949 §4.2.1).',
    status: 400,
  },
  CBOR_TOO_DEEP: { message: 'CBOR items are nested too deeply', advice: ADVICE_MALFORMED, status: 400 },
  CBOR_TOO_LARGE: {
    message: 'the CBOR data is larger than is accepted here',
    advice: 'Check that this is the right file.',
    status: 413,
  },
  CBOR_INVALID: {
    message: 'the bytes are not an item of the CBOR profile',
    advice: 'Only integers, text, byte strings, arrays, maps, tags, booleans, null and undefined are accepted.',
    status: 400,
  },
  CBOR_VALUE_UNENCODABLE: {
    message: 'the value has no form in the CBOR profile',
    advice:
      'Give integers of at most 64 bits, well-formed text, byte strings, arrays, maps with distinct keys, or tags.',
  },
  CBOR_TYPE_UNEXPECTED: {
    message: 'a CBOR item is of another type than the format asks for',
    advice: 'The data is not what it claims to be, or was made by a newer version.',
    status: 400,
  },
} as const satisfies ErrorTable;

export type CborErrorCode = keyof typeof CBOR_ERRORS;

/** Bytes that are not in the strict CBOR profile, or an item of another type than expected. */
export class CborError extends CodedError<CborErrorCode> {
  constructor(code: CborErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(CBOR_ERRORS, code), details, cause);
    this.name = 'CborError';
  }
}
