/**
 * What filters ask for: the order of versions as text, what operators set beside what devices report, and filters that have a
 * name. Indexes end in the controller id, the order of every list, so that a page of a filter needs no sort.
 */
import type { Migration } from './migration.ts';

export const FILTERS: Migration = (words) => `
  ALTER TABLE device ADD COLUMN version_key TEXT;
  ALTER TABLE device ADD COLUMN operator_attributes TEXT NOT NULL DEFAULT '{}';
  CREATE INDEX device_by_model ON device (tenant_id, model, controller_id);
  CREATE INDEX device_by_line ON device (tenant_id, line, controller_id);
  CREATE INDEX device_by_version ON device (tenant_id, installed_version, controller_id);
  CREATE INDEX device_by_version_key ON device (tenant_id, version_key);
  CREATE INDEX device_without_version_key ON device (id) WHERE installed_version IS NOT NULL AND version_key IS NULL;
  CREATE TABLE device_group (
    tenant_id ${words.integer} NOT NULL REFERENCES tenant, name TEXT NOT NULL, filter TEXT NOT NULL,
    created_ms ${words.integer} NOT NULL, updated_ms ${words.integer} NOT NULL, PRIMARY KEY (tenant_id, name)
  )${words.keyedTable};
`;
