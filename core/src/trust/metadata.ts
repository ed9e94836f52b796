/**
 * The four kinds of metadata as typed values (TUF 1.0.34 §4.3-4.6), and what they have in common: type, specification
 * version, version, expiry. Parsing checks form only; a value of these types is *not* verified. `Metadata.json` keeps the
 * signed value with its unknown members, because the signatures cover those too.
 */
import type { Delegations } from './delegation.ts';
import { TrustError } from './errors.ts';
import type { FileMeta } from './file-meta.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { expectInteger, expectString, malformed } from './json-fields.ts';
import type { KeyTable, MetadataSignature, RoleKeys } from './signed-json.ts';

export const TOP_ROLES = ['root', 'timestamp', 'snapshot', 'targets'] as const;
export type TopRole = (typeof TOP_ROLES)[number];
/** A top-level role, or the name of a delegated one. */
export type RoleName = string;

export type SignedHead = {
  readonly specVersion: string;
  readonly version: number;
  readonly expiresAt: Date;
};

export type Root = SignedHead & {
  readonly type: 'root';
  readonly consistentSnapshot: boolean;
  readonly keys: KeyTable;
  readonly roles: Readonly<Record<TopRole, RoleKeys>>;
};
export type Timestamp = SignedHead & { readonly type: 'timestamp'; readonly snapshot: FileMeta };
export type Snapshot = SignedHead & {
  readonly type: 'snapshot';
  /** By role name, without `.json`. */
  readonly roles: ReadonlyMap<RoleName, FileMeta>;
};
export type TargetFile = {
  readonly path: string;
  readonly sizeBytes: number;
  /** Algorithm name -> lower-case hex. */
  readonly digests: ReadonlyMap<string, string>;
  readonly custom: JsonObject | undefined;
};
export type Targets = SignedHead & {
  readonly type: 'targets';
  readonly targets: ReadonlyMap<string, TargetFile>;
  readonly delegations: Delegations | undefined;
};
export type Signed = Root | Timestamp | Snapshot | Targets;

/** Metadata as read or as made, with the signatures that it carries; not verified. */
export type Metadata<T extends Signed = Signed> = {
  readonly signed: T;
  readonly json: JsonObject;
  readonly signatures: readonly MetadataSignature[];
};

export const SPEC_VERSION = '1.0.34';

const SPEC_VERSION_FORM = /^1\.[0-9]{1,4}(\.[0-9]{1,4})?$/;
const EXPIRES_FORM = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/;

/** A time as metadata writes it, to the second (TUF 1.0.34 §4.2.1). */
export function encodeExpiry(expiresAt: Date): string {
  return `${expiresAt.toISOString().slice(0, 19)}Z`;
}

function parseExpiry(value: JsonValue | undefined): Date {
  const text = expectString(value, 'expires');
  const date = new Date(EXPIRES_FORM.test(text) ? text : Number.NaN);
  // A day that the month does not have would roll over into the next one.
  if (Number.isNaN(date.getTime()) || encodeExpiry(date) !== text) {
    throw malformed('expires', 'a time YYYY-MM-DDTHH:MM:SSZ');
  }
  return date;
}

/** The members that all four kinds share. */
export function parseHead(json: JsonObject, type: TopRole): SignedHead {
  // TUF 1.0.34 §4.3: `_type` keeps the file of one role from being passed off as that of another.
  if (expectString(json['_type'], '_type') !== type) throw malformed('_type', type);
  const specVersion = expectString(json['spec_version'], 'spec_version');
  // TUF 1.0.34 §4.3: another major version is another format.
  if (!SPEC_VERSION_FORM.test(specVersion)) throw malformed('spec_version', 'TUF major version 1');
  return {
    specVersion,
    version: expectInteger(json['version'], 'version', 1),
    expiresAt: parseExpiry(json['expires']),
  };
}

/** TUF 1.0.34 §5.3.10, §5.4.4, §5.5.6, §5.6.5, freeze: the expiry must lie after the fixed time of this refresh. */
export function refuseExpired(role: RoleName, { expiresAt, version }: SignedHead, now: Date): void {
  if (expiresAt.getTime() > now.getTime()) return;
  throw new TrustError('TRUST_EXPIRED', { role, version, expiresAt: encodeExpiry(expiresAt) });
}
