/**
 * Delegations of the targets role (TUF 1.0.34 §4.5): which role may speak for which target paths, in order of trust. A
 * path pattern matches component by component; `*` and `?` never cross a slash. The reference clients disagree about
 * brackets, braces and negation in patterns, so metadata with those is refused rather than read in one of the ways.
 */
import { toHex, utf8 } from '../bytes/index.ts';
import { sha256 } from '../crypto/index.ts';
import type { JsonObject, JsonValue } from './json.ts';
import {
  expectArray,
  expectBoolean,
  expectDistinctStrings,
  expectObject,
  expectString,
  malformed,
} from './json-fields.ts';
import { TRUST_LIMITS } from './limits.ts';
import { type KeyTable, parseRoleKeys, type RoleKeys } from './signed-json.ts';
import { binOfPath, isBin, parseSuccinctRoles, type SuccinctRoles } from './succinct-roles.ts';
import { parseTufKey } from './tuf-key.ts';

export type DelegatedRole = RoleKeys & {
  readonly name: string;
  readonly terminating: boolean;
  readonly paths: readonly string[] | undefined;
  readonly pathHashPrefixes: readonly string[] | undefined;
};
export type Delegations = {
  readonly keys: KeyTable;
  readonly roles: readonly DelegatedRole[];
  /** TAP 15, in place of `roles`. */
  readonly succinct: SuccinctRoles | undefined;
};

const RESERVED_NAMES: ReadonlySet<string> = new Set(['root', 'timestamp', 'snapshot', 'targets', '']);
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const PATTERN_BARRED = /[[\]{}\\\u0000-\u001f\u007f]|^!/;
const HASH_PREFIX_FORM = /^[0-9a-f]{1,64}$/;

export function parseKeyTable(value: JsonValue | undefined, at: string): KeyTable {
  const entries = Object.entries(expectObject(value, at));
  return new Map(entries.map(([keyId, key]) => [keyId, parseTufKey(keyId, key, `${at}.${keyId}`)]));
}

function isPathPattern(pattern: string): boolean {
  return pattern.length > 0 && pattern.length <= TRUST_LIMITS.targetPathCharsMax && !PATTERN_BARRED.test(pattern);
}

/**
 * What a producer keeps to beyond that, because the reference clients differ: no pattern begins a component with a dot.
 * @throws TrustError TRUST_METADATA_MALFORMED
 */
export function verifyPatternPortable(pattern: string): void {
  if (!isPathPattern(pattern) || pattern.split('/').some((part) => part === '' || part.startsWith('.'))) {
    throw malformed('paths', 'patterns of text, * and ?');
  }
}

function parsePatterns(json: JsonObject, at: string): Pick<DelegatedRole, 'paths' | 'pathHashPrefixes'> {
  // TUF 1.0.34 §4.5: exactly one of the two.
  if ((json['paths'] === undefined) === (json['path_hash_prefixes'] === undefined)) {
    throw malformed(at, 'either paths or path_hash_prefixes');
  }
  if (json['paths'] !== undefined) {
    const paths = expectDistinctStrings(json['paths'], `${at}.paths`);
    if (!paths.every(isPathPattern)) throw malformed(`${at}.paths`, 'patterns of text, * and ?');
    return { paths, pathHashPrefixes: undefined };
  }
  const pathHashPrefixes = expectDistinctStrings(json['path_hash_prefixes'], `${at}.path_hash_prefixes`);
  if (!pathHashPrefixes.every((prefix) => HASH_PREFIX_FORM.test(prefix))) {
    throw malformed(`${at}.path_hash_prefixes`, 'lower-case hexadecimal');
  }
  return { paths: undefined, pathHashPrefixes };
}

function parseDelegatedRole(value: JsonValue, at: string): DelegatedRole {
  const json = expectObject(value, at);
  const name = expectString(json['name'], `${at}.name`);
  // TUF 1.0.34 §4.5: a delegated role must not take the name of a top-level one.
  if (RESERVED_NAMES.has(name)) throw malformed(`${at}.name`, 'a name that is not that of a top-level role');
  return {
    name,
    terminating: expectBoolean(json['terminating'], `${at}.terminating`),
    ...parseRoleKeys(json, at),
    ...parsePatterns(json, at),
  };
}

export function parseDelegations(value: JsonValue | undefined): Delegations | undefined {
  if (value === undefined) return undefined;
  const json = expectObject(value, 'delegations');
  const keys = parseKeyTable(json['keys'], 'delegations.keys');
  const bins = json['succinct_roles'];
  if (bins !== undefined) {
    // TAP 15: either a list of roles or succinct ones; with both, clients could differ about whom to ask.
    if (json['roles'] !== undefined) throw malformed('delegations', 'either roles or succinct_roles');
    return { keys, roles: [], succinct: parseSuccinctRoles(bins, 'delegations.succinct_roles') };
  }
  const roles = expectArray(json['roles'], 'delegations.roles').map((role, index) =>
    parseDelegatedRole(role, `delegations.roles[${index}]`),
  );
  if (new Set(roles.map(({ name }) => name)).size !== roles.length) {
    throw malformed('delegations.roles', 'each role name once');
  }
  return { keys, roles, succinct: undefined };
}

/** Wildcard match of one path component, in time linear in pattern × text. */
function isComponentMatch(text: string, pattern: string): boolean {
  let textAt = 0;
  let patternAt = 0;
  let starAt = -1;
  let resumeAt = 0;
  while (textAt < text.length) {
    const char = pattern[patternAt];
    if (char === '*') {
      starAt = patternAt;
      resumeAt = textAt;
      patternAt += 1;
    } else if (char !== undefined && (char === '?' || char === text[textAt])) {
      textAt += 1;
      patternAt += 1;
    } else if (starAt >= 0) {
      // Let the last star take one character more, and try again from there.
      resumeAt += 1;
      textAt = resumeAt;
      patternAt = starAt + 1;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(patternAt));
}

function isPathMatch(path: string, pattern: string): boolean {
  const components = path.split('/');
  const patterns = pattern.split('/');
  return (
    components.length === patterns.length &&
    patterns.every((part, index) => isComponentMatch(components[index] ?? '', part))
  );
}

/** True when this role was given the right to speak for this path. */
export function isDelegatedPath({ paths, pathHashPrefixes }: DelegatedRole, path: string): boolean {
  if (paths !== undefined) return paths.some((pattern) => isPathMatch(path, pattern));
  const hash = toHex(sha256(utf8(path)));
  return pathHashPrefixes?.some((prefix) => hash.startsWith(prefix)) === true;
}

/** The keys of a role that stands among these delegations, by name. */
export function delegatedKeys({ roles, succinct }: Delegations, role: string): RoleKeys | undefined {
  if (succinct !== undefined) return isBin(succinct, role) ? succinct : undefined;
  return roles.find(({ name }) => name === role);
}

/** Who may speak for a path, most trusted first. */
export function rolesForPath(
  { roles, succinct }: Delegations,
  path: string,
): readonly Pick<DelegatedRole, 'name' | 'terminating'>[] {
  if (succinct !== undefined) return [{ name: binOfPath(succinct, path), terminating: true }];
  return roles.filter((role) => isDelegatedPath(role, path));
}
