/**
 * The algorithm tables: everything that depends on an algorithm stands here once. Ids are COSE's (RFC 9053, RFC 9864,
 * RFC 9054, RFC 9964); the emitted id binds the curve, the older one (`ES256` etc.) is accepted from others.
 */

export type SignatureAlgorithm =
  | 'ESP256'
  | 'ESP384'
  | 'ESP512'
  | 'Ed25519'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'ML-DSA-44'
  | 'ML-DSA-65'
  | 'ML-DSA-87'
  | 'HSS-LMS';

export type SignatureAlgorithmRow = {
  readonly coseAlg: number;
  /** Every COSE id under which this algorithm is accepted, the emitted one first. */
  readonly coseAlgAccepted: readonly number[];
  /** null: it depends on the key (RSA modulus, HSS parameters). */
  readonly signatureSizeBytes: number | null;
  /** Size of the raw public key: an uncompressed point for ECDSA; null when it depends on the key. */
  readonly publicKeySizeBytes: number | null;
  /** Node's digest name; null for algorithms that hash the message themselves. */
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
  readonly keyType: 'ec' | 'ed25519' | 'rsa' | 'ml-dsa-44' | 'ml-dsa-65' | 'ml-dsa-87' | 'hss-lms';
  /** Node's curve name; null where the key type says it all. */
  readonly curve: 'prime256v1' | 'secp384r1' | 'secp521r1' | null;
};

const ecdsa = (
  coseAlgAccepted: readonly [number, number],
  hash: 'sha256' | 'sha384' | 'sha512',
  curve: 'prime256v1' | 'secp384r1' | 'secp521r1',
  coordinateSizeBytes: number,
): SignatureAlgorithmRow => ({
  coseAlg: coseAlgAccepted[0],
  coseAlgAccepted,
  signatureSizeBytes: 2 * coordinateSizeBytes,
  publicKeySizeBytes: 1 + 2 * coordinateSizeBytes,
  hash,
  keyType: 'ec',
  curve,
});

/** RFC 8230 §2: RSASSA-PSS, the salt as long as the digest. */
const rsaPss = (coseAlg: number, hash: 'sha256' | 'sha384' | 'sha512'): SignatureAlgorithmRow => ({
  coseAlg,
  coseAlgAccepted: [coseAlg],
  signatureSizeBytes: null,
  publicKeySizeBytes: null,
  hash,
  keyType: 'rsa',
  curve: null,
});

const mlDsa = (
  coseAlg: number,
  keyType: 'ml-dsa-44' | 'ml-dsa-65' | 'ml-dsa-87',
  publicKeySizeBytes: number,
  signatureSizeBytes: number,
): SignatureAlgorithmRow => ({
  coseAlg,
  coseAlgAccepted: [coseAlg],
  signatureSizeBytes,
  publicKeySizeBytes,
  hash: null,
  keyType,
  curve: null,
});

/**
 * Signature algorithms. An RSA key says nothing of its digest, so it is a PS256 key unless its reader says otherwise.
 */
export const SIGNATURE_ALGORITHMS: Readonly<Record<SignatureAlgorithm, SignatureAlgorithmRow>> = {
  ESP256: ecdsa([-9, -7], 'sha256', 'prime256v1', 32),
  ESP384: ecdsa([-51, -35], 'sha384', 'secp384r1', 48),
  ESP512: ecdsa([-52, -36], 'sha512', 'secp521r1', 66),
  Ed25519: {
    coseAlg: -19,
    coseAlgAccepted: [-19, -8],
    signatureSizeBytes: 64,
    publicKeySizeBytes: 32,
    hash: null,
    keyType: 'ed25519',
    curve: null,
  },
  PS256: rsaPss(-37, 'sha256'),
  PS384: rsaPss(-38, 'sha384'),
  PS512: rsaPss(-39, 'sha512'),
  // FIPS 204, table 2.
  'ML-DSA-44': mlDsa(-48, 'ml-dsa-44', 1312, 2420),
  'ML-DSA-65': mlDsa(-49, 'ml-dsa-65', 1952, 3309),
  'ML-DSA-87': mlDsa(-50, 'ml-dsa-87', 2592, 4627),
  // RFC 8778; the sizes follow from the parameter sets of the key (RFC 8554).
  'HSS-LMS': {
    coseAlg: -46,
    coseAlgAccepted: [-46],
    signatureSizeBytes: null,
    publicKeySizeBytes: null,
    hash: null,
    keyType: 'hss-lms',
    curve: null,
  },
};

/** Every signature algorithm, in the order of the table. */
export const SIGNATURE_ALGORITHM_NAMES: readonly SignatureAlgorithm[] = Object.keys(
  SIGNATURE_ALGORITHMS,
) as SignatureAlgorithm[];

