/** Objects that nobody needs any more on their way out of the store, and when a release was last worked on. */
import type { Migration } from './migration.ts';

export const OBJECT_RETENTION: Migration = (words) => `
  ALTER TABLE release ADD COLUMN changed_ms ${words.integer} NOT NULL DEFAULT 0;
  UPDATE release SET changed_ms = COALESCE(
    (SELECT MAX(uploaded_ms) FROM artifact WHERE artifact.release_id = release.id), created_ms
  );
  CREATE INDEX artifact_by_sha256 ON artifact (sha256);
  CREATE TABLE doomed_object (
    sha256 TEXT PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('marked', 'deleting')),
    since_ms ${words.integer} NOT NULL
  )${words.keyedTable};
  INSERT INTO counter (name, value) VALUES ('objects-listed-ms', 0);
`;
