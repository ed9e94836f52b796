/**
 * Cryptography on node:crypto alone: one table of algorithms, keys that know their algorithm, digests, streaming AEAD,
 * key wrap. Verification throws; nothing here returns false.
 */

export {
  type AeadDecryptor,
  type AeadEncryptor,
  type AeadOptions,
  createAeadDecryptor,
  createAeadEncryptor,
} from './aead.ts';
export { AgreementKey, AgreementPublicKey } from './agreement-key.ts';
export {
  AEAD_ALGORITHMS,
  AEAD_IV_SIZE_BYTES,
  AEAD_TAG_SIZE_BYTES,
  type AeadAlgorithm,
  DIGEST_ALGORITHMS,
  isAeadAlgorithm,
  SIGNATURE_ALGORITHM_NAMES,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
  type SignatureAlgorithmRow,
  signatureAlgorithmOf,
} from './algorithms.ts';
export { hkdfSha256, newHash, type RunningHash, sha256 } from './digest.ts';
export { ecdsaDerToRaw, ecdsaRawToDer } from './ecdsa-signature.ts';
export { CRYPTO_ERRORS, CryptoError, type CryptoErrorCode } from './errors.ts';
export { aesKeyUnwrap, aesKeyWrap } from './key-wrap.ts';
export { PrivateKey, type Signer } from './private-key.ts';
export { PublicKey } from './public-key.ts';
