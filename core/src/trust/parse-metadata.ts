/**
 * From the JSON of each kind of metadata to its typed value (TUF 1.0.34 §4.3 root, §4.4 snapshot, §4.5 targets, §4.6
 * timestamp). `parse<Kind>` reads a file without verifying it: for the operator's tools, which are about to change and
 * sign it. Clients go through `TrustedMetadata`.
 */
import { parseDelegations, parseKeyTable } from './delegation.ts';
import { parseDigests, parseFileMeta } from './file-meta.ts';
import type { JsonObject, JsonValue } from './json.ts';
import { expectBoolean, expectInteger, expectObject, malformed } from './json-fields.ts';
import { TRUST_LIMITS } from './limits.ts';
import {
  type Metadata,
  parseHead,
  type Root,
  type Signed,
  type Snapshot,
  type TargetFile,
  type Targets,
  type Timestamp,
  TOP_ROLES,
} from './metadata.ts';
import { parseRoleKeys, parseSignedJson } from './signed-json.ts';

const META_SUFFIX = '.json';
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const PATH_CHARS_BARRED = /[\\\u0000-\u001f\u007f]/;

/** A relative path of plain components: nothing that could leave a folder, whoever uses it. */
function isTargetPath(path: string): boolean {
  return (
    path.length <= TRUST_LIMITS.targetPathCharsMax &&
    !PATH_CHARS_BARRED.test(path) &&
    path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

export function parseRootJson(json: JsonObject): Root {
  const head = parseHead(json, 'root');
  const roles = expectObject(json['roles'], 'roles');
  // TUF 1.0.34 §4.3: the four top-level roles, all of them and no other.
  if (Object.keys(roles).length !== TOP_ROLES.length) throw malformed('roles', 'root, timestamp, snapshot, targets');
  return {
    type: 'root',
    ...head,
    consistentSnapshot: expectBoolean(json['consistent_snapshot'], 'consistent_snapshot'),
    keys: parseKeyTable(json['keys'], 'keys'),
    roles: {
      root: parseRoleKeys(roles['root'], 'roles.root'),
      timestamp: parseRoleKeys(roles['timestamp'], 'roles.timestamp'),
      snapshot: parseRoleKeys(roles['snapshot'], 'roles.snapshot'),
      targets: parseRoleKeys(roles['targets'], 'roles.targets'),
    },
  };
}

export function parseTimestampJson(json: JsonObject): Timestamp {
  const head = parseHead(json, 'timestamp');
  const meta = expectObject(json['meta'], 'meta');
  return { type: 'timestamp', ...head, snapshot: parseFileMeta(meta['snapshot.json'], 'meta.snapshot.json') };
}

export function parseSnapshotJson(json: JsonObject): Snapshot {
  const head = parseHead(json, 'snapshot');
  const meta = expectObject(json['meta'], 'meta');
  const roles = Object.entries(meta).map(([name, value]) => {
    if (!name.endsWith(META_SUFFIX)) throw malformed('meta', 'names that end in .json');
    return [name.slice(0, -META_SUFFIX.length), parseFileMeta(value, `meta.${name}`)] as const;
  });
  const byRole = new Map(roles);
  if (!byRole.has('targets')) throw malformed('meta', 'targets.json');
  return { type: 'snapshot', ...head, roles: byRole };
}

function parseTargetFile(path: string, value: JsonValue): TargetFile {
  const at = `targets.${path}`;
  if (!isTargetPath(path)) throw malformed(at, 'a relative path without . and .. components');
  const json = expectObject(value, at);
  return {
    path,
    sizeBytes: expectInteger(json['length'], `${at}.length`, 0),
    digests: parseDigests(json['hashes'], `${at}.hashes`),
    custom: json['custom'] === undefined ? undefined : expectObject(json['custom'], `${at}.custom`),
  };
}

export function parseTargetsJson(json: JsonObject): Targets {
  const head = parseHead(json, 'targets');
  const targets = Object.entries(expectObject(json['targets'], 'targets'));
  return {
    type: 'targets',
    ...head,
    targets: new Map(targets.map(([path, value]) => [path, parseTargetFile(path, value)])),
    delegations: parseDelegations(json['delegations']),
  };
}

function reader<T extends Signed>(
  parseSigned: (json: JsonObject) => T,
  sizeBytesMax: number,
): (bytes: Uint8Array) => Metadata<T> {
  return (bytes) => {
    const { signed: json, signatures } = parseSignedJson(bytes, sizeBytesMax);
    return { signed: parseSigned(json), json, signatures };
  };
}

/**
 * Reads root metadata without verifying it.
 * @throws TrustError TRUST_METADATA_MALFORMED, TRUST_LENGTH_EXCEEDED
 */
export const parseRoot: (bytes: Uint8Array) => Metadata<Root> = reader(parseRootJson, TRUST_LIMITS.rootSizeBytesMax);
/**
 * Reads timestamp metadata without verifying it.
 * @throws TrustError TRUST_METADATA_MALFORMED, TRUST_LENGTH_EXCEEDED
 */
export const parseTimestamp: (bytes: Uint8Array) => Metadata<Timestamp> = reader(
  parseTimestampJson,
  TRUST_LIMITS.timestampSizeBytesMax,
);
/**
 * Reads snapshot metadata without verifying it.
 * @throws TrustError TRUST_METADATA_MALFORMED, TRUST_LENGTH_EXCEEDED
 */
export const parseSnapshot: (bytes: Uint8Array) => Metadata<Snapshot> = reader(
  parseSnapshotJson,
  TRUST_LIMITS.snapshotSizeBytesMax,
);
/**
 * Reads metadata of the targets role or of a delegated one without verifying it.
 * @throws TrustError TRUST_METADATA_MALFORMED, TRUST_LENGTH_EXCEEDED
 */
export const parseTargets: (bytes: Uint8Array) => Metadata<Targets> = reader(
  parseTargetsJson,
  TRUST_LIMITS.targetsSizeBytesMax,
);
