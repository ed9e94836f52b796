/**
 * Keys and what they may do: roles and facts, key files sealed with a passphrase, references to keys in tokens and behind
 * command lines, and the published test keys that are barred. The one folder of core that touches the disk and processes.
 */
export { KEYS_ERRORS, KeysError, type KeysErrorCode } from './errors.ts';
export { newExternalSigner, openKeyReference } from './external-signer.ts';
export {
  type AnyPrivateKey,
  createFileKey,
  type FileKeyOptions,
  openKeyFile,
  resealKeyFile,
  sealFileKey,
} from './file-key.ts';
export { importPkcs8Pem, importRawSecret } from './import-key.ts';
export { assertNotExpired, CUSTODIES, type Custody, factsOf, type KeyFacts, signingKeyOf } from './key-facts.ts';
export { encodeKeyFile, type KeyFile, parseKeyFile } from './key-file.ts';
export {
  isKeyReference,
  loadKeyFile,
  loadStoredKey,
  replaceKeyFile,
  type StoredKey,
  saveKeyFile,
} from './key-file-store.ts';
export {
  encodeKeyReference,
  type KeyReference,
  parseKeyReference,
  parseSignerAddress,
  type SignerAddress,
} from './key-reference.ts';
export { createLmsKeyFile, type LmsKeyOptions, LmsSigner } from './lms-key.ts';
export { createLmsState, resumeLmsState } from './lms-state.ts';
export { newRandomSecret } from './passphrase.ts';
export { findPkcs11KeyId, readPkcs11PublicKey, type TokenPlace } from './pkcs11-signer.ts';
export { KEY_ROLE_TABLE, KEY_ROLES, type KeyAlgorithm, type KeyRole, type KeyRoleRow } from './roles.ts';
export { assertNotTestKey, findTestKey, type TestKey } from './test-keys.ts';
