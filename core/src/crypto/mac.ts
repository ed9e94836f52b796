/** HMAC by COSE id (RFC 9053 §3.1). Verification is constant-time and throws. */
import { createHmac } from 'node:crypto';
import { isEqualBytes } from '../bytes/index.ts';
import { MAC_ALGORITHMS, type MacAlgorithmRow } from './algorithms.ts';
import { CryptoError } from './errors.ts';
import { plainBytes } from './plain-bytes.ts';

/** A shorter key makes the tag easier to guess than the tag is long. */
const KEY_SIZE_BYTES_MIN = 16;

function rowOf(coseAlg: number): MacAlgorithmRow {
  const row = MAC_ALGORITHMS.get(coseAlg);
  if (row === undefined) throw new CryptoError('CRYPTO_ALGORITHM_UNKNOWN', { kind: 'MAC', algorithm: coseAlg });
  return row;
}

/**
 * The authentication tag of a message: COSE id 4 (8 bytes), 5, 6 or 7.
 * @throws CryptoError CRYPTO_ALGORITHM_UNKNOWN, CRYPTO_PARAMETER_INVALID when the key is shorter than 16 bytes
 */
export function hmac(coseAlg: number, key: Uint8Array, message: Uint8Array): Uint8Array {
  const { node, tagSizeBytes } = rowOf(coseAlg);
  if (key.length < KEY_SIZE_BYTES_MIN) {
    throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what: 'MAC key', actual: key.length });
  }
  return plainBytes(createHmac(node, key).update(message).digest()).subarray(0, tagSizeBytes);
}

/**
 * Returns only when the tag fits the message under this key.
 * @throws CryptoError CRYPTO_AUTHENTICATION_FAILED, and those of `hmac`
 */
export function verifyHmac(coseAlg: number, key: Uint8Array, message: Uint8Array, tag: Uint8Array): void {
  if (!isEqualBytes(hmac(coseAlg, key, message), tag)) {
    throw new CryptoError('CRYPTO_AUTHENTICATION_FAILED', { algorithm: coseAlg });
  }
}
