/**
 * AES in counter mode (RFC 9459), as a stream. It hides content and authenticates NOTHING: whoever changes a bit of the
 * ciphertext changes that bit of the plaintext. Only for formats that cover the plaintext by a signed digest.
 */
import { createCipheriv } from 'node:crypto';
import { CTR_ALGORITHMS, CTR_IV_SIZE_BYTES, type CtrAlgorithm } from './algorithms.ts';
import { CryptoError } from './errors.ts';
import { plainBytes } from './plain-bytes.ts';

export type UnauthenticatedCipher = { update(chunk: Uint8Array): Uint8Array };

function checkSize(what: string, bytes: Uint8Array, expected: number): void {
  if (bytes.length !== expected) {
    throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what, expected, actual: bytes.length });
  }
}

/**
 * Starts an encryption or a decryption: in counter mode they are the same. The counter begins at `iv`, 16 bytes.
 * @throws CryptoError CRYPTO_PARAMETER_INVALID
 */
export function createUnauthenticatedCipher(options: {
  readonly algorithm: CtrAlgorithm;
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
}): UnauthenticatedCipher {
  const { node, keySizeBytes } = CTR_ALGORITHMS[options.algorithm];
  checkSize('key', options.key, keySizeBytes);
  checkSize('initial counter', options.iv, CTR_IV_SIZE_BYTES);
  const cipher = createCipheriv(node, options.key, options.iv);
  return { update: (chunk) => plainBytes(cipher.update(chunk)) };
}
