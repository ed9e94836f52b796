/** Probes for the active assignments of a rollout and for the entries about one subject. */
import type { Migration } from './migration.ts';

export const ACTIVITY: Migration = () => `
  CREATE INDEX assignment_active_in_rollout ON assignment (rollout_id) WHERE active = 1;
  CREATE INDEX ledger_entry_by_subject ON ledger_entry (subject);
`;
