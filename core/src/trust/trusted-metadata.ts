/**
 * The client workflow of TUF 1.0.34 §5.3-5.7 as a pure store: bytes go in, and either the state moves forward or a
 * `TrustError` is thrown and the state stays as it was. Time is fixed when the store is made (§5.1). The order is root,
 * timestamp, snapshot, targets, delegated roles; every file is checked for signatures before its content is read.
 * `recall*` takes files that were accepted in an earlier run: they set the floor that nothing may go below, but expiry
 * is judged only on what is to be used now, so a device that was off for a year can come back.
 */
import { fromHex, isEqualBytes, toHex } from '../bytes/index.ts';
import { delegatedKeys, rolesForPath } from './delegation.ts';
import { TrustError } from './errors.ts';
import { type ListedFile, verifyListedBytes } from './file-meta.ts';
import type { JsonObject } from './json.ts';
import { TRUST_LIMITS } from './limits.ts';
import {
  type RoleName,
  type Root,
  refuseExpired,
  type Snapshot,
  type TargetFile,
  type Targets,
  type Timestamp,
  type TopRole,
} from './metadata.ts';
import { parseRootJson, parseSnapshotJson, parseTargetsJson, parseTimestampJson } from './parse-metadata.ts';
import { verifySnapshotForward } from './produce-freshness.ts';
import { type KeyTable, parseSignedJson, type RoleKeys, type SignedJson, verifyThreshold } from './signed-json.ts';

/** A target that a trusted role lists: what the bytes under this path must be. */
export type FoundTarget = {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: Uint8Array;
  readonly custom: JsonObject | undefined;
  /** The role that lists it. */
  readonly role: RoleName;
};

/** A role that has to be loaded before a search can go on, and the role that vouches for it. */
export type RoleNeeded = { readonly role: RoleName; readonly parent: RoleName };
export type TargetSearch =
  | { readonly kind: 'found'; readonly role: RoleName; readonly file: TargetFile }
  | { readonly kind: 'role-needed'; readonly needed: RoleNeeded }
  | { readonly kind: 'absent' };

const TOP_TARGETS: RoleNeeded = { role: 'targets', parent: 'root' };

/** A role that is loaded, and those who were seen to vouch for these very bytes. */
type LoadedRole = { readonly bytes: Uint8Array; readonly targets: Targets; readonly parents: Set<RoleName> };

/** A key of the old role that the new one does not know any more means that the role was rotated. */
function isRotated(name: TopRole, from: Root, to: Root): boolean {
  return from.roles[name].keyIds.some((keyId) => !to.roles[name].keyIds.includes(keyId));
}

/** §5.3.11: whether what was accepted from timestamp and snapshot keys under one root is to be forgotten under another. */
export function isFreshnessRotated(from: Root, to: Root): boolean {
  return isRotated('timestamp', from, to) || isRotated('snapshot', from, to);
}

function foundTarget(role: RoleName, { path, sizeBytes, digests, custom }: TargetFile): FoundTarget {
  const sha256 = digests.get('sha256');
  if (sha256 === undefined) throw new TrustError('TRUST_DIGEST_UNSUPPORTED', { name: path, expected: 'sha256' });
  return { path, sizeBytes, sha256: fromHex(sha256), custom, role };
}

/** What is trusted so far in one refresh. */
export class TrustedMetadata {
  readonly now: Date;
  #root: Root;
  #timestamp: Timestamp | undefined;
  /** The last snapshot that was accepted: a floor, not yet known to be the current one. */
  #floor: Snapshot | undefined;
  #snapshot: Snapshot | undefined;
  readonly #roles = new Map<RoleName, LoadedRole>();

  private constructor(root: Root, now: Date) {
    this.#root = root;
    this.now = now;
  }

