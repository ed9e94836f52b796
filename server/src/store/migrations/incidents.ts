/** Reports by CRA Article 14: what happened, what was sent, and of what somebody was reminded. */
import type { Migration } from './migration.ts';

export const INCIDENTS: Migration = (words) => `
  CREATE TABLE incident (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant,
    track TEXT NOT NULL CHECK (track IN ('actively-exploited-vulnerability', 'severe-incident')), title TEXT NOT NULL,
    is_drill ${words.integer} NOT NULL, vulnerability_id ${words.integer} REFERENCES vulnerability,
    aware_ms ${words.integer} NOT NULL, measure_ms ${words.integer}, users_informed_ms ${words.integer},
    closed_ms ${words.integer}, field_values TEXT NOT NULL, salt TEXT NOT NULL, created_ms ${words.integer} NOT NULL
  )${words.table};
  CREATE INDEX incident_by_tenant ON incident (tenant_id, is_drill, id);
  CREATE INDEX incident_open ON incident (id) WHERE closed_ms IS NULL;
  CREATE TABLE incident_submission (
    incident_id ${words.integer} NOT NULL REFERENCES incident, stage TEXT NOT NULL, at_ms ${words.integer} NOT NULL,
    sent_by TEXT NOT NULL, reference TEXT NOT NULL, dossier_sha256 TEXT NOT NULL, recorded_by TEXT NOT NULL,
    recorded_ms ${words.integer} NOT NULL, PRIMARY KEY (incident_id, stage)
  )${words.keyedTable};
  ${words.appendOnly('incident_submission')}
  CREATE TABLE incident_reminder (
    incident_id ${words.integer} NOT NULL REFERENCES incident, stage TEXT NOT NULL, at_ms ${words.integer} NOT NULL,
    PRIMARY KEY (incident_id, stage, at_ms)
  )${words.keyedTable};
`;
