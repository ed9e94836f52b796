/**
 * Whether a device is one of those that a filter names, decided here as a database would: conditions are true or false, and
 * what a device does not have is false, so `not` is always the other half of the devices.
 */
import type { FieldRef } from './fields.ts';
import {
  type Comparison,
  type Condition,
  type FilterTime,
  type Pattern,
  type PlainFilter,
  UNIT_SECONDS,
} from './syntax.ts';
import { versionKey } from './version-key.ts';

/** What is known of a device, under the names of the filter. */
export type FilterFacts = {
  readonly name: string;
  readonly model: string;
  readonly line: string | null;
  readonly kind: string;
  readonly tag: readonly string[];
  readonly version: string | null;
  /** State of the newest assignment. */
  readonly state: string | null;
  readonly floor: string | null;
  readonly lastSeenMs: number | null;
  readonly enrolledMs: number | null;
  /** As the device reports them. */
  readonly reported: Readonly<Record<string, string>>;
  /** As operators set them. */
  readonly operator: Readonly<Record<string, string>>;
};

/** Whether a value is what a pattern asks for. */
export function isMatch({ text, isOpenStart, isOpenEnd }: Pattern, value: string): boolean {
  if (isOpenStart && isOpenEnd) return value.includes(text);
  if (isOpenStart) return value.endsWith(text);
  if (isOpenEnd) return value.startsWith(text);
  return value === text;
}

/** The instant that a time of a filter means. */
export function timeMs(time: FilterTime, nowMs: number): number {
  return time.kind === 'at' ? time.ms : nowMs - time.amount * UNIT_SECONDS[time.unit] * 1000;
}

function ownOf(record: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function valuesOf(of: FieldRef, facts: FilterFacts): readonly string[] {
  const value = (text: string | null | undefined): readonly string[] =>
    text === null || text === undefined ? [] : [text];
  switch (of.field) {
    case 'tag':
      return facts.tag;
    case 'operator':
      return value(ownOf(facts.operator, of.key));
    case 'attribute':
      return value(ownOf(facts.operator, of.key) ?? ownOf(facts.reported, of.key));
    case 'lastSeen':
      return facts.lastSeenMs === null ? [] : [String(facts.lastSeenMs)];
    case 'enrolled':
      return facts.enrolledMs === null ? [] : [String(facts.enrolledMs)];
    case 'name':
    case 'model':
    case 'line':
    case 'kind':
    case 'version':
    case 'state':
    case 'floor':
      return value(facts[of.field]);
  }
}

function isOrdered<T extends string | number | bigint>(
  left: T | null | undefined,
  comparison: Comparison | ':',
  right: T,
): boolean {
  if (left === null || left === undefined) return false;
  switch (comparison) {
    case ':':
      return left === right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
  }
}

function isCondition(condition: Condition, facts: FilterFacts, nowMs: number): boolean {
  switch (condition.kind) {
    case 'has':
      return valuesOf(condition.of, facts).length > 0;
    case 'match':
      return valuesOf(condition.of, facts).some((value) => isMatch(condition.pattern, value));
    case 'version':
      // The order of keys is that of their bytes; they are ASCII, so JavaScript's is the same.
      return isOrdered(versionKey(facts.version ?? ''), condition.comparison, versionKey(condition.version) ?? '');
    case 'number':
      return isOrdered(
        facts.floor === null ? null : BigInt(facts.floor),
        condition.comparison,
        BigInt(condition.value),
      );
    case 'time': {
      const value = condition.field === 'lastSeen' ? facts.lastSeenMs : facts.enrolledMs;
      return isOrdered(value, condition.comparison, timeMs(condition.time, nowMs));
    }
  }
}

/** Whether the filter names a device of which this is known, at this time. */
export function matchesFilter(filter: PlainFilter, facts: FilterFacts, nowMs: number): boolean {
  switch (filter.kind) {
    case 'and':
      return filter.all.every((part) => matchesFilter(part, facts, nowMs));
    case 'or':
      return filter.all.some((part) => matchesFilter(part, facts, nowMs));
    case 'not':
      return !matchesFilter(filter.filter, facts, nowMs);
    case 'has':
    case 'match':
    case 'version':
    case 'number':
    case 'time':
      return isCondition(filter, facts, nowMs);
  }
}
