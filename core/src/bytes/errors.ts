import { CodedError, type ErrorDetails, type ErrorTable, errorRow } from './coded-error.ts';

export const BYTES_ERRORS = {
  BYTES_HEX_INVALID: {
    message: 'the text is not hexadecimal',
    advice: 'Give an even number of the digits 0-9 and a-f.',
    status: 400,
  },
  BYTES_BASE64_INVALID: {
    message: 'the text is not canonical base64',
    advice: 'Give base64 without line breaks, with the padding and alphabet that this field asks for.',
    status: 400,
  },
  BYTES_UTF8_INVALID: { message: 'the bytes are not UTF-8 text', advice: 'Encode text as UTF-8.', status: 400 },
  BYTES_TRUNCATED: {
    message: 'the data ends before the structure does',
    advice: 'Check that the file arrived whole; compare its length with the original.',
    status: 400,
  },
  BYTES_INTEGER_UNSAFE: {
    message: 'the integer is outside the range that is handled exactly',
    advice: 'Sizes and offsets must be whole numbers from 0 to 2^53 - 1.',
    status: 400,
  },
} as const satisfies ErrorTable;

export type BytesErrorCode = keyof typeof BYTES_ERRORS;

/** Bytes or text that cannot be read as what they claim to be. */
export class BytesError extends CodedError<BytesErrorCode> {
  constructor(code: BytesErrorCode, details: ErrorDetails = {}, cause?: unknown) {
    super(code, errorRow(BYTES_ERRORS, code), details, cause);
    this.name = 'BytesError';
  }
}
