/** Attestation: what a release says of its image, who is asked, and how the answer was judged. */
import type { Migration } from './migration.ts';

export const ATTESTATION: Migration = (words) => `
  ALTER TABLE release ADD COLUMN image_sha256 TEXT;
  ALTER TABLE device ADD COLUMN attest_assignment_id ${words.integer};
  ALTER TABLE assignment ADD COLUMN verdict TEXT;
  ALTER TABLE assignment ADD COLUMN verdict_reasons TEXT;
  ALTER TABLE assignment ADD COLUMN verdict_ms ${words.integer};
`;
