/**
 * Authenticated encryption in a stream, by COSE id (RFC 9053 §4): each chunk that goes in comes out encrypted or
 * decrypted at once, nothing is held back. What a decryptor hands out before `final` is not authentic yet: write it only
 * to where it cannot take effect until `final` has passed.
 */
import { type CipherGCM, createCipheriv, createDecipheriv, type DecipherGCM } from 'node:crypto';
import { AEAD_ALGORITHMS, AEAD_IV_SIZE_BYTES, AEAD_TAG_SIZE_BYTES, type AeadAlgorithm } from './algorithms.ts';
import { CryptoError } from './errors.ts';
import { plainBytes } from './plain-bytes.ts';

export type AeadOptions = {
  readonly algorithm: AeadAlgorithm;
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  readonly aad: Uint8Array;
};

export type AeadEncryptor = {
  update(chunk: Uint8Array): Uint8Array;
  /** Ends the stream; returns the authentication tag. */
  final(): Uint8Array;
};

export type AeadDecryptor = {
  update(chunk: Uint8Array): Uint8Array;
  /** Ends the stream and checks the tag. @throws CryptoError CRYPTO_AUTHENTICATION_FAILED */
  final(tag: Uint8Array): Uint8Array;
};

function checkSize(what: string, bytes: Uint8Array, expected: number): void {
  if (bytes.length !== expected) {
    throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what, expected, actual: bytes.length });
  }
}

function rowOf(options: AeadOptions): (typeof AEAD_ALGORITHMS)[AeadAlgorithm] {
  const row = AEAD_ALGORITHMS[options.algorithm];
  checkSize('key', options.key, row.keySizeBytes);
  checkSize('nonce', options.iv, AEAD_IV_SIZE_BYTES);
  return row;
}

/** Counts what passes and refuses more than the algorithm allows under one nonce. */
function boundedUpdate(cipher: CipherGCM | DecipherGCM, sizeBytesMax: number): (chunk: Uint8Array) => Uint8Array {
  let sizeBytes = 0;
  return (chunk) => {
    sizeBytes += chunk.length;
    if (sizeBytes > sizeBytesMax) {
      throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what: 'data', expected: sizeBytesMax, actual: sizeBytes });
    }
    return plainBytes(cipher.update(chunk));
  };
}

/**
 * Starts an encryption. The caller never uses one key and nonce twice.
 * @throws CryptoError CRYPTO_PARAMETER_INVALID
 */
export function createAeadEncryptor(options: AeadOptions): AeadEncryptor {
  const { node, dataSizeBytesMax } = rowOf(options);
  // Node types ChaCha20/Poly1305 apart, with the same methods.
  const cipher = createCipheriv(node as 'aes-256-gcm', options.key, options.iv, { authTagLength: AEAD_TAG_SIZE_BYTES });
  cipher.setAAD(options.aad);
  return {
    update: boundedUpdate(cipher, dataSizeBytesMax),
    final() {
      cipher.final();
      return plainBytes(cipher.getAuthTag());
    },
  };
}

/**
 * Starts a decryption.
 * @throws CryptoError CRYPTO_PARAMETER_INVALID
 */
export function createAeadDecryptor(options: AeadOptions): AeadDecryptor {
  const { node, dataSizeBytesMax } = rowOf(options);
  const decipher = createDecipheriv(node as 'aes-256-gcm', options.key, options.iv, {
    authTagLength: AEAD_TAG_SIZE_BYTES,
  });
  decipher.setAAD(options.aad);
  return {
    update: boundedUpdate(decipher, dataSizeBytesMax),
    final(tag) {
      if (tag.length !== AEAD_TAG_SIZE_BYTES) {
        throw new CryptoError('CRYPTO_AUTHENTICATION_FAILED', { expected: AEAD_TAG_SIZE_BYTES, actual: tag.length });
      }
      decipher.setAuthTag(tag);
      try {
        return plainBytes(decipher.final());
      } catch (cause) {
        throw new CryptoError('CRYPTO_AUTHENTICATION_FAILED', {}, cause);
      }
    },
  };
}
