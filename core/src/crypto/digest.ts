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
 * Starts a digest by its COSE id: -16 SHA-256, -43 SHA-384, -44 SHA-512, -18 SHAKE128, -45 SHAKE256.
 * @throws CryptoError CRYPTO_ALGORITHM_UNKNOWN
 */
export function newHash(coseAlg: number): RunningHash {
  const row = DIGEST_ALGORITHMS.get(coseAlg);
  if (row === undefined) throw new CryptoError('CRYPTO_ALGORITHM_UNKNOWN', { kind: 'digest', algorithm: coseAlg });
  const running = createHash(row.node, row.outputLength === undefined ? {} : { outputLength: row.outputLength });
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
const HKDF_BLOCKS_MAX = 255;
const HKDF_BLOCK_SIZE_BYTES = { sha256: 32, sha512: 64 } as const;

export type HkdfOptions = {
  readonly secret: Uint8Array;
  readonly salt: Uint8Array;
  readonly info: Uint8Array;
  readonly sizeBytes: number;
};

/** HKDF (RFC 5869). @throws CryptoError CRYPTO_PARAMETER_INVALID */
export function hkdf(hashName: 'sha256' | 'sha512', options: HkdfOptions): Uint8Array {
  if (options.sizeBytes > HKDF_BLOCKS_MAX * HKDF_BLOCK_SIZE_BYTES[hashName]) {
    throw new CryptoError('CRYPTO_PARAMETER_INVALID', { what: 'derived key', actual: options.sizeBytes });
  }
  return new Uint8Array(hkdfSync(hashName, options.secret, options.salt, options.info, options.sizeBytes));
}

/** HKDF with SHA-256 (RFC 5869). @throws CryptoError CRYPTO_PARAMETER_INVALID */
export function hkdfSha256(options: HkdfOptions): Uint8Array {
  return hkdf('sha256', options);
}
