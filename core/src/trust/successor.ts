/**
 * The rules by which new root, targets or line metadata may follow what is published, for the one who publishes. A client
 * would refuse the same things, but later and everywhere at once: a version that does not rise, a threshold that is not
 * met, an expiry that has passed. Beyond that: thresholds that can never be met again, and targets that nobody would find.
 */
import { delegatedKeys, rolesForPath } from './delegation.ts';
import { TrustError } from './errors.ts';
import { TRUST_LIMITS } from './limits.ts';
import { type Metadata, type RoleName, type Root, refuseExpired, type Targets, TOP_ROLES } from './metadata.ts';
import { parseRoot, parseTargets } from './parse-metadata.ts';
import { verifyThresholdReachable } from './produce-root.ts';
import { parseSignedJson, verifyThreshold } from './signed-json.ts';
import { TrustedMetadata } from './trusted-metadata.ts';

export type SuccessorContext = {
  /** `root`, `targets`, or the name of a role to which `targets` delegates. */
  readonly role: RoleName;
  /** The published root; not needed when `role` is root. */
  readonly root?: Uint8Array;
  /** The published targets metadata, when `role` is a delegated one. */
  readonly targets?: Uint8Array;
  readonly now: Date;
};

export type Successor = { readonly role: RoleName; readonly version: number; readonly expiresAt: Date };

function rootSuccessor(oldBytes: Uint8Array | undefined, newBytes: Uint8Array, now: Date): Successor {
  if (oldBytes === undefined) TrustedMetadata.fromRoot(newBytes, now);
  else TrustedMetadata.fromRoot(oldBytes, now).updateRoot(newBytes);
  const { signed } = parseRoot(newBytes);
  for (const name of TOP_ROLES) verifyThresholdReachable(name, signed.roles[name], signed.keys);
  refuseExpired('root', signed, now);
  return { role: 'root', version: signed.version, expiresAt: signed.expiresAt };
}

function required(bytes: Uint8Array | undefined, role: RoleName): Uint8Array {
  if (bytes === undefined) throw new TrustError('TRUST_ORDER_INVALID', { role });
  return bytes;
}

function verifyTargetsSigned(newBytes: Uint8Array, role: RoleName, root: Root): Metadata<Targets> {
  const envelope = parseSignedJson(newBytes, TRUST_LIMITS.targetsSizeBytesMax);
  verifyThreshold(envelope, { role, delegator: 'root', keys: root.keys, ...root.roles.targets });
  return parseTargets(newBytes);
}

function verifyDelegatedSigned(newBytes: Uint8Array, role: RoleName, targets: Targets): Metadata<Targets> {
  const { delegations } = targets;
  const delegated = delegations && delegatedKeys(delegations, role);
  if (delegations === undefined || delegated === undefined) {
    throw new TrustError('TRUST_ROLE_UNKNOWN', { role, at: 'targets' });
  }
  const envelope = parseSignedJson(newBytes, TRUST_LIMITS.targetsSizeBytesMax);
  verifyThreshold(envelope, { role, delegator: 'targets', keys: delegations.keys, ...delegated });
  const next = parseTargets(newBytes);
  for (const path of next.signed.targets.keys()) {
    const isOwn = rolesForPath(delegations, path).some(({ name }) => name === role);
    if (!isOwn) throw new TrustError('TRUST_TARGET_OUTSIDE_DELEGATION', { role, path });
  }
  return next;
}

function verifyDelegationsReachable({ delegations }: Targets): void {
  if (delegations === undefined) return;
  const { keys, roles, succinct } = delegations;
  for (const role of roles) verifyThresholdReachable(role.name, role, keys);
  if (succinct !== undefined) verifyThresholdReachable(succinct.namePrefix, succinct, keys);
}

/**
 * Refuses new metadata that must not follow the old one (undefined for the first of its role).
 * @throws TrustError TRUST_METADATA_MALFORMED, TRUST_SIGNATURES_TOO_FEW, TRUST_VERSION_ROLLBACK,
 *   TRUST_VERSION_UNEXPECTED, TRUST_EXPIRED, TRUST_THRESHOLD_INVALID, TRUST_ROLE_UNKNOWN,
 *   TRUST_TARGET_OUTSIDE_DELEGATION, TRUST_LENGTH_EXCEEDED, TRUST_ORDER_INVALID
 */
export function checkSuccessor(
  oldBytes: Uint8Array | undefined,
  newBytes: Uint8Array,
  { role, root, targets, now }: SuccessorContext,
): Successor {
  if (role === 'root') return rootSuccessor(oldBytes, newBytes, now);
  const next =
    role === 'targets'
      ? verifyTargetsSigned(newBytes, role, parseRoot(required(root, role)).signed)
      : verifyDelegatedSigned(newBytes, role, parseTargets(required(targets, role)).signed);
  const { signed } = next;
  const accepted = oldBytes === undefined ? 0 : parseTargets(oldBytes).signed.version;
  // TUF 1.0.34 §6.1: every change of a file raises its version; a published version is never written anew.
  if (signed.version <= accepted) {
    throw new TrustError('TRUST_VERSION_ROLLBACK', { role, accepted, actual: signed.version });
  }
  refuseExpired(role, signed, now);
  verifyDelegationsReachable(signed);
  return { role, version: signed.version, expiresAt: signed.expiresAt };
}
