/**
 * Makes snapshot and timestamp metadata (TUF 1.0.34 §4.4, §4.6), the two roles whose keys the server holds. They list
 * what others signed, with version, length and digest of the very bytes that are published.
 */
import { toHex } from '../bytes/index.ts';
import { sha256 } from '../crypto/index.ts';
import { TrustError } from './errors.ts';
import type { JsonObject } from './json.ts';
import { expectObject } from './json-fields.ts';
import { encodeExpiry, type Metadata, type RoleName, type Snapshot, SPEC_VERSION, type Timestamp } from './metadata.ts';
import { parseSnapshot, parseSnapshotJson, parseTargets, parseTimestampJson } from './parse-metadata.ts';

function fileMetaJson(version: number, bytes: Uint8Array): JsonObject {
  return { hashes: { sha256: toHex(sha256(bytes)) }, length: bytes.length, version };
}

function rolesJson(roles: ReadonlyMap<RoleName, Uint8Array>): JsonObject {
  return Object.fromEntries(
    [...roles].map(([role, bytes]) => [`${role}.json`, fileMetaJson(parseTargets(bytes).signed.version, bytes)]),
  );
}

function finishSnapshot(json: JsonObject): Metadata<Snapshot> {
  return { signed: parseSnapshotJson(json), json, signatures: [] };
}

export type NewSnapshot = {
  readonly expiresAt: Date;
  /** The signed files of `targets` and of every delegated role. */
  readonly roles: ReadonlyMap<RoleName, Uint8Array>;
};

/**
 * The first snapshot of a repository, version 1, unsigned.
 * @throws TrustError TRUST_METADATA_MALFORMED
 */
export function newSnapshot({ expiresAt, roles }: NewSnapshot): Metadata<Snapshot> {
  return finishSnapshot({
    _type: 'snapshot',
    expires: encodeExpiry(expiresAt),
    meta: rolesJson(roles),
    spec_version: SPEC_VERSION,
    version: 1,
  });
}

/**
 * The next snapshot, unsigned: `roles` holds only the files that changed, the others stay listed as they were.
 * @throws TrustError TRUST_VERSION_ROLLBACK, TRUST_METADATA_MALFORMED
 */
export function nextSnapshot(snapshot: Metadata<Snapshot>, { expiresAt, roles }: NewSnapshot): Metadata<Snapshot> {
  const next = finishSnapshot({
    ...snapshot.json,
    expires: encodeExpiry(expiresAt),
    meta: { ...expectObject(snapshot.json['meta'], 'meta'), ...rolesJson(roles) },
    spec_version: SPEC_VERSION,
    version: snapshot.signed.version + 1,
  });
  verifySnapshotForward(snapshot.signed, next.signed);
  return next;
}

/**
 * TUF 1.0.34 §5.5.5, rollback: every role that the accepted snapshot lists stays listed, and none goes back.
 * @throws TrustError TRUST_ROLE_MISSING, TRUST_VERSION_ROLLBACK
 */
export function verifySnapshotForward(accepted: Snapshot, next: Snapshot): void {
  for (const [role, { version }] of accepted.roles) {
    const meta = next.roles.get(role);
    if (meta === undefined) throw new TrustError('TRUST_ROLE_MISSING', { role });
    if (meta.version >= version) continue;
    throw new TrustError('TRUST_VERSION_ROLLBACK', { role, accepted: version, actual: meta.version });
  }
}

export type NewTimestamp = {
  readonly version: number;
  readonly expiresAt: Date;
  /** The signed snapshot file. */
  readonly snapshot: Uint8Array;
};

/**
 * A timestamp for this snapshot, unsigned.
 * @throws TrustError TRUST_METADATA_MALFORMED
 */
export function newTimestamp({ version, expiresAt, snapshot }: NewTimestamp): Metadata<Timestamp> {
  const json = {
    _type: 'timestamp',
    expires: encodeExpiry(expiresAt),
    meta: { 'snapshot.json': fileMetaJson(parseSnapshot(snapshot).signed.version, snapshot) },
    spec_version: SPEC_VERSION,
    version,
  };
  return { signed: parseTimestampJson(json), json, signatures: [] };
}
