/** What was answered to requests that came with an Idempotency-Key; see store/kept-answers.ts. */
import type { Migration } from './migration.ts';

export const KEPT_ANSWERS: Migration = (words) => `
  CREATE TABLE kept_answer (
    credential TEXT NOT NULL, key_sha256 ${words.bytes} NOT NULL, request_sha256 ${words.bytes} NOT NULL,
    answer ${words.bytes}, created_ms ${words.integer} NOT NULL, PRIMARY KEY (credential, key_sha256)
  )${words.keyedTable};
  CREATE INDEX kept_answer_by_age ON kept_answer (created_ms);
`;
