/**
 * COSE (RFC 9052, RFC 9053): signatures by one or several keys, encryption info with detached ciphertext, COSE_Key and
 * its thumbprint (RFC 9679). Parsing gives `Untrusted…` values; only `verify…` and `open…` give what may be used.
 */
export { coseKeyThumbprint, decodeCoseKey, encodeCoseKey, keyIdOf } from './cose-key.ts';
export {
  type ContentSecrets,
  contentAad,
  type EncryptInfoOptions,
  encryptInfo,
  type OpenOptions,
  openEncryptInfo,
  type RecipientOptions,
} from './encrypt-info.ts';
export { COSE_ERRORS, CoseError, type CoseErrorCode } from './errors.ts';
export type { AgreementAlgorithm, KdfContext, KeyWrapAlgorithm } from './kdf-context.ts';
export {
  parseSign,
  signSign,
  type UntrustedSign,
  type UntrustedSignature,
  type VerifiedSign,
  verifySign,
} from './sign.ts';
export {
  parseSign1,
  type Sign1Options,
  signSign1,
  type UntrustedSign1,
  type VerifiedSign1,
  type VerifyOptions,
  verifySign1,
} from './sign1.ts';
