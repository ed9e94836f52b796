/** The assignments of a rollout in the order of their ids: for pages of them, and for those of a batch. */
import type { Migration } from './migration.ts';

export const ROLLOUT_PAGES: Migration = () => `
  CREATE INDEX assignment_in_rollout ON assignment (rollout_id, id);
`;
