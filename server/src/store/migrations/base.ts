/**
 * The tables of the first server: tenants, devices, access, releases, rollouts, the ledger, trusted metadata.
 *
 * `assignment_one_active` is a partial index: queries must say `active = 1` with a literal, because with a bound value
 * SQLite plans the statement anew at each call (four times the cost of the read).
 */
import type { Migration } from './migration.ts';

const devices: Migration = (words) => `
  CREATE TABLE tenant (id ${words.id}, name TEXT NOT NULL UNIQUE)${words.table};
  CREATE TABLE line (
    tenant_id ${words.integer} NOT NULL REFERENCES tenant, name TEXT NOT NULL, certificates TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
  )${words.keyedTable};
  CREATE TABLE device (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, controller_id TEXT NOT NULL,
    model TEXT NOT NULL, line TEXT, kind TEXT NOT NULL CHECK (kind IN ('pawl', 'foreign')),
    tags TEXT NOT NULL, attributes TEXT NOT NULL, public_key_pem TEXT, key_id TEXT, token_sha256 ${words.bytes},
    wants_attributes ${words.integer} NOT NULL, installed_version TEXT, installed_assignment_id ${words.integer}, floor TEXT,
    report_counter ${words.integer} NOT NULL, auto_confirm TEXT, last_seen_ms ${words.integer}, created_ms ${words.integer} NOT NULL,
    enrolled_ms ${words.integer}, decommissioned_ms ${words.integer},
    UNIQUE (tenant_id, controller_id)
  )${words.table};
  CREATE UNIQUE INDEX device_by_token ON device (tenant_id, token_sha256) WHERE token_sha256 IS NOT NULL;
  CREATE UNIQUE INDEX device_by_key ON device (tenant_id, key_id) WHERE key_id IS NOT NULL;
  CREATE TABLE gateway (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, name TEXT NOT NULL,
    token_sha256 ${words.bytes} NOT NULL UNIQUE
  )${words.table};
  CREATE TABLE gateway_device (
    gateway_id ${words.integer} NOT NULL REFERENCES gateway, controller_id TEXT NOT NULL, PRIMARY KEY (gateway_id, controller_id)
  )${words.keyedTable};
  CREATE TABLE claim (
    sha256 ${words.bytes} PRIMARY KEY, tenant_id ${words.integer} NOT NULL REFERENCES tenant,
    kind TEXT NOT NULL CHECK (kind IN ('device', 'operator')), controller_id TEXT, model TEXT, line TEXT,
    tags TEXT NOT NULL, expires_ms ${words.integer}, used_ms ${words.integer}
  )${words.keyedTable};
  CREATE TABLE api_token (
    sha256 ${words.bytes} PRIMARY KEY, tenant_id ${words.integer} NOT NULL REFERENCES tenant, label TEXT NOT NULL, role TEXT NOT NULL,
    created_ms ${words.integer} NOT NULL
  )${words.keyedTable};
`;

const releases: Migration = (words) => `
  CREATE TABLE release (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, line TEXT NOT NULL, version TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('pawl', 'foreign')), state TEXT NOT NULL CHECK (state IN ('draft', 'published')),
    sequence_number TEXT, security_counter TEXT, statement ${words.bytes}, created_ms ${words.integer} NOT NULL, published_ms ${words.integer},
    UNIQUE (tenant_id, line, version)
  )${words.table};
  CREATE TABLE artifact (
    release_id ${words.integer} NOT NULL REFERENCES release, name TEXT NOT NULL, size_bytes ${words.integer} NOT NULL,
    sha256 TEXT NOT NULL, sha1 TEXT, md5 TEXT, uploaded_ms ${words.integer}, PRIMARY KEY (release_id, name)
  )${words.keyedTable};
  CREATE TABLE rollout (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, name TEXT NOT NULL,
    release_id ${words.integer} NOT NULL REFERENCES release, filter TEXT NOT NULL, success_kind TEXT NOT NULL,
    is_forced ${words.integer} NOT NULL, needs_consent ${words.integer} NOT NULL, state TEXT NOT NULL, created_ms ${words.integer} NOT NULL
  )${words.table};
  CREATE TABLE wave (
    rollout_id ${words.integer} NOT NULL REFERENCES rollout, position ${words.integer} NOT NULL, state TEXT NOT NULL, started_ms ${words.integer},
    PRIMARY KEY (rollout_id, position)
  )${words.keyedTable};
  CREATE TABLE wave_device (
    rollout_id ${words.integer} NOT NULL, position ${words.integer} NOT NULL, device_id ${words.integer} NOT NULL REFERENCES device,
    PRIMARY KEY (rollout_id, position, device_id), FOREIGN KEY (rollout_id, position) REFERENCES wave
  )${words.keyedTable};
  CREATE TABLE assignment (
    id ${words.integer} PRIMARY KEY, tenant_id ${words.integer} NOT NULL REFERENCES tenant, device_id ${words.integer} NOT NULL REFERENCES device,
    release_id ${words.integer} NOT NULL REFERENCES release, rollout_id ${words.integer} REFERENCES rollout, state TEXT NOT NULL,
    active ${words.integer} CHECK (active = 1), is_forced ${words.integer} NOT NULL, code TEXT, step ${words.integer}, final_sha256 ${words.bytes},
    created_ms ${words.integer} NOT NULL, updated_ms ${words.integer} NOT NULL
  )${words.table};
  CREATE UNIQUE INDEX assignment_one_active ON assignment (device_id) WHERE active = 1;
  CREATE INDEX assignment_by_device ON assignment (device_id, id);
  CREATE INDEX assignment_by_rollout ON assignment (rollout_id, state);
  CREATE TABLE assignment_log (
    id ${words.id}, assignment_id ${words.integer} NOT NULL REFERENCES assignment, at_ms ${words.integer} NOT NULL,
    status TEXT NOT NULL, messages TEXT NOT NULL
  )${words.table};
  CREATE INDEX assignment_log_by_assignment ON assignment_log (assignment_id, id);
`;

const ledger: Migration = (words) => `
  CREATE TABLE ledger_entry (
    idx ${words.integer} PRIMARY KEY, envelope ${words.bytes} NOT NULL, predicate_type TEXT NOT NULL, subject TEXT NOT NULL
  )${words.table};
  CREATE TABLE ledger_node (
    level ${words.integer} NOT NULL, idx ${words.integer} NOT NULL, hash ${words.bytes} NOT NULL, PRIMARY KEY (level, idx)
  )${words.keyedTable};
  CREATE TABLE trust_file (
    tenant_id ${words.integer} NOT NULL REFERENCES tenant, name TEXT NOT NULL, role TEXT NOT NULL, version ${words.integer} NOT NULL,
    is_current ${words.integer} NOT NULL, bytes ${words.bytes} NOT NULL, PRIMARY KEY (tenant_id, name)
  )${words.keyedTable};
  CREATE INDEX trust_file_current ON trust_file (tenant_id, role) WHERE is_current = 1;
`;

export const BASE: Migration = (words) => [devices, releases, ledger].map((part) => part(words)).join('');
