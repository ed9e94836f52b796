/**
 * The schema of the database in numbered steps, forward only. A step that was released is never edited.
 *
 * `assignment_one_active` is a partial index: queries must say `active = 1` with a literal, because with a bound value
 * SQLite plans the statement anew at each call (four times the cost of the read).
 */

export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE tenant (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE line (
    tenant_id INTEGER NOT NULL REFERENCES tenant, name TEXT NOT NULL, certificates TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE device (
    id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenant, controller_id TEXT NOT NULL,
    model TEXT NOT NULL, line TEXT, kind TEXT NOT NULL CHECK (kind IN ('pawl', 'foreign')),
    tags TEXT NOT NULL, attributes TEXT NOT NULL, public_key_pem TEXT, key_id TEXT, token_sha256 BLOB,
    wants_attributes INTEGER NOT NULL, installed_version TEXT, installed_assignment_id INTEGER, floor TEXT,
    report_counter INTEGER NOT NULL, auto_confirm TEXT, last_seen_ms INTEGER, created_ms INTEGER NOT NULL,
    enrolled_ms INTEGER, decommissioned_ms INTEGER,
    UNIQUE (tenant_id, controller_id)
  ) STRICT;
  CREATE UNIQUE INDEX device_by_token ON device (tenant_id, token_sha256) WHERE token_sha256 IS NOT NULL;
  CREATE UNIQUE INDEX device_by_key ON device (tenant_id, key_id) WHERE key_id IS NOT NULL;
  CREATE TABLE gateway (
    id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenant, name TEXT NOT NULL,
    token_sha256 BLOB NOT NULL UNIQUE
  ) STRICT;
  CREATE TABLE gateway_device (
    gateway_id INTEGER NOT NULL REFERENCES gateway, controller_id TEXT NOT NULL, PRIMARY KEY (gateway_id, controller_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE claim (
    sha256 BLOB PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenant,
    kind TEXT NOT NULL CHECK (kind IN ('device', 'operator')), controller_id TEXT, model TEXT, line TEXT,
    tags TEXT NOT NULL, expires_ms INTEGER, used_ms INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE api_token (
    sha256 BLOB PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenant, label TEXT NOT NULL, role TEXT NOT NULL,
    created_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE release (
    id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenant, line TEXT NOT NULL, version TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('pawl', 'foreign')), state TEXT NOT NULL CHECK (state IN ('draft', 'published')),
    sequence_number TEXT, security_counter TEXT, statement BLOB, created_ms INTEGER NOT NULL, published_ms INTEGER,
    UNIQUE (tenant_id, line, version)
  ) STRICT;
  CREATE TABLE artifact (
    release_id INTEGER NOT NULL REFERENCES release, name TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL, sha1 TEXT, md5 TEXT, uploaded_ms INTEGER, PRIMARY KEY (release_id, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE rollout (
    id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenant, name TEXT NOT NULL,
    release_id INTEGER NOT NULL REFERENCES release, filter TEXT NOT NULL, success_kind TEXT NOT NULL,
    is_forced INTEGER NOT NULL, needs_consent INTEGER NOT NULL, state TEXT NOT NULL, created_ms INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE wave (
    rollout_id INTEGER NOT NULL REFERENCES rollout, position INTEGER NOT NULL, state TEXT NOT NULL, started_ms INTEGER,
    PRIMARY KEY (rollout_id, position)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE wave_device (
    rollout_id INTEGER NOT NULL, position INTEGER NOT NULL, device_id INTEGER NOT NULL REFERENCES device,
    PRIMARY KEY (rollout_id, position, device_id), FOREIGN KEY (rollout_id, position) REFERENCES wave
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE assignment (
    id INTEGER PRIMARY KEY, tenant_id INTEGER NOT NULL REFERENCES tenant, device_id INTEGER NOT NULL REFERENCES device,
    release_id INTEGER NOT NULL REFERENCES release, rollout_id INTEGER REFERENCES rollout, state TEXT NOT NULL,
    active INTEGER CHECK (active = 1), is_forced INTEGER NOT NULL, code TEXT, step INTEGER, final_sha256 BLOB,
    created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX assignment_one_active ON assignment (device_id) WHERE active = 1;
  CREATE INDEX assignment_by_device ON assignment (device_id, id);
  CREATE INDEX assignment_by_rollout ON assignment (rollout_id, state);
  CREATE TABLE assignment_log (
    id INTEGER PRIMARY KEY, assignment_id INTEGER NOT NULL REFERENCES assignment, at_ms INTEGER NOT NULL,
    status TEXT NOT NULL, messages TEXT NOT NULL
  ) STRICT;
  CREATE INDEX assignment_log_by_assignment ON assignment_log (assignment_id, id);
  CREATE TABLE ledger_entry (
    idx INTEGER PRIMARY KEY, envelope BLOB NOT NULL, predicate_type TEXT NOT NULL, subject TEXT NOT NULL
  ) STRICT;
  CREATE TABLE ledger_node (
    level INTEGER NOT NULL, idx INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, idx)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE trust_file (
    tenant_id INTEGER NOT NULL REFERENCES tenant, name TEXT NOT NULL, role TEXT NOT NULL, version INTEGER NOT NULL,
    is_current INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (tenant_id, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX trust_file_current ON trust_file (tenant_id, role) WHERE is_current = 1;
  `,
  `
  CREATE INDEX assignment_active_in_rollout ON assignment (rollout_id) WHERE active = 1;
  CREATE INDEX ledger_entry_by_subject ON ledger_entry (subject);
  `,
  `
  ALTER TABLE assignment ADD COLUMN version_seen_ms INTEGER;
  `,
];
