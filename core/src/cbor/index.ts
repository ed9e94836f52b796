/**
 * CBOR in one strict profile: deterministic encoding (RFC 8949 §4.2.1), no floats, bounded depth and size. What decodes,
 * encodes to the same bytes.
 */
export { decodeCbor, encodeCbor } from './codec.ts';
export { CBOR_ERRORS, CborError, type CborErrorCode } from './errors.ts';
export { expectArray, expectBytes, expectInt, expectMap, expectTag, expectText, expectUint } from './expect.ts';
export type { CborLimits } from './reader.ts';
export { CborTag, type CborValue } from './value.ts';
export { type CborNode, walkCbor } from './walk.ts';
