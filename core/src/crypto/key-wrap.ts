/**
 * AES Key Wrap (RFC 3394). Data is at least two 64-bit blocks: Node itself would unwrap an empty key, which every
 * 8-byte input "authenticates" (Wycheproof EmptyKey).
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { CryptoError } from './errors.ts';
import { plainBytes } from './plain-bytes.ts';

const INITIAL_VALUE = new Uint8Array(8).fill(0xa6);
const BLOCK_SIZE_BYTES = 8;
const DATA_SIZE_BYTES_MIN = 16;
const CIPHERS: ReadonlyMap<number, string> = new Map([
  [16, 'id-aes128-wrap'],
  [24, 'id-aes192-wrap'],
  [32, 'id-aes256-wrap'],
]);

function cipherOf(kek: Uint8Array): string {
  const name = CIPHERS.get(kek.length);
  if (name === undefined) {
    throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what: 'key-encryption key', actual: kek.length });
  }
  return name;
}

/**
 * Wraps key material of 16 bytes or more, in blocks of 8.
 * @throws CryptoError CRYPTO_PARAMETER_INVALID
 */
export function aesKeyWrap(kek: Uint8Array, data: Uint8Array): Uint8Array {
  const name = cipherOf(kek);
  // RFC 3394 §2: n >= 2 blocks of 64 bits.
  if (data.length < DATA_SIZE_BYTES_MIN || data.length % BLOCK_SIZE_BYTES !== 0) {
    throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what: 'key to wrap', actual: data.length });
  }
  const cipher = createCipheriv(name, kek, INITIAL_VALUE);
  const wrapped = cipher.update(data);
  cipher.final();
  return plainBytes(wrapped);
}

/**
 * Unwraps key material.
 * @throws CryptoError CRYPTO_KEY_UNWRAP_FAILED, CRYPTO_PARAMETER_INVALID
 */
export function aesKeyUnwrap(kek: Uint8Array, wrapped: Uint8Array): Uint8Array {
  const name = cipherOf(kek);
  if (wrapped.length < DATA_SIZE_BYTES_MIN + BLOCK_SIZE_BYTES || wrapped.length % BLOCK_SIZE_BYTES !== 0) {
    throw new CryptoError('CRYPTO_KEY_UNWRAP_FAILED', { actual: wrapped.length });
  }
  try {
    const decipher = createDecipheriv(name, kek, INITIAL_VALUE);
    const data = decipher.update(wrapped);
    decipher.final();
    return plainBytes(data);
  } catch (cause) {
    throw new CryptoError('CRYPTO_KEY_UNWRAP_FAILED', {}, cause);
  }
}
