/** Who may look at the evidence of one product by a link. */
import type { Migration } from './migration.ts';

export const SHARES: Migration = (words) => `
  CREATE TABLE share (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, product TEXT NOT NULL, audience TEXT NOT NULL,
    role TEXT NOT NULL, documents TEXT NOT NULL, includes_devices ${words.integer} NOT NULL,
    link_sha256 ${words.bytes} NOT NULL, code_sha256 ${words.bytes}, expires_ms ${words.integer} NOT NULL,
    made_by TEXT NOT NULL, made_ms ${words.integer} NOT NULL, visits ${words.integer} NOT NULL,
    last_visit_ms ${words.integer}, revoked_ms ${words.integer}, revoked_reason TEXT
  )${words.table};
  CREATE INDEX share_by_tenant ON share (tenant_id, id);
  CREATE UNIQUE INDEX share_by_link ON share (link_sha256);
`;
