/**
 * Who asks for something through the management API, and what that allows. A token may do what it was given and, when it is
 * a person's, no more than the person may at the moment: whoever loses a role loses it everywhere at once.
 */
import { isRole, type Permission, permissionsOf } from '@pawl/contract/management';

export type Actor = {
  /** 0 for an open operation. */
  readonly tenantId: number;
  /** Stable name for records: `token/<id>` or `person/<id>`. */
  readonly id: string;
  /** For people to read; not unique. */
  readonly label: string;
  /** The person who asks, by token or session; undefined for a machine. */
  readonly personId: number | undefined;
  /** The person who answers for what is made: who asks, or who made the token of the machine that does. */
  readonly makerPersonId: number | undefined;
  /** With what: `token/<id>`, or the session. */
  readonly credential: string;
  readonly permissions: ReadonlySet<Permission>;
  /** Undefined: every product line. */
  readonly lines: ReadonlySet<string> | undefined;
  /** When the credential ends, if what it makes has to end with it. */
  readonly endsMs: number | undefined;
};

export const NOBODY: Actor = {
  tenantId: 0,
  id: 'nobody',
  label: 'nobody',
  personId: undefined,
  makerPersonId: undefined,
  credential: 'none',
  permissions: new Set(),
  lines: undefined,
  endsMs: undefined,
};

/** What the roles of a person allow together. A role that this version does not know allows nothing. */
export function permissionsOfRoles(roles: readonly string[]): Set<Permission> {
  return new Set(roles.filter(isRole).flatMap(permissionsOf));
}

/** What a credential may do: what it was given, as far as its owner still may. */
export function boundedBy(
  given: Iterable<Permission>,
  owner: ReadonlySet<Permission> | undefined,
): ReadonlySet<Permission> {
  return new Set([...given].filter((permission) => owner === undefined || owner.has(permission)));
}

/** Whether somebody who holds `all` holds each of `some`. */
export function holdsAll<T>(all: ReadonlySet<T>, some: Iterable<T>): boolean {
  return [...some].every((one) => all.has(one));
}

export type Scope = {
  readonly permissions: ReadonlySet<Permission>;
  readonly lines: ReadonlySet<string> | undefined;
  readonly endsMs: number;
};

/** What of a scope is more than its maker holds: the first thing, by name; undefined when nothing is. */
export function findExcess(
  wanted: Scope,
  maker: Pick<Actor, 'permissions' | 'lines' | 'endsMs'>,
): 'permissions' | 'lines' | 'validForS' | undefined {
  if (!holdsAll(maker.permissions, wanted.permissions)) return 'permissions';
  if (maker.lines !== undefined && (wanted.lines === undefined || !holdsAll(maker.lines, wanted.lines))) return 'lines';
  if (maker.endsMs !== undefined && wanted.endsMs > maker.endsMs) return 'validForS';
  return undefined;
}
