/**
 * The trust in a repository: TUF 1.0.34 metadata, made and verified. The operator's tools make it (`newRoot`,
 * `nextRoot`, `newTargets`, `nextTargets`, `withTarget`, `withDelegation`, `signMetadata`), alone or by several people
 * (`prepareRoot`, `prepareTargets`, `signCeremony`, `mergeCeremonies`), the server checks what is
 * uploaded (`checkSuccessor`) and adds freshness (`nextSnapshot`, `newTimestamp`), the device refreshes
 * (`refreshTrust`) and asks for targets (`findTarget`, `verifyTargetBytes`). Pure: clock, fetch and disk are parameters.
 */
export { encodeCanonicalJson } from './canonical-json.ts';
export {
  type Ceremony,
  type CeremonyEntry,
  type CeremonySigner,
  encodeCeremonyFile,
  type MergedCeremony,
  mergeCeremonies,
  type NewCeremony,
  newCeremony,
  signCeremony,
  signedDigest,
  type TrustBase,
} from './ceremony.ts';
export { encodeCeremony, parseCeremony } from './ceremony-file.ts';
export type { DelegatedRole, Delegations } from './delegation.ts';
export { TRUST_ERRORS, TrustError, type TrustErrorCode } from './errors.ts';
export { verifyListedBytes } from './file-meta.ts';
export type { JsonObject, JsonValue } from './json.ts';
export { TRUST_LIMITS } from './limits.ts';
export { encodeLineKeys, isLineName, type LineKeys, lineKeysPath, parseLineKeys } from './line-keys.ts';
export type {
  Metadata,
  RoleName,
  Root,
  Signed,
  Snapshot,
  TargetFile,
  Targets,
  Timestamp,
  TopRole,
} from './metadata.ts';
export { TOP_ROLES } from './metadata.ts';
export { parseRoot, parseSnapshot, parseTargets, parseTimestamp } from './parse-metadata.ts';
export { type KeyChange, prepareRoot, prepareTargets, type RootChange, type TargetsChange } from './prepare.ts';
export { type NewSnapshot, type NewTimestamp, newSnapshot, newTimestamp, nextSnapshot } from './produce-freshness.ts';
export { type NewRoot, type NextRoot, newRoot, nextRoot } from './produce-root.ts';
export {
  type NewDelegation,
  type NewTarget,
  newTargets,
  nextTargets,
  withDelegation,
  withoutTarget,
  withTarget,
} from './produce-targets.ts';
export {
  type ListedTarget,
  loadTarget,
  metadataFileName,
  type RefreshTrust,
  refreshTrust,
  type TrustPersistence,
  type TrustPorts,
} from './refresh.ts';
export { encodeReleaseCustom, parseReleaseCustom, type ReleaseCustom } from './release-custom.ts';
export { type Signable, signMetadata } from './sign-metadata.ts';
export { checkSuccessor, type Successor, type SuccessorContext } from './successor.ts';
export { type FoundTarget, TrustedMetadata, verifyTargetBytes } from './trusted-metadata.ts';
export { type TufKey, tufKeyOf } from './tuf-key.ts';
