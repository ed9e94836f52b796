/** A step of the schema as one SQL text; what databases spell differently comes as words. */

export type MigrationWords = {
  /** A surrogate key that the database counts up, `PRIMARY KEY` included. */
  readonly id: string;
  /** A whole number to 2^53. */
  readonly integer: string;
  readonly bytes: string;
  /** Ends a table definition, behind the closing bracket. */
  readonly table: string;
  /** The same for a table that is found by its primary key only. */
  readonly keyedTable: string;
};

export type Migration = (words: MigrationWords) => string;

export const SQLITE_WORDS: MigrationWords = {
  id: 'INTEGER PRIMARY KEY',
  integer: 'INTEGER',
  bytes: 'BLOB',
  table: ' STRICT',
  keyedTable: ' STRICT, WITHOUT ROWID',
};
