/**
 * The life of a device: authorities whose certificates let it in, introductions that wait for an operator, offers of devices
 * to another tenant, and keys of gateways. A row of an authority stays when it is removed, for those that it let in.
 */
import type { Migration } from './migration.ts';

export const DEVICE_LIFE: Migration = (words) => `
  CREATE TABLE device_authority (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, name TEXT NOT NULL, certificate_pem TEXT NOT NULL,
    fingerprint TEXT NOT NULL, name_pattern TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('pawl', 'foreign')),
    model TEXT NOT NULL, line TEXT, tags TEXT NOT NULL, created_ms ${words.integer} NOT NULL, removed_ms ${words.integer}
  )${words.table};
  CREATE UNIQUE INDEX device_authority_once ON device_authority (tenant_id, fingerprint) WHERE removed_ms IS NULL;
  CREATE TABLE barred_certificate (
    authority_id ${words.integer} NOT NULL REFERENCES device_authority, serial TEXT NOT NULL,
    barred_ms ${words.integer} NOT NULL, PRIMARY KEY (authority_id, serial)
  )${words.keyedTable};
  ALTER TABLE device ADD COLUMN authority_id ${words.integer};
  ALTER TABLE device ADD COLUMN certificate_serial TEXT;
  ALTER TABLE device ADD COLUMN certificate_until_ms ${words.integer};
  ALTER TABLE device ADD COLUMN moved_to_id ${words.integer};
  CREATE TABLE introduction (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, key_id TEXT NOT NULL, public_key_pem TEXT NOT NULL,
    name TEXT, attributes TEXT NOT NULL, token_sha256 ${words.bytes} NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'accepted', 'rejected')), device_id ${words.integer} REFERENCES device,
    created_ms ${words.integer} NOT NULL, heard_ms ${words.integer} NOT NULL, UNIQUE (tenant_id, key_id)
  )${words.table};
  CREATE INDEX introduction_by_state ON introduction (tenant_id, state, heard_ms);
  CREATE TABLE device_offer (
    id ${words.id}, code_sha256 ${words.bytes} NOT NULL UNIQUE, tenant_id ${words.integer} NOT NULL REFERENCES tenant,
    controller_ids TEXT NOT NULL, created_ms ${words.integer} NOT NULL, expires_ms ${words.integer} NOT NULL,
    taken_ms ${words.integer}
  )${words.table};
  CREATE INDEX device_offer_by_tenant ON device_offer (tenant_id, id);
  ALTER TABLE gateway ADD COLUMN key_id TEXT;
  ALTER TABLE gateway ADD COLUMN previous_token_sha256 ${words.bytes};
  ALTER TABLE gateway ADD COLUMN previous_key_id TEXT;
  ALTER TABLE gateway ADD COLUMN previous_until_ms ${words.integer};
  CREATE UNIQUE INDEX gateway_by_key ON gateway (tenant_id, key_id) WHERE key_id IS NOT NULL;
`;
