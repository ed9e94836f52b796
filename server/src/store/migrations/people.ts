/**
 * People and what they hold. Tokens that were there before become tokens of machines with what their role allowed, good
 * for a year from when they were made; so the first start after this step asks for a first person.
 */
import type { Migration } from './migration.ts';

const VIEWER = '"device:read","release:read","rollout:read","ledger:read"';
const OPERATOR = `${VIEWER},"device:write","rollout:write"`;
const ADMIN = `${OPERATOR},"release:write","rollout:approve","audit:read","people:write","settings:write"`;

export const PEOPLE: Migration = (words) => `
  CREATE TABLE person (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, name TEXT NOT NULL, email TEXT, roles TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'disabled')), created_ms ${words.integer} NOT NULL
  )${words.table};
  CREATE INDEX person_by_tenant ON person (tenant_id, id);
  ALTER TABLE claim ADD COLUMN person_id ${words.integer};
  CREATE TABLE token (
    sha256 ${words.bytes} PRIMARY KEY, tenant_id ${words.integer} NOT NULL REFERENCES tenant,
    person_id ${words.integer} REFERENCES person, label TEXT NOT NULL, permissions TEXT NOT NULL, lines TEXT,
    created_ms ${words.integer} NOT NULL, expires_ms ${words.integer} NOT NULL, last_used_ms ${words.integer}
  )${words.keyedTable};
  CREATE INDEX token_by_tenant ON token (tenant_id, created_ms);
  CREATE INDEX token_by_person ON token (person_id);
  INSERT INTO token (sha256, tenant_id, label, permissions, created_ms, expires_ms)
    SELECT sha256, tenant_id, label, CASE role
      WHEN 'viewer' THEN '[${VIEWER}]'
      WHEN 'auditor' THEN '[${VIEWER},"audit:read"]'
      WHEN 'operator' THEN '[${OPERATOR}]'
      WHEN 'release-manager' THEN '[${OPERATOR},"release:write"]'
      WHEN 'approver' THEN '[${VIEWER},"rollout:approve"]'
      WHEN 'admin' THEN '[${ADMIN}]'
      ELSE '[]' END, created_ms, created_ms + 31536000000
    FROM api_token;
  DROP TABLE api_token;
`;
