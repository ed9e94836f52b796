/** What people and machines did through the management API. The database itself refuses to change or drop a row. */
import type { Migration } from './migration.ts';

export const AUDIT: Migration = (words) => `
  CREATE TABLE audit (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, at_ms ${words.integer} NOT NULL, actor TEXT NOT NULL,
    credential TEXT NOT NULL, operation TEXT NOT NULL, target TEXT NOT NULL, result TEXT NOT NULL, source TEXT NOT NULL,
    request_id TEXT NOT NULL
  )${words.table};
  CREATE INDEX audit_by_tenant ON audit (tenant_id, id);
  ${words.appendOnly('audit')}
`;
