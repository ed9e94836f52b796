/** What databases spell differently when they answer a device filter; `device-filter.ts` is one text for all. */
import { type Expression, PostgresAdapter, type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Db } from './database.ts';

type Text = Expression<unknown>;

export type FilterDialect = {
  /** The text under a key of a JSON object of texts; null when there is none. */
  readonly jsonText: (object: Text, key: string) => RawBuilder<string | null>;
  /** The elements of a JSON array of texts as a table `element` with the column `value`. */
  readonly jsonElements: (array: Text) => RawBuilder<unknown>;
  readonly endsWith: (text: Text, end: string) => RawBuilder<SqlBool>;
  readonly contains: (text: Text, part: string) => RawBuilder<SqlBool>;
};

const SQLITE: FilterDialect = {
  jsonText: (object, key) => sql`(select pair.value from json_each(${object}) as pair where pair.key = ${key})`,
  jsonElements: (array) => sql`json_each(${array}) as element`,
  endsWith: (text, end) => sql`substr(${text}, ${-end.length}) = ${end}`,
  contains: (text, part) => sql`instr(${text}, ${part}) > 0`,
};

const POSTGRES: FilterDialect = {
  jsonText: (object, key) => sql`(${object}::jsonb ->> ${key})`,
  jsonElements: (array) => sql`jsonb_array_elements_text(${array}::jsonb) as element(value)`,
  endsWith: (text, end) => sql`right(${text}, ${end.length}) = ${end}`,
  contains: (text, part) => sql`strpos(${text}, ${part}) > 0`,
};

export function filterDialectOf(db: Db): FilterDialect {
  return db.getExecutor().adapter instanceof PostgresAdapter ? POSTGRES : SQLITE;
}
