/**
 * Secrets of webhooks are sealed; those that stand here as they are get sealed when a server starts, which has the key. The
 * secret that marked challenges is derived from that key now.
 */
import type { Migration } from './migration.ts';

export const SEALED_SECRETS: Migration = (words) => `
  ALTER TABLE webhook ADD COLUMN is_sealed ${words.integer} NOT NULL DEFAULT 0;
  DELETE FROM server_secret;
`;
