/** Passkeys, sessions, keys that sign approvals, and the challenges that have been answered. */
import type { Migration } from './migration.ts';

export const SIGN_IN: Migration = (words) => `
  CREATE TABLE passkey (
    credential_id TEXT PRIMARY KEY, person_id ${words.integer} NOT NULL REFERENCES person, user_handle TEXT NOT NULL,
    public_key ${words.bytes} NOT NULL, counter ${words.integer} NOT NULL, is_backed_up ${words.integer} NOT NULL,
    transports TEXT NOT NULL, label TEXT NOT NULL, created_ms ${words.integer} NOT NULL, last_used_ms ${words.integer}
  )${words.keyedTable};
  CREATE INDEX passkey_by_person ON passkey (person_id);
  CREATE TABLE session (
    sha256 ${words.bytes} PRIMARY KEY, tenant_id ${words.integer} NOT NULL REFERENCES tenant,
    person_id ${words.integer} NOT NULL REFERENCES person, source TEXT NOT NULL, user_agent TEXT NOT NULL,
    created_ms ${words.integer} NOT NULL, last_used_ms ${words.integer} NOT NULL, expires_ms ${words.integer} NOT NULL
  )${words.keyedTable};
  CREATE INDEX session_by_person ON session (person_id);
  CREATE TABLE spent_challenge (
    sha256 ${words.bytes} PRIMARY KEY, expires_ms ${words.integer} NOT NULL
  )${words.keyedTable};
  CREATE TABLE server_secret (name TEXT PRIMARY KEY, value TEXT NOT NULL)${words.keyedTable};
  CREATE TABLE approval_key (
    tenant_id ${words.integer} NOT NULL REFERENCES tenant, key_id TEXT NOT NULL,
    person_id ${words.integer} NOT NULL REFERENCES person, label TEXT NOT NULL, public_key_pem TEXT NOT NULL,
    algorithm TEXT NOT NULL, created_ms ${words.integer} NOT NULL, revoked_ms ${words.integer},
    PRIMARY KEY (tenant_id, key_id)
  )${words.keyedTable};
`;
