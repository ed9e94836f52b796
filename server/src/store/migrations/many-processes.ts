/**
 * Statements that wait for their place in the ledger, and which online keys this installation signs with, so that no process
 * signs with others.
 */
import type { Migration } from './migration.ts';

export const MANY_PROCESSES: Migration = (words) => `
  CREATE TABLE ledger_pending (
    id ${words.id}, envelope ${words.bytes} NOT NULL, predicate_type TEXT NOT NULL, subject TEXT NOT NULL
  )${words.table};
  CREATE TABLE online_key (role TEXT PRIMARY KEY, key_id TEXT NOT NULL)${words.keyedTable};
`;
