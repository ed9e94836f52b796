/**
 * Puts the filters of groups where their names stand. What comes out is bounded as a whole: groups that name others many
 * times would grow without end otherwise, and a database has to answer it.
 */
import { FilterError } from './errors.ts';
import type { Condition, Filter, PlainFilter } from './syntax.ts';

const LEVELS_MAX = 8;
const COST_MAX = 256;
/** Conditions that look into another table or into a document cost more than those on a column. */
const COST_INSIDE = 4;
const INSIDE: ReadonlySet<string> = new Set(['tag', 'state', 'attribute', 'operator']);

function costOf(condition: Condition): number {
  return 'of' in condition && INSIDE.has(condition.of.field) ? COST_INSIDE : 1;
}

/** The names of the groups that a filter names itself. */
export function groupNames(filter: Filter): Set<string> {
  switch (filter.kind) {
    case 'group':
      return new Set([filter.name]);
    case 'and':
    case 'or':
      return new Set(filter.all.flatMap((part) => [...groupNames(part)]));
    case 'not':
      return groupNames(filter.filter);
    case 'has':
    case 'match':
    case 'version':
    case 'number':
    case 'time':
      return new Set();
  }
}

class Expansion {
  readonly #groups: ReadonlyMap<string, Filter>;
  #cost = 0;

  constructor(groups: ReadonlyMap<string, Filter>) {
    this.#groups = groups;
  }

  expand(filter: Filter, path: readonly string[]): PlainFilter {
    switch (filter.kind) {
      case 'and':
      case 'or':
        return { kind: filter.kind, all: filter.all.map((part) => this.expand(part, path)) };
      case 'not':
        return { kind: 'not', filter: this.expand(filter.filter, path) };
      case 'group':
        return this.#expandGroup(filter.name, path);
      case 'has':
      case 'match':
      case 'version':
      case 'number':
      case 'time':
        this.#pay(costOf(filter));
        return filter;
    }
  }

  #pay(cost: number): void {
    this.#cost += cost;
    if (this.#cost > COST_MAX) throw new FilterError('FILTER_TOO_LARGE', { expected: `a cost of at most ${COST_MAX}` });
  }

  #expandGroup(name: string, path: readonly string[]): PlainFilter {
    // A group may be empty, and name others: each costs, or names of names would be expanded without end.
    this.#pay(1);
    if (path.includes(name)) throw new FilterError('FILTER_GROUP_CYCLE', { actual: [...path, name].join(' > ') });
    if (path.length >= LEVELS_MAX) {
      throw new FilterError('FILTER_TOO_LARGE', { expected: `at most ${LEVELS_MAX} groups inside each other` });
    }
    const filter = this.#groups.get(name);
    if (filter === undefined) throw new FilterError('FILTER_GROUP_UNKNOWN', { actual: name });
    return this.expand(filter, [...path, name]);
  }
}

/**
 * A filter without groups. `inside` names the group that the filter is about to become.
 * @throws FilterError FILTER_GROUP_UNKNOWN, FILTER_GROUP_CYCLE, FILTER_TOO_LARGE
 */
export function expandGroups(filter: Filter, groups: ReadonlyMap<string, Filter>, inside?: string): PlainFilter {
  return new Expansion(groups).expand(filter, inside === undefined ? [] : [inside]);
}
