/** Laboratories, test plans and results. */
import type { Migration } from './migration.ts';

export const TESTING: Migration = (words) => `
  CREATE TABLE laboratory_directory (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, version ${words.integer} NOT NULL,
    record TEXT NOT NULL, recorded_by TEXT NOT NULL, recorded_ms ${words.integer} NOT NULL
  )${words.table};
  CREATE UNIQUE INDEX laboratory_directory_by_version ON laboratory_directory (tenant_id, version);
  CREATE TABLE test_plan (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, product TEXT NOT NULL, record TEXT NOT NULL,
    made_by TEXT NOT NULL, made_ms ${words.integer} NOT NULL
  )${words.table};
  CREATE INDEX test_plan_by_tenant ON test_plan (tenant_id, id);
  CREATE TABLE test_result (
    id ${words.id}, test_plan_id ${words.integer} NOT NULL REFERENCES test_plan, record TEXT NOT NULL, grade TEXT NOT NULL,
    evidence_id ${words.integer}, recorded_by TEXT NOT NULL, recorded_ms ${words.integer} NOT NULL
  )${words.table};
  CREATE INDEX test_result_by_plan ON test_result (test_plan_id, id);
`;
