/** Tables of the evidence vault. */
import type { EvidenceRecord } from '@pawl/contract/management';
import type { Generated, Selectable } from 'kysely';

type EvidenceColumns = {
  id: Generated<number>;
  tenant_id: number;
  product: string;
  sha256: string;
  size_bytes: number;
  /** JSON: what was said of it when it was added. */
  record: string;
  state: EvidenceRecord['state'];
  superseded_by: number | null;
  ended_reason: string | null;
  recorded_by: string;
  recorded_ms: number;
  /** The end of the last day on which it counts by its own word. */
  valid_until_ms: number | null;
};

export type EvidenceSchema = {
  /** A file that was uploaded, or is being uploaded, and by which tenant. */
  evidence_file: {
    tenant_id: number;
    sha256: string;
    size_bytes: number;
    uploaded_ms: number | null;
    changed_ms: number;
  };
  evidence: EvidenceColumns;
};

export type EvidenceTable = Selectable<EvidenceColumns>;
