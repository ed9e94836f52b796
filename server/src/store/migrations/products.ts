/** Products, version by version, and decisions that a requirement is not for a model. */
import type { Migration } from './migration.ts';

export const PRODUCTS: Migration = (words) => `
  CREATE TABLE product_record (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, product TEXT NOT NULL, line TEXT NOT NULL,
    version ${words.integer} NOT NULL, sha256 TEXT NOT NULL, record TEXT NOT NULL, last_day_ms ${words.integer},
    recorded_by TEXT NOT NULL, recorded_ms ${words.integer} NOT NULL, UNIQUE (tenant_id, product, version)
  )${words.table};
  CREATE TABLE waiver (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, product TEXT NOT NULL, model TEXT NOT NULL,
    requirement TEXT NOT NULL, reason TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'refused', 'withdrawn')),
    author TEXT NOT NULL, author_person_id ${words.integer}, proposed_ms ${words.integer} NOT NULL,
    decided_by TEXT, decided_reason TEXT, decided_ms ${words.integer}
  )${words.table};
  CREATE INDEX waiver_by_product ON waiver (tenant_id, product, id);
`;
