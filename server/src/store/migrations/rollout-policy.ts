/**
 * When devices install, how users are asked, and what a release is for. The zone of a device is what operators set, else
 * what it says itself.
 */
import type { Migration } from './migration.ts';

export const ROLLOUT_POLICY: Migration = (words) => `
  ALTER TABLE device ADD COLUMN time_zone TEXT;
  ALTER TABLE device ADD COLUMN own_time_zone TEXT;
  ALTER TABLE device ADD COLUMN opt_out TEXT NOT NULL DEFAULT 'none';
  ALTER TABLE rollout ADD COLUMN policy TEXT NOT NULL DEFAULT '{}';
  ALTER TABLE assignment ADD COLUMN ask_after_ms ${words.integer};
  ALTER TABLE assignment ADD COLUMN postponements ${words.integer} NOT NULL DEFAULT 0;
  ALTER TABLE release ADD COLUMN urgency TEXT NOT NULL DEFAULT 'mixed';
  ALTER TABLE release ADD COLUMN advice TEXT NOT NULL DEFAULT '{}';
  ALTER TABLE tenant ADD COLUMN policy TEXT NOT NULL DEFAULT '{}';
`;
