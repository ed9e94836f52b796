/** What witnesses said of the checkpoints of the ledger, and how it stands with each of them. */
import type { Migration } from './migration.ts';

export const WITNESSES: Migration = (words) => `
  CREATE TABLE ledger_cosignature (
    size ${words.integer} NOT NULL, witness TEXT NOT NULL, line TEXT NOT NULL, PRIMARY KEY (size, witness)
  )${words.keyedTable};
  CREATE TABLE ledger_witness (
    witness TEXT NOT NULL PRIMARY KEY, size ${words.integer} NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('cosigned', 'unreachable', 'refused', 'set-back', 'forked')),
    detail TEXT NOT NULL, asked_ms ${words.integer} NOT NULL, cosigned_ms ${words.integer}
  )${words.keyedTable};
`;
