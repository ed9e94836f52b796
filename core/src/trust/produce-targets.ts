/**
 * Makes targets metadata, top-level or delegated (TUF 1.0.34 §4.5). Every function gives a new unsigned value and leaves
 * the one it was given alone; only `nextTargets` raises the version. What comes out has passed the reader that clients
 * use, plus what a producer must keep to so that all clients read it alike.
 */
import { toHex } from '../bytes/index.ts';
import type { PublicKey } from '../crypto/index.ts';
import { verifyPatternPortable } from './delegation.ts';
import { TrustError } from './errors.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { expectArray, expectDistinctStrings, expectObject, expectString } from './json-fields.ts';
import { encodeExpiry, type Metadata, type RoleName, SPEC_VERSION, type Targets } from './metadata.ts';
import { parseTargetsJson } from './parse-metadata.ts';
import { roleJson, verifyThresholdReachable } from './produce-root.ts';
import type { TufKey } from './tuf-key.ts';

export type NewTarget = {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: Uint8Array;
  readonly custom?: JsonObject;
};

export type NewDelegation = {
  readonly role: RoleName;
  readonly keys: readonly PublicKey[];
  readonly threshold?: number;
  readonly paths: readonly string[];
  /** True (the default) ends the search here for a path that matches. */
  readonly terminating?: boolean;
};

export type DelegationKeys = {
  readonly role: RoleName;
  readonly keys: readonly (PublicKey | TufKey)[];
  readonly threshold: number;
};

function finishTargets(json: JsonObject): Metadata<Targets> {
  return { signed: parseTargetsJson(json), json, signatures: [] };
}

/** Targets metadata that lists nothing, version 1, unsigned. */
export function newTargets({ expiresAt }: { readonly expiresAt: Date }): Metadata<Targets> {
  return finishTargets({
    _type: 'targets',
    expires: encodeExpiry(expiresAt),
    spec_version: SPEC_VERSION,
    targets: {},
    version: 1,
  });
}

/** The same lists under the next version and a new expiry, unsigned. */
export function nextTargets(
  targets: Metadata<Targets>,
  { expiresAt }: { readonly expiresAt: Date },
): Metadata<Targets> {
  return finishTargets({
    ...targets.json,
    expires: encodeExpiry(expiresAt),
    spec_version: SPEC_VERSION,
    version: targets.signed.version + 1,
  });
}

/**
 * Lists a target, or lists it anew; the version stays.
 * @throws TrustError TRUST_METADATA_MALFORMED for a path that is not a plain relative one
 */
export function withTarget(targets: Metadata<Targets>, target: NewTarget): Metadata<Targets> {
  const file: JsonObject = {
    ...(target.custom === undefined ? {} : { custom: target.custom }),
    hashes: { sha256: toHex(target.sha256) },
    length: target.sizeBytes,
  };
  return finishTargets({
    ...targets.json,
    targets: { ...expectObject(targets.json['targets'], 'targets'), [target.path]: file },
  });
}

/** Takes a target off the list; the version stays. */
export function withoutTarget(targets: Metadata<Targets>, path: string): Metadata<Targets> {
  const listed = Object.entries(expectObject(targets.json['targets'], 'targets'));
  return finishTargets({
    ...targets.json,
    targets: Object.fromEntries(listed.filter(([name]) => name !== path)),
  });
}

/** The delegations as JSON, with the keys that a role of the list uses and no others. */
function finishDelegations(
  targets: Metadata<Targets>,
  roles: readonly JsonValue[],
  added: readonly TufKey[] = [],
): Metadata<Targets> {
  const used = new Set(roles.flatMap((role) => expectDistinctStrings(expectObject(role, 'role')['keyids'], 'keyids')));
  const known = [...(targets.signed.delegations?.keys.values() ?? []), ...added];
  const keys = Object.fromEntries(known.filter(({ keyId }) => used.has(keyId)).map(({ keyId, json }) => [keyId, json]));
  return finishTargets({ ...targets.json, delegations: { keys, roles } });
}

function roleList({ json }: Metadata<Targets>): readonly JsonValue[] {
  const old = json['delegations'];
  return old === undefined ? [] : expectArray(expectObject(old, 'delegations')['roles'], 'delegations.roles');
}

function indexOfRole({ signed }: Metadata<Targets>, role: RoleName): number {
  return signed.delegations?.roles.findIndex(({ name }) => name === role) ?? -1;
}

function withRole(targets: Metadata<Targets>, role: JsonObject, made: ReturnType<typeof roleJson>): Metadata<Targets> {
  const name = expectString(role['name'], 'name');
  const at = indexOfRole(targets, name);
  const old = roleList(targets);
  const finished = finishDelegations(targets, at < 0 ? [...old, role] : old.with(at, role), made.keys);
  const { keyids, threshold } = made.role;
  verifyThresholdReachable(name, { keyIds: keyids, threshold }, finished.signed.delegations?.keys ?? new Map());
  return finished;
}

/**
 * Gives a role the right to speak for paths. A delegation of the same name is replaced and keeps its place in the order
 * of trust; a new one comes last. Keys that no role uses any more are dropped.
 * @throws TrustError TRUST_THRESHOLD_INVALID, TRUST_KEY_UNSUPPORTED, TRUST_METADATA_MALFORMED
 */
export function withDelegation(targets: Metadata<Targets>, delegation: NewDelegation): Metadata<Targets> {
  for (const pattern of delegation.paths) verifyPatternPortable(pattern);
  const made = roleJson(delegation.keys, delegation.threshold ?? 1);
  const { role: name, paths, terminating = true } = delegation;
  return withRole(targets, { ...made.role, name, paths, terminating }, made);
}

/**
 * Other keys and another threshold for a role that has a delegation; what it may speak for stays. The version stays.
 * @throws TrustError TRUST_ROLE_UNKNOWN, TRUST_THRESHOLD_INVALID, TRUST_KEY_UNSUPPORTED, TRUST_METADATA_MALFORMED
 */
export function withDelegationKeys(
  targets: Metadata<Targets>,
  { role, keys, threshold }: DelegationKeys,
): Metadata<Targets> {
  const at = indexOfRole(targets, role);
  if (at < 0) throw new TrustError('TRUST_ROLE_UNKNOWN', { role, at: 'targets' });
  const made = roleJson(keys, threshold);
  return withRole(targets, { ...expectObject(roleList(targets)[at], 'role'), ...made.role }, made);
}

/**
 * Takes the right to speak from a role: nobody believes its list any more. The version stays.
 * @throws TrustError TRUST_ROLE_UNKNOWN
 */
export function withoutDelegation(targets: Metadata<Targets>, role: RoleName): Metadata<Targets> {
  const at = indexOfRole(targets, role);
  if (at < 0) throw new TrustError('TRUST_ROLE_UNKNOWN', { role, at: 'targets' });
  return finishDelegations(targets, roleList(targets).toSpliced(at, 1));
}
