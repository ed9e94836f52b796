/**
 * Who made a rollout, how many people must approve it, what they said; and which rollout brings a fleet back from another.
 */
import type { Migration } from './migration.ts';

export const APPROVAL: Migration = (words) => `
  ALTER TABLE rollout ADD COLUMN approvals_required ${words.integer} NOT NULL DEFAULT 0;
  ALTER TABLE rollout ADD COLUMN author_person_id ${words.integer};
  ALTER TABLE rollout ADD COLUMN returns_rollout_id ${words.integer};
  CREATE INDEX rollout_by_returned ON rollout (returns_rollout_id);
  CREATE TABLE rollout_verdict (
    id ${words.id}, rollout_id ${words.integer} NOT NULL REFERENCES rollout,
    person_id ${words.integer} NOT NULL REFERENCES person, verdict TEXT NOT NULL CHECK (verdict IN ('approved', 'denied')),
    digest TEXT NOT NULL, signed_with TEXT, reason TEXT, at_ms ${words.integer} NOT NULL, withdrawn_ms ${words.integer}
  )${words.table};
  CREATE INDEX rollout_verdict_by_rollout ON rollout_verdict (rollout_id, id);
`;
