/**
 * Bytes, text, sizes and the base of every error. The lowest floor: imports nothing of Pawl.
 */
export {
  CodedError,
  type ErrorDetails,
  type ErrorRow,
  type ErrorTable,
  errorRow,
  isCodedError,
  quote,
} from './coded-error.ts';
export { BYTES_ERRORS, BytesError, type BytesErrorCode } from './errors.ts';
export { ByteReader } from './reader.ts';
export { concat, isEqualBytes, safeSize } from './sequence.ts';
export { fromBase64, fromBase64Url, fromHex, fromUtf8, toBase64, toBase64Url, toHex, utf8 } from './text.ts';
