/**
 * A device filter as a condition on the table `device`, values as parameters only. It answers as `matchesFilter` of the
 * contract does: SQL's third truth value counts as false at the top, and `not` is `is not true`.
 *
 * `deviceCondition` is the way in for everybody: SELECT, UPDATE and INSERT … SELECT over `device` under its own name. The
 * caller adds the tenant and leaves out who is decommissioned.
 */
import {
  type Condition,
  expandGroups,
  type FieldRef,
  type Filter,
  groupNames,
  type Pattern,
  type PlainFilter,
  parseFilter,
  timeMs,
  versionKey,
} from '@pawl/contract/filter';
import { type Expression, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Db } from './database.ts';
import { type FilterDialect, filterDialectOf } from './filter-dialect.ts';

type Sql = RawBuilder<SqlBool>;

/** The state of the newest assignment. */
const LAST_STATE = sql`(select state from assignment where assignment.device_id = device.id order by assignment.id desc limit 1)`;
const LAST_SEEN = sql`(select last_seen_ms from device_seen where device_seen.device_id = device.id)`;
const TRUE: Sql = sql`1 = 1`;
const FALSE: Sql = sql`1 = 0`;

class ConditionWriter {
  readonly #dialect: FilterDialect;
  readonly #nowMs: number;

  constructor(dialect: FilterDialect, nowMs: number) {
    this.#dialect = dialect;
    this.#nowMs = nowMs;
  }

  write(filter: PlainFilter): Sql {
    switch (filter.kind) {
      case 'and':
        return filter.all.length === 0 ? TRUE : this.#join(filter.all, sql` and `);
      case 'or':
        return filter.all.length === 0 ? FALSE : this.#join(filter.all, sql` or `);
      case 'not':
        return sql`((${this.write(filter.filter)}) is not true)`;
      case 'has':
      case 'match':
      case 'version':
      case 'number':
      case 'time':
        return this.#condition(filter);
    }
  }

  #join(parts: readonly PlainFilter[], separator: RawBuilder<unknown>): Sql {
    return sql`(${sql.join(
      parts.map((part) => this.write(part)),
      separator,
    )})`;
  }

  #condition(condition: Condition): Sql {
    switch (condition.kind) {
      case 'has':
        return condition.of.field === 'tag' ? sql`device.tags <> '[]'` : sql`${this.#value(condition.of)} is not null`;
      case 'match':
        return this.#match(condition.of, condition.pattern);
      case 'version':
        // An empty key is that of a version without order.
        return sql`(device.version_key ${sql.raw(condition.comparison)} ${versionKey(condition.version) ?? ''}
          and device.version_key <> '')`;
      case 'number':
        return this.#number(condition.comparison, condition.value);
      case 'time': {
        const column = condition.field === 'lastSeen' ? LAST_SEEN : sql.ref('device.enrolled_ms');
        return sql`${column} ${sql.raw(condition.comparison)} ${timeMs(condition.time, this.#nowMs)}`;
      }
    }
  }

  /** Decimal text without leading zeros: the longer is the greater, among equals the order of the digits counts. */
  #number(comparison: '<' | '<=' | '>' | '>=' | ':', value: string): Sql {
    if (comparison === ':') return sql`device.floor = ${value}`;
    const isLess = comparison.startsWith('<');
    const strictly = sql.raw(isLess ? '<' : '>');
    return sql`(length(device.floor) ${strictly} ${value.length}
      or (length(device.floor) = ${value.length} and device.floor ${sql.raw(comparison)} ${value}))`;
  }

  #match(of: FieldRef, pattern: Pattern): Sql {
    if (of.field !== 'tag') return this.#pattern(this.#value(of), pattern);
    const elements = this.#dialect.jsonElements(sql.ref('device.tags'));
    return sql`exists (select 1 from ${elements} where ${this.#pattern(sql.ref('element.value'), pattern)})`;
  }

  #pattern(text: Expression<unknown>, pattern: Pattern): Sql {
    const { text: part, isOpenStart, isOpenEnd } = pattern;
    if (!isOpenStart && !isOpenEnd) return sql`${text} = ${part}`;
    if (part === '') return sql`${text} is not null`;
    if (isOpenStart && isOpenEnd) return this.#dialect.contains(text, part);
    if (isOpenStart) return this.#dialect.endsWith(text, part);
    // A range, so that an index on the column finds its start. The grammar lets only ASCII stand beside a star.
    const last = part.length - 1;
    const behind = `${part.slice(0, last)}${String.fromCharCode(part.charCodeAt(last) + 1)}`;
    return sql`(${text} >= ${part} and ${text} < ${behind})`;
  }

  #value(of: FieldRef): Expression<unknown> {
    switch (of.field) {
      case 'name':
        return sql.ref('device.controller_id');
      case 'version':
        return sql.ref('device.installed_version');
      case 'lastSeen':
        return LAST_SEEN;
      case 'enrolled':
        return sql.ref('device.enrolled_ms');
      case 'tag':
        return sql.ref('device.tags');
      case 'state':
        return LAST_STATE;
      case 'operator':
        return this.#dialect.jsonText(sql.ref('device.operator_attributes'), of.key);
      case 'attribute': {
        const { jsonText } = this.#dialect;
        const reported = jsonText(sql.ref('device.attributes'), of.key);
        return sql`coalesce(${jsonText(sql.ref('device.operator_attributes'), of.key)}, ${reported})`;
      }
      case 'model':
      case 'line':
      case 'kind':
      case 'floor':
        return sql.ref(`device.${of.field}`);
    }
  }
}

/** The filters of every group that a filter names, directly or through others. */
async function loadGroups(db: Db, tenantId: number, filter: Filter): Promise<Map<string, Filter>> {
  const known = new Map<string, Filter>();
  let wanted = [...groupNames(filter)];
  while (wanted.length > 0) {
    const rows = await db
      .selectFrom('device_group')
      .select(['name', 'filter'])
      .where('tenant_id', '=', tenantId)
      .where('name', 'in', wanted)
      .execute();
    const found = rows.map((row) => ({ name: row.name, filter: parseFilter(row.filter) }));
    for (const group of found) known.set(group.name, group.filter);
    wanted = [...new Set(found.flatMap((group) => [...groupNames(group.filter)]))].filter((name) => !known.has(name));
  }
  return known;
}

/**
 * Reads a filter and puts the groups of the tenant into it. `inside` names the group that it is about to become.
 * @throws FilterError
 */
export async function readFilter(db: Db, tenantId: number, text: string, inside?: string): Promise<PlainFilter> {
  const filter = parseFilter(text);
  return expandGroups(filter, await loadGroups(db, tenantId, filter), inside);
}

/**
 * The condition of a filter on the table `device`; relative times count from `nowMs`.
 * @throws FilterError
 */
export async function deviceCondition(
  db: Db,
  query: { readonly tenantId: number; readonly filter: string; readonly nowMs: number },
): Promise<Expression<SqlBool>> {
  const filter = await readFilter(db, query.tenantId, query.filter);
  return new ConditionWriter(filterDialectOf(db), query.nowMs).write(filter);
}
