/**
 * The next version of root or targets metadata, unsigned, as a change to what is published: keys in and out, thresholds,
 * delegations withdrawn, expiry. Keys that stay, stay as they are written, so their ids do not change. Who must sign the
 * result is for `ceremony.ts`; whether clients would follow is for `checkSuccessor`.
 */
import type { PublicKey } from '../crypto/index.ts';
import { delegatedKeys } from './delegation.ts';
import { TrustError } from './errors.ts';
import { type Metadata, type RoleName, type Root, type Targets, TOP_ROLES, type TopRole } from './metadata.ts';
import { parseRoot, parseTargets } from './parse-metadata.ts';
import { nextRoot } from './produce-root.ts';
import {
  type NewTarget,
  nextTargets,
  withDelegationKeys,
  withoutDelegation,
  withoutTarget,
  withTarget,
} from './produce-targets.ts';
import type { KeyTable, RoleKeys } from './signed-json.ts';
import { keyIdentity, type TufKey, tufKeyOf } from './tuf-key.ts';

/** What changes in the keys of one role. */
export type KeyChange = {
  readonly add?: readonly PublicKey[];
  /** Key ids. */
  readonly remove?: readonly string[];
  readonly threshold?: number;
};

export type RootChange = {
  readonly roles?: Readonly<Partial<Record<TopRole, KeyChange>>>;
  readonly expiresAt: Date;
};

export type TargetsChange = {
  readonly delegations?: ReadonlyMap<RoleName, KeyChange>;
  /** Roles that may not speak any more. */
  readonly revoke?: readonly RoleName[];
  readonly list?: readonly NewTarget[];
  readonly unlist?: readonly string[];
  readonly expiresAt: Date;
};

function invalidChange(role: RoleName, expected: string, keyId: string): TrustError {
  return new TrustError('TRUST_KEY_CHANGE_INVALID', { role, expected, keyId });
}

/** The keys of a role after the change. A key is known by its bytes, so none gets in twice under two ids. */
function changeKeys(
  role: RoleName,
  current: { readonly role: RoleKeys; readonly keys: KeyTable },
  { add = [], remove = [] }: KeyChange,
): readonly TufKey[] {
  const listed = current.role.keyIds.flatMap((keyId) => current.keys.get(keyId) ?? []);
  for (const keyId of remove) {
    if (!listed.some((key) => key.keyId === keyId)) throw invalidChange(role, 'a key that the role lists', keyId);
  }
  const keys = listed.filter(({ keyId }) => !remove.includes(keyId));
  const identities = new Set(keys.flatMap(({ publicKey }) => (publicKey === undefined ? [] : keyIdentity(publicKey))));
  for (const publicKey of add) {
    const key = tufKeyOf(publicKey);
    const identity = keyIdentity(publicKey);
    if (identities.has(identity)) throw invalidChange(role, 'a key that the role does not list', key.keyId);
    identities.add(identity);
    keys.push(key);
  }
  return keys;
}

/**
 * The successor of a root, unsigned.
 * @throws TrustError TRUST_KEY_CHANGE_INVALID, TRUST_THRESHOLD_INVALID, TRUST_KEY_UNSUPPORTED, TRUST_METADATA_MALFORMED,
 *   TRUST_LENGTH_EXCEEDED
 */
export function prepareRoot(current: Uint8Array, { roles = {}, expiresAt }: RootChange): Metadata<Root> {
  const root = parseRoot(current);
  const keys: Partial<Record<TopRole, readonly TufKey[]>> = {};
  const thresholds: Partial<Record<TopRole, number>> = {};
  for (const name of TOP_ROLES) {
    const change = roles[name];
    if (change === undefined) continue;
    const role = root.signed.roles[name];
    keys[name] = changeKeys(name, { role, keys: root.signed.keys }, change);
    thresholds[name] = change.threshold ?? role.threshold;
  }
  return nextRoot(root, { keys, thresholds, expiresAt });
}

function changeDelegation(targets: Metadata<Targets>, name: RoleName, change: KeyChange): Metadata<Targets> {
  const { delegations } = targets.signed;
  const role = delegations && delegatedKeys(delegations, name);
  if (delegations === undefined || role === undefined) {
    throw new TrustError('TRUST_ROLE_UNKNOWN', { role: name, at: 'targets' });
  }
  const keys = changeKeys(name, { role, keys: delegations.keys }, change);
  return withDelegationKeys(targets, { role: name, keys, threshold: change.threshold ?? role.threshold });
}

/**
 * The successor of targets metadata, unsigned.
 * @throws TrustError TRUST_KEY_CHANGE_INVALID, TRUST_ROLE_UNKNOWN, TRUST_THRESHOLD_INVALID, TRUST_KEY_UNSUPPORTED,
 *   TRUST_METADATA_MALFORMED, TRUST_LENGTH_EXCEEDED
 */
export function prepareTargets(current: Uint8Array, change: TargetsChange): Metadata<Targets> {
  let targets = nextTargets(parseTargets(current), change);
  for (const role of change.revoke ?? []) targets = withoutDelegation(targets, role);
  for (const [role, keys] of change.delegations ?? []) targets = changeDelegation(targets, role, keys);
  for (const path of change.unlist ?? []) targets = withoutTarget(targets, path);
  for (const target of change.list ?? []) targets = withTarget(targets, target);
  return targets;
}