  /**
   * Starts from a root that is trusted already (provisioned, or accepted before); it may have expired.
   * @throws TrustError TRUST_METADATA_MALFORMED, TRUST_SIGNATURES_TOO_FEW, TRUST_LENGTH_EXCEEDED
   */
  static fromRoot(bytes: Uint8Array, now: Date): TrustedMetadata {
    const envelope = parseSignedJson(bytes, TRUST_LIMITS.rootSizeBytesMax);
    const root = parseRootJson(envelope.signed);
    verifyThreshold(envelope, { role: 'root', delegator: 'root', keys: root.keys, ...root.roles.root });
    return new TrustedMetadata(root, new Date(now));
  }

  get root(): Root {
    return this.#root;
  }
  get timestamp(): Timestamp | undefined {
    return this.#timestamp;
  }
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }
  get targets(): Targets | undefined {
    return this.loadedRole(TOP_TARGETS);
  }

  /**
   * Takes the successor of the root, and says whether the keys of timestamp or snapshot were rotated: then what was
   * accepted from the old keys is forgotten, which is how a repository recovers from a fast-forward attack.
   * @throws TrustError TRUST_METADATA_MALFORMED, TRUST_SIGNATURES_TOO_FEW, TRUST_VERSION_ROLLBACK,
   *   TRUST_VERSION_UNEXPECTED, TRUST_LENGTH_EXCEEDED, TRUST_ORDER_INVALID
   */
  updateRoot(bytes: Uint8Array): { readonly isRotated: boolean } {
    if (this.#timestamp !== undefined) throw new TrustError('TRUST_ORDER_INVALID', { role: 'root' });
    const envelope = parseSignedJson(bytes, TRUST_LIMITS.rootSizeBytesMax);
    // §5.3.4, arbitrary software: signed by a threshold of the root that is trusted now …
    this.#verifyTop(envelope, 'root');
    const next = parseRootJson(envelope.signed);
    // … and by a threshold of the keys that it names itself.
    verifyThreshold(envelope, { role: 'root', delegator: 'the new root', keys: next.keys, ...next.roles.root });
    // §5.3.5, rollback: exactly the next version.
    const expected = this.#root.version + 1;
    if (next.version < expected) {
      throw new TrustError('TRUST_VERSION_ROLLBACK', { role: 'root', expected, actual: next.version });
    }
    if (next.version > expected) {
      throw new TrustError('TRUST_VERSION_UNEXPECTED', { role: 'root', expected, actual: next.version });
    }
    // §5.3.6: the expiry of an intermediate root does not matter. §5.3.11: rotation forgets timestamp and snapshot.
    const rotated = isFreshnessRotated(this.#root, next);
    this.#root = next;
    return { isRotated: rotated };
  }

  /**
   * Sets the floor from the timestamp that an earlier run accepted.
   * @throws TrustError TRUST_METADATA_MALFORMED, TRUST_SIGNATURES_TOO_FEW, TRUST_LENGTH_EXCEEDED, TRUST_ORDER_INVALID
   */
  recallTimestamp(bytes: Uint8Array): void {
    if (this.#timestamp !== undefined) throw new TrustError('TRUST_ORDER_INVALID', { role: 'timestamp' });
    this.#timestamp = this.#readTimestamp(bytes);
  }

  /**
   * Takes a timestamp. One of the same version as the accepted one is dropped, whatever it says; the answer is then
   * false, and nothing needs to be saved.
   * @throws TrustError TRUST_EXPIRED, TRUST_METADATA_MALFORMED, TRUST_SIGNATURES_TOO_FEW, TRUST_VERSION_ROLLBACK,
   *   TRUST_LENGTH_EXCEEDED, TRUST_ORDER_INVALID
   */
  updateTimestamp(bytes: Uint8Array): boolean {
    this.verifyRootFresh();
    if (this.#snapshot !== undefined) throw new TrustError('TRUST_ORDER_INVALID', { role: 'timestamp' });
    const next = this.#readTimestamp(bytes);
    const accepted = this.#timestamp;
    // §5.4.3.1, rollback; equal: keep the one that is there, and stop here.
    if (accepted !== undefined && next.version === accepted.version) {
      refuseExpired('timestamp', accepted, this.now);
      return false;
    }
    if (accepted !== undefined && next.version < accepted.version) {
      const details = { role: 'timestamp', accepted: accepted.version, actual: next.version };
      throw new TrustError('TRUST_VERSION_ROLLBACK', details);
    }
    // §5.4.3.2, rollback of the snapshot that it names.
    if (accepted !== undefined && next.snapshot.version < accepted.snapshot.version) {
      const details = { role: 'snapshot', accepted: accepted.snapshot.version, actual: next.snapshot.version };
      throw new TrustError('TRUST_VERSION_ROLLBACK', details);
    }
    // §5.4.4, freeze.
    refuseExpired('timestamp', next, this.now);
    this.#timestamp = next;
    return true;
  }

  /**
   * Sets the floor from the snapshot that an earlier run accepted.
   * @throws TrustError TRUST_METADATA_MALFORMED, TRUST_SIGNATURES_TOO_FEW, TRUST_LENGTH_EXCEEDED, TRUST_ORDER_INVALID
   */
  recallSnapshot(bytes: Uint8Array): void {
    if (this.#snapshot !== undefined) throw new TrustError('TRUST_ORDER_INVALID', { role: 'snapshot' });
    this.#floor = this.#readSnapshot(bytes);
  }

  /**
   * Takes the snapshot that the timestamp names.
   * @throws TrustError TRUST_EXPIRED, TRUST_METADATA_MALFORMED, TRUST_SIGNATURES_TOO_FEW, TRUST_VERSION_ROLLBACK,
   *   TRUST_VERSION_UNEXPECTED, TRUST_ROLE_MISSING, TRUST_DIGEST_MISMATCH, TRUST_DIGEST_UNSUPPORTED,
   *   TRUST_LENGTH_EXCEEDED, TRUST_LENGTH_MISMATCH, TRUST_ORDER_INVALID
   */
  updateSnapshot(bytes: Uint8Array): void {
    const { snapshot: listed } = this.#freshTimestamp();
    if (this.targets !== undefined) throw new TrustError('TRUST_ORDER_INVALID', { role: 'snapshot' });
    // §5.5.2: length and digests of the timestamp, before anything is parsed.
    verifyListedBytes('snapshot', listed, bytes);
    // §5.5.3, arbitrary software.
    const next = this.#readSnapshot(bytes);
    // §5.5.4, mix-and-match: the version that the timestamp names.
    if (next.version !== listed.version) {
      const details = { role: 'snapshot', expected: listed.version, actual: next.version };
      throw new TrustError('TRUST_VERSION_UNEXPECTED', details);
    }
    // §5.5.5, rollback of any role.
    if (this.#floor !== undefined) verifySnapshotForward(this.#floor, next);
    // §5.5.6, freeze.
    refuseExpired('snapshot', next, this.now);
    this.#snapshot = next;
    this.#floor = next;
  }

  /**
   * Takes the top-level targets metadata that the snapshot names.
   * @throws TrustError as `updateDelegated`
   */
  updateTargets(bytes: Uint8Array): void {
    this.updateDelegated(bytes, TOP_TARGETS.role, TOP_TARGETS.parent);
  }

  /**
   * Takes the metadata of a delegated role, for which `parent` vouches.
   * @throws TrustError TRUST_EXPIRED, TRUST_METADATA_MALFORMED, TRUST_SIGNATURES_TOO_FEW, TRUST_VERSION_UNEXPECTED,
   *   TRUST_ROLE_UNKNOWN, TRUST_DIGEST_MISMATCH, TRUST_DIGEST_UNSUPPORTED, TRUST_LENGTH_EXCEEDED,
   *   TRUST_LENGTH_MISMATCH, TRUST_ORDER_INVALID
   */
  updateDelegated(bytes: Uint8Array, role: RoleName, parent: RoleName): void {
    const listed = this.listedRole(role);
    const { keys, roleKeys } = this.#delegation(role, parent);
    // §5.6.2: length and digests of the snapshot, before anything is parsed.
    verifyListedBytes(role, listed, bytes);
    const envelope = parseSignedJson(bytes, TRUST_LIMITS.targetsSizeBytesMax);
    // §5.6.3, arbitrary software.
    verifyThreshold(envelope, { role, delegator: parent, keys, ...roleKeys });
    const next = parseTargetsJson(envelope.signed);
    // §5.6.4, rollback and mix-and-match: the version that the snapshot names.
    if (next.version !== listed.version) {
      throw new TrustError('TRUST_VERSION_UNEXPECTED', { role, expected: listed.version, actual: next.version });
    }
    // §5.6.5, freeze.
    refuseExpired(role, next, this.now);
    this.#keepRole({ role, parent }, bytes, next);
  }

  /**
   * §5.3.10, freeze: the last root of the walk must not have expired.
   * @throws TrustError TRUST_EXPIRED
   */
  verifyRootFresh(): void {
    refuseExpired('root', this.#root, this.now);
  }

  /**
   * The freshness of the timestamp in hand, when nothing newer is to be had.
   * @throws TrustError TRUST_EXPIRED, TRUST_ORDER_INVALID
   */
  verifyTimestampFresh(): void {
    this.#freshTimestamp();
  }

  /**
   * What the snapshot says about a role.
   * @throws TrustError TRUST_ROLE_UNKNOWN, TRUST_ORDER_INVALID
   */
  listedRole(role: RoleName): ListedFile & { readonly version: number } {
    if (this.#snapshot === undefined) throw new TrustError('TRUST_ORDER_INVALID', { role });
    const listed = this.#snapshot.roles.get(role);
    if (listed === undefined) throw new TrustError('TRUST_ROLE_UNKNOWN', { role, at: 'snapshot' });
    return listed;
  }

  /** The metadata of a role, when it has been loaded and this parent was seen to vouch for it. */
  loadedRole({ role, parent }: RoleNeeded): Targets | undefined {
    const loaded = this.#roles.get(role);
    return loaded?.parents.has(parent) === true ? loaded.targets : undefined;
  }

  /**
   * §5.6.7, pre-order depth-first search for a target, most trusted role first. Stops at a role that is not loaded yet:
   * passing it over would let a less trusted role answer in its place.
   * @throws TrustError TRUST_DELEGATIONS_EXCEEDED
   */
  searchTarget(path: string): TargetSearch {
    let stack: RoleNeeded[] = [TOP_TARGETS];
    const visited = new Set<RoleName>();
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      // §5.6.7.1: a role is visited once, and the number of visits is bounded.
      if (visited.has(next.role)) continue;
      if (visited.size >= TRUST_LIMITS.delegationsVisitedMax) {
        throw new TrustError('TRUST_DELEGATIONS_EXCEEDED', { path, allowed: TRUST_LIMITS.delegationsVisitedMax });
      }
      const { role } = next;
      const targets = this.loadedRole(next);
      if (targets === undefined) return { kind: 'role-needed', needed: next };
      const file = targets.targets.get(path);
      if (file !== undefined) return { kind: 'found', role, file };
      visited.add(role);
      const matching = targets.delegations === undefined ? [] : rolesForPath(targets.delegations, path);
      const end = matching.findIndex(({ terminating }) => terminating);
      // §5.6.7.2.1: a terminating delegation ends the search, for its later siblings and for those of its ancestors.
      const children = end < 0 ? matching : matching.slice(0, end + 1);
      if (end >= 0) stack = [];
      stack.push(...children.toReversed().map(({ name }) => ({ role: name, parent: role })));
    }
    return { kind: 'absent' };
  }

  /**
   * The target under this path, or undefined when no role lists it.
   * @throws TrustError TRUST_ROLE_NOT_LOADED, TRUST_DELEGATIONS_EXCEEDED, TRUST_DIGEST_UNSUPPORTED
   */
  findTarget(path: string): FoundTarget | undefined {
    const search = this.searchTarget(path);
    if (search.kind === 'role-needed') throw new TrustError('TRUST_ROLE_NOT_LOADED', { ...search.needed, path });
    return search.kind === 'found' ? foundTarget(search.role, search.file) : undefined;
  }

  /**
   * The target under this path, which must be listed.
   * @throws TrustError TRUST_TARGET_NOT_LISTED, TRUST_ROLE_NOT_LOADED, TRUST_DELEGATIONS_EXCEEDED,
   *   TRUST_DIGEST_UNSUPPORTED
   */
  requireTarget(path: string): FoundTarget {
    const target = this.findTarget(path);
    if (target === undefined) throw new TrustError('TRUST_TARGET_NOT_LISTED', { path });
    return target;
  }

  #verifyTop(envelope: SignedJson, role: TopRole): void {
    const { keys, roles } = this.#root;
    verifyThreshold(envelope, { role, delegator: 'root', keys, ...roles[role] });
  }

  #readTimestamp(bytes: Uint8Array): Timestamp {
    const envelope = parseSignedJson(bytes, TRUST_LIMITS.timestampSizeBytesMax);
    // §5.4.2, arbitrary software.
    this.#verifyTop(envelope, 'timestamp');
    return parseTimestampJson(envelope.signed);
  }

  #readSnapshot(bytes: Uint8Array): Snapshot {
    const envelope = parseSignedJson(bytes, TRUST_LIMITS.snapshotSizeBytesMax);
    this.#verifyTop(envelope, 'snapshot');
    return parseSnapshotJson(envelope.signed);
  }

  #freshTimestamp(): Timestamp {
    if (this.#timestamp === undefined) throw new TrustError('TRUST_ORDER_INVALID', { role: 'snapshot' });
    refuseExpired('timestamp', this.#timestamp, this.now);
    return this.#timestamp;
  }

  #delegation(role: RoleName, parent: RoleName): { readonly keys: KeyTable; readonly roleKeys: RoleKeys } {
    if (parent === TOP_TARGETS.parent && role === TOP_TARGETS.role) {
      return { keys: this.#root.keys, roleKeys: this.#root.roles.targets };
    }
    const delegations = this.#roles.get(parent)?.targets.delegations;
    const roleKeys = delegations && delegatedKeys(delegations, role);
    if (delegations === undefined || roleKeys === undefined) {
      throw new TrustError('TRUST_ROLE_UNKNOWN', { role, at: parent });
    }
    return { keys: delegations.keys, roleKeys };
  }

  /** Several parents may vouch for a role, but only for one and the same file. */
  #keepRole({ role, parent }: RoleNeeded, bytes: Uint8Array, targets: Targets): void {
    const loaded = this.#roles.get(role);
    if (loaded === undefined) {
      this.#roles.set(role, { bytes: bytes.slice(), targets, parents: new Set([parent]) });
      return;
    }
    if (!isEqualBytes(loaded.bytes, bytes)) throw new TrustError('TRUST_DIGEST_MISMATCH', { name: role });
    loaded.parents.add(parent);
  }
}

/**
 * Refuses bytes that are not those of the target: length, and the digest by which Pawl lists everything.
 * @throws TrustError TRUST_LENGTH_EXCEEDED, TRUST_LENGTH_MISMATCH, TRUST_DIGEST_MISMATCH
 */
export function verifyTargetBytes(target: FoundTarget, bytes: Uint8Array): void {
  verifyListedBytes(
    target.path,
    { sizeBytes: target.sizeBytes, digests: new Map([['sha256', toHex(target.sha256)]]) },
    bytes,
  );
}
