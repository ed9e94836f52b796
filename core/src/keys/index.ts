/**
 * Keys and what they may do: roles, key files sealed with a passphrase, and the published test keys that are barred.
 * The one folder of core that touches the disk.
 */
export { KEYS_ERRORS, KeysError, type KeysErrorCode } from './errors.ts';
export { createFileKey, type FileKeyOptions, openKeyFile } from './file-key.ts';
export { encodeKeyFile, type KeyFile, parseKeyFile } from './key-file.ts';
export { loadKeyFile, saveKeyFile } from './key-file-store.ts';
export { KEY_ROLE_TABLE, KEY_ROLES, type KeyAlgorithm, type KeyRole, type KeyRoleRow } from './roles.ts';
export { assertNotTestKey } from './test-keys.ts';
