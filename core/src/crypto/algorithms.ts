/**
 * The algorithm tables: everything that depends on an algorithm stands here once. Ids are COSE's (RFC 9053, RFC 9864,
 * RFC 9054, RFC 9964); the emitted id binds the curve, the older one (`ES256` etc.) is accepted from others.
 */

export type SignatureAlgorithm = 'ESP256' | 'ESP384' | 'Ed25519' | 'ML-DSA-65';

export type SignatureAlgorithmRow = {
  readonly coseAlg: number;
  /** Every COSE id under which this algorithm is accepted, the emitted one first. */
  readonly coseAlgAccepted: readonly number[];
  readonly signatureSizeBytes: number;
  /** Size of the raw public key: an uncompressed point for ECDSA. */
  readonly publicKeySizeBytes: number;
  /** Node's digest name; null for algorithms that hash the message themselves. */
  readonly hash: 'sha256' | 'sha384' | null;
  readonly keyType: 'ec' | 'ed25519' | 'ml-dsa-65';
  /** Node's curve name; null where the key type says it all. */
  readonly curve: 'prime256v1' | 'secp384r1' | null;
};

export const SIGNATURE_ALGORITHMS: Readonly<Record<SignatureAlgorithm, SignatureAlgorithmRow>> = {
  ESP256: {
    coseAlg: -9,
    coseAlgAccepted: [-9, -7],
    signatureSizeBytes: 64,
    publicKeySizeBytes: 65,
    hash: 'sha256',
    keyType: 'ec',
    curve: 'prime256v1',
  },
  ESP384: {
    coseAlg: -51,
    coseAlgAccepted: [-51, -35],
    signatureSizeBytes: 96,
    publicKeySizeBytes: 97,
    hash: 'sha384',
    keyType: 'ec',
    curve: 'secp384r1',
  },
  Ed25519: {
    coseAlg: -19,
    coseAlgAccepted: [-19, -8],
    signatureSizeBytes: 64,
    publicKeySizeBytes: 32,
    hash: null,
    keyType: 'ed25519',
    curve: null,
  },
  'ML-DSA-65': {
    coseAlg: -49,
    coseAlgAccepted: [-49],
    signatureSizeBytes: 3309,
    publicKeySizeBytes: 1952,
    hash: null,
    keyType: 'ml-dsa-65',
    curve: null,
  },
};

export const SIGNATURE_ALGORITHM_NAMES: readonly SignatureAlgorithm[] = ['ESP256', 'ESP384', 'Ed25519', 'ML-DSA-65'];

/** The signature algorithm that a COSE id stands for, if it is one of ours. */
export function signatureAlgorithmOf(coseAlg: number): SignatureAlgorithm | undefined {
  return SIGNATURE_ALGORITHM_NAMES.find((name) => SIGNATURE_ALGORITHMS[name].coseAlgAccepted.includes(coseAlg));
}

export type DigestAlgorithmRow = { readonly node: string; readonly sizeBytes: number };

/** COSE digest ids (RFC 9054). */
export const DIGEST_ALGORITHMS: ReadonlyMap<number, DigestAlgorithmRow> = new Map([
  [-16, { node: 'sha256', sizeBytes: 32 }],
  [-43, { node: 'sha384', sizeBytes: 48 }],
  [-44, { node: 'sha512', sizeBytes: 64 }],
]);

/** COSE content encryption ids: A128GCM, A256GCM, ChaCha20/Poly1305 (RFC 9053 §4). */
export type AeadAlgorithm = 1 | 3 | 24;

export type AeadAlgorithmRow = {
  readonly node: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305';
  readonly keySizeBytes: number;
  /** The most plaintext that one key and nonce may cover. */
  readonly dataSizeBytesMax: number;
};

// NIST SP 800-38D §5.2.1.1: at most 2^39 - 256 bits; RFC 8439 §2.8: at most 2^32 - 1 blocks of 64 bytes.
const GCM_SIZE_BYTES_MAX = 2 ** 36 - 32;
const CHACHA_SIZE_BYTES_MAX = (2 ** 32 - 1) * 64;

export const AEAD_ALGORITHMS: Readonly<Record<AeadAlgorithm, AeadAlgorithmRow>> = {
  1: { node: 'aes-128-gcm', keySizeBytes: 16, dataSizeBytesMax: GCM_SIZE_BYTES_MAX },
  3: { node: 'aes-256-gcm', keySizeBytes: 32, dataSizeBytesMax: GCM_SIZE_BYTES_MAX },
  24: { node: 'chacha20-poly1305', keySizeBytes: 32, dataSizeBytesMax: CHACHA_SIZE_BYTES_MAX },
};

export const AEAD_IV_SIZE_BYTES = 12;
export const AEAD_TAG_SIZE_BYTES = 16;

/** True for the COSE ids that `createAeadEncryptor` and `createAeadDecryptor` take. */
export function isAeadAlgorithm(coseAlg: number): coseAlg is AeadAlgorithm {
  return Object.hasOwn(AEAD_ALGORITHMS, coseAlg);
}
