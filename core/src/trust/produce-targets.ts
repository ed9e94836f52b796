/**
 * Makes targets metadata, top-level or delegated (TUF 1.0.34 §4.5). Every function gives a new unsigned value and leaves
 * the one it was given alone; only `nextTargets` raises the version. What comes out has passed the reader that clients
 * use, plus what a producer must keep to so that all clients read it alike.
 */
import { toHex } from '../bytes/index.ts';
import type { PublicKey } from '../crypto/index.ts';
import { verifyPatternPortable } from './delegation.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { expectArray, expectObject } from './json-fields.ts';
import { encodeExpiry, type Metadata, type RoleName, SPEC_VERSION, type Targets } from './metadata.ts';
import { parseTargetsJson } from './parse-metadata.ts';
import { roleJson, verifyThresholdReachable } from './produce-root.ts';

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

/**
 * Gives a role the right to speak for paths. A delegation of the same name is replaced and keeps its place in the order
 * of trust; a new one comes last. Keys that no role uses any more are dropped.
 * @throws TrustError TRUST_THRESHOLD_INVALID, TRUST_KEY_UNSUPPORTED, TRUST_METADATA_MALFORMED
 */
export function withDelegation(targets: Metadata<Targets>, delegation: NewDelegation): Metadata<Targets> {
  for (const pattern of delegation.paths) verifyPatternPortable(pattern);
  const made = roleJson(delegation.keys, delegation.threshold ?? 1);
  const role: JsonObject = {
    ...made.role,
    name: delegation.role,
    paths: delegation.paths,
    terminating: delegation.terminating ?? true,
  };
  const old = targets.json['delegations'];
  const oldRoles = old === undefined ? [] : expectArray(expectObject(old, 'delegations')['roles'], 'delegations.roles');
  const oldIndex = targets.signed.delegations?.roles.findIndex(({ name }) => name === delegation.role) ?? -1;
  const roles = oldIndex < 0 ? [...oldRoles, role] : oldRoles.with(oldIndex, role);
  const known = new Map<string, JsonValue>(
    [...(targets.signed.delegations?.keys.values() ?? []), ...made.keys].map(({ keyId, json }) => [keyId, json]),
  );
  const used = new Set([
    ...made.role.keyids,
    ...(targets.signed.delegations?.roles ?? []).flatMap(({ name, keyIds }) =>
      name === delegation.role ? [] : keyIds,
    ),
  ]);
  const keys = Object.fromEntries([...known].filter(([keyId]) => used.has(keyId)));
  const finished = finishTargets({ ...targets.json, delegations: { keys, roles } });
  verifyThresholdReachable(
    delegation.role,
    { keyIds: made.role.keyids, threshold: made.role.threshold },
    finished.signed.delegations?.keys ?? new Map(),
  );
  return finished;
}
