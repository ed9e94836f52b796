/** Cases of vulnerability handling, what was done about each, and the policy under which reports come in. */
import type { Migration } from './migration.ts';

export const VULNERABILITIES: Migration = (words) => `
  CREATE TABLE vulnerability (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, receipt TEXT NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('operator', 'public')), state TEXT NOT NULL, facts TEXT NOT NULL,
    salt TEXT NOT NULL, sha256 TEXT NOT NULL, received_ms ${words.integer} NOT NULL, acknowledged_ms ${words.integer},
    changed_ms ${words.integer} NOT NULL, UNIQUE (tenant_id, receipt)
  )${words.table};
  CREATE INDEX vulnerability_by_state ON vulnerability (tenant_id, state, id);
  CREATE TABLE vulnerability_log (
    id ${words.id}, vulnerability_id ${words.integer} NOT NULL REFERENCES vulnerability, at_ms ${words.integer} NOT NULL,
    by_whom TEXT NOT NULL, act TEXT NOT NULL, state TEXT NOT NULL, note TEXT
  )${words.table};
  CREATE INDEX vulnerability_log_by_case ON vulnerability_log (vulnerability_id, id);
  CREATE TABLE disclosure_policy (
    tenant_id ${words.integer} PRIMARY KEY REFERENCES tenant, policy TEXT NOT NULL
  )${words.keyedTable};
`;
