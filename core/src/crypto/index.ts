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
export { type AgreementCurve, AgreementKey, AgreementPublicKey, isAgreementCurve } from './agreement-key.ts';
export {
  AEAD_ALGORITHMS,
  AEAD_IV_SIZE_BYTES,
  AEAD_TAG_SIZE_BYTES,
  type AeadAlgorithm,
  CTR_ALGORITHMS,
  CTR_IV_SIZE_BYTES,
  type CtrAlgorithm,
  DIGEST_ALGORITHMS,
  isAeadAlgorithm,
  isCtrAlgorithm,
  MAC_ALGORITHMS,
  SIGNATURE_ALGORITHM_NAMES,
  SIGNATURE_ALGORITHMS,
  type SignatureAlgorithm,
  type SignatureAlgorithmRow,
  signatureAlgorithmOf,
} from './algorithms.ts';
export { createUnauthenticatedCipher, type UnauthenticatedCipher } from './ctr.ts';
export { type HkdfOptions, hkdf, hkdfSha256, newHash, type RunningHash, sha256 } from './digest.ts';
export { ecdsaDerToRaw, ecdsaRawToDer } from './ecdsa-signature.ts';
export { CRYPTO_ERRORS, CryptoError, type CryptoErrorCode } from './errors.ts';
export { LmsPrivateKey, type LmsSecret } from './hss-lms/sign.ts';
export { HssPublicKey } from './hss-lms/verify.ts';
export { importSpki } from './key-import.ts';
export { aesKeyUnwrap, aesKeyWrap } from './key-wrap.ts';
export { hmac, verifyHmac } from './mac.ts';
export { PrivateKey, type Signer } from './private-key.ts';
export { PublicKey, type RsaMembers } from './public-key.ts';
