/** When the device's own attributes first showed the release. */
import type { Migration } from './migration.ts';

export const VERSION_SEEN: Migration = (words) => `
  ALTER TABLE assignment ADD COLUMN version_seen_ms ${words.integer};
`;