/** The signature algorithm that a COSE id stands for, if it is one of ours. */
export function signatureAlgorithmOf(coseAlg: number): SignatureAlgorithm | undefined {
  return SIGNATURE_ALGORITHM_NAMES.find((name) => SIGNATURE_ALGORITHMS[name].coseAlgAccepted.includes(coseAlg));
}

export type DigestAlgorithmRow = {
  readonly node: string;
  readonly sizeBytes: number;
  /** For functions with output of any length. */
  readonly outputLength?: number;
};

/** COSE digest ids (RFC 9054): SHA-2, and SHAKE128 and SHAKE256 with the output lengths of §3.3. */
export const DIGEST_ALGORITHMS: ReadonlyMap<number, DigestAlgorithmRow> = new Map([
  [-16, { node: 'sha256', sizeBytes: 32 }],
  [-43, { node: 'sha384', sizeBytes: 48 }],
  [-44, { node: 'sha512', sizeBytes: 64 }],
  [-18, { node: 'shake128', sizeBytes: 32, outputLength: 32 }],
  [-45, { node: 'shake256', sizeBytes: 64, outputLength: 64 }],
]);

export type MacAlgorithmRow = {
  readonly node: 'sha256' | 'sha384' | 'sha512';
  /** The key size that RFC 9053 §3.1 asks of keys that are made for the algorithm. */
  readonly keySizeBytes: number;
  readonly tagSizeBytes: number;
};

/** COSE MAC ids (RFC 9053 §3.1): HMAC 256/64, 256/256, 384/384, 512/512. */
export const MAC_ALGORITHMS: ReadonlyMap<number, MacAlgorithmRow> = new Map([
  [4, { node: 'sha256', keySizeBytes: 32, tagSizeBytes: 8 }],
  [5, { node: 'sha256', keySizeBytes: 32, tagSizeBytes: 32 }],
  [6, { node: 'sha384', keySizeBytes: 48, tagSizeBytes: 48 }],
  [7, { node: 'sha512', keySizeBytes: 64, tagSizeBytes: 64 }],
]);

/** COSE content encryption ids: A128GCM, A192GCM, A256GCM, ChaCha20/Poly1305 (RFC 9053 §4). */
export type AeadAlgorithm = 1 | 2 | 3 | 24;

export type AeadAlgorithmRow = {
  readonly node: 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm' | 'chacha20-poly1305';
  readonly keySizeBytes: number;
  /** The most plaintext that one key and nonce may cover. */
  readonly dataSizeBytesMax: number;
};

// NIST SP 800-38D §5.2.1.1: at most 2^39 - 256 bits; RFC 8439 §2.8: at most 2^32 - 1 blocks of 64 bytes.
const GCM_SIZE_BYTES_MAX = 2 ** 36 - 32;
const CHACHA_SIZE_BYTES_MAX = (2 ** 32 - 1) * 64;

export const AEAD_ALGORITHMS: Readonly<Record<AeadAlgorithm, AeadAlgorithmRow>> = {
  1: { node: 'aes-128-gcm', keySizeBytes: 16, dataSizeBytesMax: GCM_SIZE_BYTES_MAX },
  2: { node: 'aes-192-gcm', keySizeBytes: 24, dataSizeBytesMax: GCM_SIZE_BYTES_MAX },
  3: { node: 'aes-256-gcm', keySizeBytes: 32, dataSizeBytesMax: GCM_SIZE_BYTES_MAX },
  24: { node: 'chacha20-poly1305', keySizeBytes: 32, dataSizeBytesMax: CHACHA_SIZE_BYTES_MAX },
};

/** COSE ids of AES in counter mode (RFC 9459 §4): A128CTR, A192CTR, A256CTR. They authenticate nothing. */
export type CtrAlgorithm = -65534 | -65533 | -65532;

export type CtrAlgorithmRow = { readonly node: `aes-${128 | 192 | 256}-ctr`; readonly keySizeBytes: number };

export const CTR_ALGORITHMS: Readonly<Record<CtrAlgorithm, CtrAlgorithmRow>> = {
  [-65534]: { node: 'aes-128-ctr', keySizeBytes: 16 },
  [-65533]: { node: 'aes-192-ctr', keySizeBytes: 24 },
  [-65532]: { node: 'aes-256-ctr', keySizeBytes: 32 },
};

export const CTR_IV_SIZE_BYTES = 16;
export const AEAD_IV_SIZE_BYTES = 12;
export const AEAD_TAG_SIZE_BYTES = 16;

/** True for the COSE ids that `createAeadEncryptor` and `createAeadDecryptor` take. */
export function isAeadAlgorithm(coseAlg: number): coseAlg is AeadAlgorithm {
  return Object.hasOwn(AEAD_ALGORITHMS, coseAlg);
}

/** True for the COSE ids of AES in counter mode. */
export function isCtrAlgorithm(coseAlg: number): coseAlg is CtrAlgorithm {
  return Object.hasOwn(CTR_ALGORITHMS, coseAlg);
}
