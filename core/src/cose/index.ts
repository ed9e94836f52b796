/**
 * COSE (RFC 9052, RFC 9053): signatures by one or several keys, MACs, encryption (whole messages, and info for detached
 * ciphertext), COSE_Key and its thumbprint (RFC 9679). Parsing gives `Untrusted…` values; only `verify…` and `open…` give what may be used.
 */
export { coseKeyThumbprint, decodeCoseKey, encodeCoseKey, keyIdOf } from './cose-key.ts';
export {
  type ContentSecrets,
  contentAad,
  type EncryptInfoOptions,
  encryptInfo,
  type OpenOptions,
  openEncryptInfo,
  openUnauthenticatedEncryptInfo,
  type UnauthenticatedSecrets,
  unauthenticatedEncryptInfo,
} from './encrypt-info.ts';
export {
  type Decrypt0Options,
  type DecryptMessageOptions,
  decryptEncrypt0,
  decryptMessage,
  type Encrypt0Options,
  type EncryptMessageOptions,
  encryptEncrypt0,
  encryptMessage,
} from './encrypt0.ts';
export { COSE_ERRORS, CoseError, type CoseErrorCode } from './errors.ts';
export type {
  AgreementAlgorithm,
  DirectAgreementAlgorithm,
  KdfContext,
  KeyWrapAlgorithm,
} from './kdf-context.ts';
export {
  createMac,
  createMac0,
  type Mac0Options,
  type MacAlgorithm,
  type MacMessageOptions,
  type VerifiedMac,
  type VerifyMac0Options,
  type VerifyMacMessageOptions,
  verifyMac,
  verifyMac0,
} from './mac.ts';
export type { DirectRecipientOptions, RecipientKeys, RecipientOptions } from './recipient.ts';
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
