/**
 * SUIT_Digest = [ algorithm, bytes ] (draft-ietf-suit-manifest-37 §8.2), always carried in a byte string.
 *
 * The digest of a manifest or of a severed member is taken over its CBOR byte-string ENCODING (header and content), not
 * over the content alone.
 */
import { isEqualBytes } from '../bytes/index.ts';
import { type CborValue, decodeCbor, encodeCbor, expectArray, expectBytes, expectInt } from '../cbor/index.ts';
import { DIGEST_ALGORITHMS, newHash } from '../crypto/index.ts';
import { SuitError } from './errors.ts';

/** A digest and its COSE algorithm number (-16 SHA-256, -43 SHA-384, -44 SHA-512). */
export type SuitDigest = { readonly algorithm: number; readonly bytes: Uint8Array };

export const SHA_256 = -16;

export function digestFromCbor(value: CborValue, at: string): SuitDigest {
  const parts = expectArray(value, at);
  // §8.2: extensions may follow; none is defined, so none is accepted.
  if (parts.length !== 2) throw new SuitError('SUIT_MANIFEST_MALFORMED', { at, expected: 2, actual: parts.length });
  const algorithm = expectInt(parts[0], at);
  const bytes = expectBytes(parts[1], at);
  const sizeBytes = DIGEST_ALGORITHMS.get(algorithm)?.sizeBytes;
  if (sizeBytes === undefined) throw new SuitError('SUIT_DIGEST_UNSUPPORTED', { at, algorithm });
  if (bytes.length !== sizeBytes) {
    throw new SuitError('SUIT_MANIFEST_MALFORMED', { at, expected: sizeBytes, actual: bytes.length });
  }
  return { algorithm, bytes };
}

export function decodeDigest(bytes: Uint8Array, at: string): SuitDigest {
  return digestFromCbor(decodeCbor(bytes), at);
}

export function digestToCbor(digest: SuitDigest): CborValue {
  return [digest.algorithm, digest.bytes];
}

export function encodeDigest(digest: SuitDigest): Uint8Array {
  return encodeCbor(digestToCbor(digest));
}

/** Hashes a member as it stands in the envelope: the byte string with its header. */
export function digestOfMember(content: Uint8Array, algorithm: number = SHA_256): SuitDigest {
  const hash = newHash(algorithm);
  hash.update(encodeCbor(content));
  return { algorithm, bytes: hash.digest() };
}

/** @throws SuitError SUIT_DIGEST_MISMATCH */
export function verifyMember(content: Uint8Array, expected: SuitDigest, at: string): void {
  const actual = digestOfMember(content, expected.algorithm);
  if (!isEqualBytes(actual.bytes, expected.bytes)) throw new SuitError('SUIT_DIGEST_MISMATCH', { at });
}
