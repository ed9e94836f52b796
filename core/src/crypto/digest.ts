/** Digests by COSE id (RFC 9054) and SHA-256 by name. */
import { createHash, hash, hkdfSync } from 'node:crypto';
import { DIGEST_ALGORITHMS } from './algorithms.ts';
import { CryptoError } from './errors.ts';
import { plainBytes } from './plain-bytes.ts';

/** SHA-256 of the whole. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return plainBytes(hash('sha256', bytes, 'buffer'));
}

/** A digest over data that comes in pieces. */
export type RunningHash = {
  readonly sizeBytes: number;
  update(chunk: Uint8Array): void;
  digest(): Uint8Array;
};

/**
 * Starts a digest by its COSE id: -16 SHA-256, -43 SHA-384, -44 SHA-512.
 * @throws CryptoError CRYPTO_ALGORITHM_UNKNOWN
 */
export function newHash(coseAlg: number): RunningHash {
  const row = DIGEST_ALGORITHMS.get(coseAlg);
  if (row === undefined) throw new CryptoError('CRYPTO_ALGORITHM_UNKNOWN', { kind: 'digest', algorithm: coseAlg });
  const running = createHash(row.node);
  return {
    sizeBytes: row.sizeBytes,
    update(chunk) {
      running.update(chunk);
    },
    digest() {
      return plainBytes(running.digest());
    },
  };
}

// RFC 5869 §2.3: at most 255 blocks of output.
const HKDF_SIZE_BYTES_MAX = 255 * 32;

/** HKDF with SHA-256 (RFC 5869). @throws CryptoError CRYPTO_PARAMETER_INVALID */
export function hkdfSha256(options: {
  readonly secret: Uint8Array;
  readonly salt: Uint8Array;
  readonly info: Uint8Array;
  readonly sizeBytes: number;
}): Uint8Array {
  if (options.sizeBytes > HKDF_SIZE_BYTES_MAX) {
    throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what: 'derived key', actual: options.sizeBytes });
  }
  return new Uint8Array(hkdfSync('sha256', options.secret, options.salt, options.info, options.sizeBytes));
}
