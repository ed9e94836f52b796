/**
 * What a manifest waits for, and what versions it compares (draft-ietf-suit-update-management-14): decoded strictly, so that
 * a platform is never asked for something that it cannot know it understood.
 */
import {
  type CborValue,
  decodeCbor,
  encodeCbor,
  expectArray,
  expectBytes,
  expectInt,
  expectMap,
  expectUint,
} from '../cbor/index.ts';
import { LIMITS } from './constants.ts';
import { SuitError } from './errors.ts';
import { labelOf } from './label.ts';

const COMPARISONS = ['greater', 'greater-or-equal', 'equal', 'lesser-or-equal', 'lesser'] as const;
export type VersionComparison = (typeof COMPARISONS)[number];

/** One comparison; see version.ts for the integers. */
export type VersionMatch = { readonly comparison: VersionComparison; readonly version: readonly number[] };

const HOLDS: Readonly<Record<VersionComparison, (order: number) => boolean>> = {
  greater: (order) => order > 0,
  'greater-or-equal': (order) => order >= 0,
  equal: (order) => order === 0,
  'lesser-or-equal': (order) => order <= 0,
  lesser: (order) => order < 0,
};

/** "Equal [1]" holds for every 1.x: only the integers that the manifest gives are compared; a missing one counts as 0. */
export function holdsVersion(match: VersionMatch, actual: readonly number[]): boolean {
  const different = match.version.findIndex((part, index) => (actual[index] ?? 0) !== part);
  const order = different === -1 ? 0 : (actual[different] ?? 0) - (match.version[different] ?? 0);
  return HOLDS[match.comparison](order);
}

function versionMatchFromCbor(value: CborValue, at: string): VersionMatch {
  const [type, parts] = expectArray(value, at, 2);
  const comparison = COMPARISONS[expectInt(type, at) - 1];
  const version = expectArray(parts, at).map((part) => expectInt(part, at));
  if (comparison === undefined || version.length === 0 || version.length > LIMITS.versionPartsMax) {
    throw new SuitError('SUIT_MANIFEST_MALFORMED', { at, expected: 'a comparison 1 to 5 and a version' });
  }
  return { comparison, version };
}

function versionMatchToCbor({ comparison, version }: VersionMatch): CborValue {
  return [COMPARISONS.indexOf(comparison) + 1, [...version]];
}

export function decodeVersionMatch(bytes: Uint8Array, at: string): VersionMatch {
  return versionMatchFromCbor(decodeCbor(bytes), at);
}

export function encodeVersionMatch(match: VersionMatch): Uint8Array {
  return encodeCbor(versionMatchToCbor(match));
}

type WaitValues = {
  readonly authorization: number;
  readonly power: number;
  readonly network: number;
  readonly otherDevice: { readonly id: Uint8Array; readonly versions: readonly VersionMatch[] };
  readonly timeUnixS: bigint;
  readonly timeOfDayS: number;
  readonly dayOfWeek: number;
  readonly timeOfDayUtcS: number;
  readonly dayOfWeekUtc: number;
};
type WaitName = keyof WaitValues;

/** What must all have happened before the manifest goes on. Times in seconds, days of the week from Sunday, 0. */
export type WaitInfo = Partial<WaitValues>;

const SECONDS_PER_DAY = 86_400;
const DAYS_PER_WEEK = 7;

type Row<T> = { readonly key: number; readonly read: (value: CborValue) => T; readonly write: (value: T) => CborValue };
const AT = 'wait-info';

const int = (key: number): Row<number> => ({ key, read: (value) => expectInt(value, AT), write: (value) => value });

const below = (key: number, limit: number): Row<number> => ({
  key,
  read: (value) => {
    const number = Number(expectUint(value, AT));
    if (number >= limit) throw new SuitError('SUIT_MANIFEST_MALFORMED', { at: AT, key, limit, actual: number });
    return number;
  },
  write: (value) => value,
});

const otherDevice: Row<WaitValues['otherDevice']> = {
  key: 4,
  read: (value) => {
    const [id, matches] = expectArray(value, AT, 2);
    const versions = expectArray(matches, AT).map((match) => versionMatchFromCbor(match, AT));
    if (versions.length === 0 || versions.length > LIMITS.otherVersionsMax) {
      throw new SuitError('SUIT_MANIFEST_MALFORMED', { at: AT, expected: 'versions of the other device' });
    }
    return { id: expectBytes(id, AT), versions };
  },
  write: ({ id, versions }) => [id, versions.map(versionMatchToCbor)],
};

const ROWS: { readonly [Name in WaitName]: Row<WaitValues[Name]> } = {
  authorization: int(1),
  power: int(2),
  network: int(3),
  otherDevice,
  timeUnixS: { key: 5, read: (value) => expectUint(value, AT), write: (value) => value },
  timeOfDayS: below(6, SECONDS_PER_DAY),
  dayOfWeek: below(7, DAYS_PER_WEEK),
  timeOfDayUtcS: below(8, SECONDS_PER_DAY),
  dayOfWeekUtc: below(9, DAYS_PER_WEEK),
};
const NAMES = Object.keys(ROWS) as WaitName[];

type Draft = { -readonly [Name in WaitName]?: WaitValues[Name] };

function readInto<Name extends WaitName>(target: Draft, name: Name, value: CborValue): void {
  target[name] = ROWS[name].read(value);
}

function writeInto<Name extends WaitName>(target: Map<CborValue, CborValue>, from: WaitInfo, name: Name): void {
  const value: WaitValues[Name] | undefined = from[name];
  if (value !== undefined) target.set(ROWS[name].key, ROWS[name].write(value));
}

/** @throws SuitError SUIT_MANIFEST_MALFORMED, SUIT_PARAMETER_UNSUPPORTED (an event that is not known) */
export function decodeWaitInfo(bytes: Uint8Array): WaitInfo {
  const info: Draft = {};
  const map = expectMap(decodeCbor(bytes), AT);
  if (map.size === 0) throw new SuitError('SUIT_MANIFEST_MALFORMED', { at: AT, expected: 'an event' });
  for (const [key, value] of map) {
    const name = NAMES.find((each) => ROWS[each].key === key);
    if (name === undefined) throw new SuitError('SUIT_PARAMETER_UNSUPPORTED', { at: AT, parameter: labelOf(key) });
    readInto(info, name, value);
  }
  return info;
}

export function encodeWaitInfo(info: WaitInfo): Uint8Array {
  const map = new Map<CborValue, CborValue>();
  for (const name of NAMES) writeInto(map, info, name);
  return encodeCbor(map);
}
