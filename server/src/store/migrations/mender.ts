/** Who asked to be let in with a key of its own (Mender), and what published foreign images say about themselves. */
import type { Migration } from './migration.ts';

export const MENDER: Migration = (words) => `
  CREATE TABLE mender_auth (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, identity TEXT NOT NULL,
    identity_sha256 ${words.bytes} NOT NULL, public_key_pem TEXT NOT NULL, key_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'accepted', 'rejected')), device_id ${words.integer} REFERENCES device,
    token_sha256 ${words.bytes}, token_expires_ms ${words.integer}, ticket_sha256 ${words.bytes},
    ticket_assignment_id ${words.integer}, created_ms ${words.integer} NOT NULL, heard_ms ${words.integer},
    UNIQUE (identity_sha256, key_id, tenant_id)
  )${words.table};
  CREATE UNIQUE INDEX mender_auth_by_token ON mender_auth (token_sha256) WHERE token_sha256 IS NOT NULL;
  CREATE INDEX mender_auth_by_device ON mender_auth (device_id) WHERE device_id IS NOT NULL;
  CREATE INDEX mender_auth_by_state ON mender_auth (tenant_id, state, heard_ms);
  CREATE TABLE release_image (
    release_id ${words.integer} NOT NULL REFERENCES release, name TEXT NOT NULL, format TEXT NOT NULL, facts TEXT NOT NULL,
    PRIMARY KEY (release_id, name)
  )${words.keyedTable};
`;
