/**
 * Makes root metadata (TUF 1.0.34 §4.3), the first one and its successors. What comes out has passed the reader that
 * clients use, and every threshold can be met by the keys that are listed. It is unsigned: a first root is signed by its
 * own root keys, a successor by a threshold of the old *and* of the new ones (§5.3.4).
 */
import { PublicKey } from '../crypto/index.ts';
import { TrustError } from './errors.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { encodeExpiry, type Metadata, type Root, SPEC_VERSION, TOP_ROLES, type TopRole } from './metadata.ts';
import { parseRootJson } from './parse-metadata.ts';
import type { KeyTable, RoleKeys } from './signed-json.ts';
import { keyIdentity, type TufKey, tufKeyOf } from './tuf-key.ts';

export type NewRoot = {
  readonly keys: Readonly<Record<TopRole, readonly PublicKey[]>>;
  /** How many keys of a role must sign; 1 where nothing is said. */
  readonly thresholds?: Readonly<Partial<Record<TopRole, number>>>;
  readonly expiresAt: Date;
};

export type NextRoot = {
  /** Only the roles whose keys change. A key that is listed already may be given as it stands there. */
  readonly keys?: Readonly<Partial<Record<TopRole, readonly (PublicKey | TufKey)[]>>>;
  readonly thresholds?: Readonly<Partial<Record<TopRole, number>>>;
  readonly expiresAt: Date;
};

/** @throws TrustError TRUST_THRESHOLD_INVALID */
export function verifyThresholdReachable(role: string, { keyIds, threshold }: RoleKeys, keys: KeyTable): void {
  const identities = keyIds.flatMap((keyId) => {
    const publicKey = keys.get(keyId)?.publicKey;
    return publicKey === undefined ? [] : [keyIdentity(publicKey)];
  });
  const reachable = new Set(identities).size;
  if (Number.isSafeInteger(threshold) && threshold >= 1 && threshold <= reachable) return;
  throw new TrustError('TRUST_THRESHOLD_INVALID', { role, threshold, keys: reachable });
}

/** The `keyids` and `threshold` of a role, and its keys. */
export function roleJson(
  given: readonly (PublicKey | TufKey)[],
  threshold: number,
): {
  readonly keys: readonly TufKey[];
  readonly role: { readonly keyids: readonly string[]; readonly threshold: number };
} {
  const keys = given.map((key) => (key instanceof PublicKey ? tufKeyOf(key) : key));
  return { keys, role: { keyids: [...new Set(keys.map(({ keyId }) => keyId))], threshold } };
}

function finishRoot(json: JsonObject): Metadata<Root> {
  const signed = parseRootJson(json);
  for (const role of TOP_ROLES) verifyThresholdReachable(role, signed.roles[role], signed.keys);
  return { signed, json, signatures: [] };
}

/**
 * The first root of a repository, version 1, unsigned.
 * @throws TrustError TRUST_THRESHOLD_INVALID, TRUST_KEY_UNSUPPORTED, TRUST_METADATA_MALFORMED
 */
export function newRoot({ keys, thresholds, expiresAt }: NewRoot): Metadata<Root> {
  const keyTable: Record<string, JsonObject> = {};
  const roles: Record<string, JsonObject> = {};
  for (const name of TOP_ROLES) {
    const made = roleJson(keys[name], thresholds?.[name] ?? 1);
    for (const key of made.keys) keyTable[key.keyId] = key.json;
    roles[name] = made.role;
  }
  return finishRoot({
    _type: 'root',
    consistent_snapshot: true,
    expires: encodeExpiry(expiresAt),
    keys: keyTable,
    roles,
    spec_version: SPEC_VERSION,
    version: 1,
  });
}

/**
 * The successor of a root: version plus one, with new keys or thresholds for some roles; unsigned.
 * @throws TrustError TRUST_THRESHOLD_INVALID, TRUST_KEY_UNSUPPORTED, TRUST_METADATA_MALFORMED
 */
export function nextRoot(root: Metadata<Root>, { keys, thresholds, expiresAt }: NextRoot): Metadata<Root> {
  const keyTable: Record<string, JsonValue> = {};
  const roles: Record<string, JsonObject> = {};
  for (const name of TOP_ROLES) {
    const old = root.signed.roles[name];
    const threshold = thresholds?.[name] ?? old.threshold;
    const publicKeys = keys?.[name];
    const made =
      publicKeys === undefined
        ? {
            keys: old.keyIds.flatMap((keyId) => root.signed.keys.get(keyId) ?? []),
            role: { keyids: old.keyIds, threshold },
          }
        : roleJson(publicKeys, threshold);
    for (const key of made.keys) keyTable[key.keyId] = key.json;
    roles[name] = made.role;
  }
  return finishRoot({
    ...root.json,
    expires: encodeExpiry(expiresAt),
    keys: keyTable,
    roles,
    spec_version: SPEC_VERSION,
    version: root.signed.version + 1,
  });
}
