/** Webhooks: how far each is in the stream, and what was given up. */
import type { Migration } from './migration.ts';

export const WEBHOOKS: Migration = (words) => `
  CREATE TABLE webhook (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, url TEXT NOT NULL, types TEXT, line TEXT,
    state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'suspended')), secret ${words.bytes} NOT NULL,
    previous_secret ${words.bytes}, previous_until_ms ${words.integer}, done_seq ${words.integer} NOT NULL,
    attempts ${words.integer} NOT NULL, next_ms ${words.integer} NOT NULL, lease TEXT, lease_until_ms ${words.integer} NOT NULL,
    dead_in_a_row ${words.integer} NOT NULL, last_outcome TEXT, missed ${words.integer} NOT NULL,
    created_ms ${words.integer} NOT NULL
  )${words.table};
  CREATE INDEX webhook_by_tenant ON webhook (tenant_id, id);
  CREATE TABLE dead_letter (
    id ${words.id}, webhook_id ${words.integer} NOT NULL REFERENCES webhook, seq ${words.integer} NOT NULL, type TEXT NOT NULL,
    body TEXT NOT NULL, attempts ${words.integer} NOT NULL, last_outcome TEXT NOT NULL, is_queued ${words.integer} NOT NULL,
    died_ms ${words.integer} NOT NULL
  )${words.table};
  CREATE INDEX dead_letter_by_webhook ON dead_letter (webhook_id, id);
  CREATE INDEX dead_letter_queued ON dead_letter (webhook_id, id) WHERE is_queued = 1;
`;
