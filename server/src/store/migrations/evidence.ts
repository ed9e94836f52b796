/** Documents that were taken in as evidence, their files, and ledger entries by what they say. */
import type { Migration } from './migration.ts';

export const EVIDENCE: Migration = (words) => `
  CREATE TABLE evidence_file (
    tenant_id ${words.integer} NOT NULL REFERENCES tenant, sha256 TEXT NOT NULL, size_bytes ${words.integer} NOT NULL,
    uploaded_ms ${words.integer}, changed_ms ${words.integer} NOT NULL, PRIMARY KEY (tenant_id, sha256)
  )${words.keyedTable};
  CREATE INDEX evidence_file_by_sha256 ON evidence_file (sha256);
  CREATE TABLE evidence (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, product TEXT NOT NULL, sha256 TEXT NOT NULL,
    size_bytes ${words.integer} NOT NULL, record TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('current', 'superseded', 'withdrawn')),
    superseded_by ${words.integer}, ended_reason TEXT, recorded_by TEXT NOT NULL, recorded_ms ${words.integer} NOT NULL,
    valid_until_ms ${words.integer}
  )${words.table};
  CREATE INDEX evidence_by_product ON evidence (tenant_id, product, id);
  CREATE INDEX evidence_by_sha256 ON evidence (sha256);
  CREATE INDEX ledger_entry_by_type ON ledger_entry (predicate_type, idx);
`;
