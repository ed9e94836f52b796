/** Who made a token for a machine, and whether a person or a machine made a rollout. Unknown for what was made before. */
import type { Migration } from './migration.ts';

export const AUTHORS: Migration = (words) => `
  ALTER TABLE token ADD COLUMN made_by_person_id ${words.integer};
  ALTER TABLE rollout ADD COLUMN author TEXT;
`;
