/** Whose an entry of the ledger is: a tenant reads its own ones. Entries from before are those of who runs the server. */
import type { Migration } from './migration.ts';

export const LEDGER_TENANTS: Migration = (words) => `
  ALTER TABLE ledger_pending ADD COLUMN tenant_id ${words.integer};
  ALTER TABLE ledger_entry ADD COLUMN tenant_id ${words.integer};
  CREATE INDEX ledger_entry_by_tenant ON ledger_entry (tenant_id, idx);
`;
