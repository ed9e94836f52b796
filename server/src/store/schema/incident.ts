/** Tables of reports by CRA Article 14. */
import type { Incident, NewSubmission } from '@pawl/contract/management';
import type { Generated, Selectable } from 'kysely';

type IncidentColumns = {
  id: Generated<number>;
  tenant_id: number;
  track: Incident['track'];
  title: string;
  is_drill: number;
  vulnerability_id: number | null;
  aware_ms: number;
  measure_ms: number | null;
  users_informed_ms: number | null;
  closed_ms: number | null;
  /** JSON: values of the platform's form by field number. */
  field_values: string;
  /** Part of the digest in the ledger, as with cases. */
  salt: string;
  created_ms: number;
};

type SubmissionColumns = {
  incident_id: number;
  stage: NewSubmission['stage'];
  at_ms: number;
  sent_by: string;
  reference: string;
  dossier_sha256: string;
  recorded_by: string;
  recorded_ms: number;
};

export type IncidentSchema = {
  incident: IncidentColumns;
  incident_submission: SubmissionColumns;
  incident_reminder: { incident_id: number; stage: NewSubmission['stage']; at_ms: number };
};

export type IncidentTable = Selectable<IncidentColumns>;
export type SubmissionTable = Selectable<SubmissionColumns>;
