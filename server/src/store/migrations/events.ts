/** Events, written with what they tell. Those without a place in the stream are few: the index over them stays small. */
import type { Migration } from './migration.ts';

export const EVENTS: Migration = (words) => `
  CREATE TABLE event (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, seq ${words.integer}, type TEXT NOT NULL,
    subject TEXT NOT NULL, line TEXT, data TEXT NOT NULL, at_ms ${words.integer} NOT NULL
  )${words.table};
  CREATE UNIQUE INDEX event_by_seq ON event (tenant_id, seq);
  CREATE INDEX event_without_seq ON event (id) WHERE seq IS NULL;
`;
