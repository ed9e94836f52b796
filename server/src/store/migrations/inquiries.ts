/** Inquiries to suppliers: what was asked, what was answered round by round, and the files that came with it. */
import type { Migration } from './migration.ts';

export const INQUIRIES: Migration = (words) => `
  CREATE TABLE inquiry (
    id ${words.id}, tenant_id ${words.integer} NOT NULL REFERENCES tenant, product TEXT NOT NULL, record TEXT NOT NULL,
    due_on TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('open', 'submitted', 'accepted', 'withdrawn')),
    round ${words.integer} NOT NULL, link_sha256 ${words.bytes}, link_expires_ms ${words.integer}, draft TEXT,
    revision ${words.integer} NOT NULL, ended_reason TEXT, made_by TEXT NOT NULL, made_ms ${words.integer} NOT NULL
  )${words.table};
  CREATE INDEX inquiry_by_tenant ON inquiry (tenant_id, id);
  CREATE UNIQUE INDEX inquiry_by_link ON inquiry (link_sha256);
  CREATE TABLE inquiry_round (
    inquiry_id ${words.integer} NOT NULL REFERENCES inquiry, round ${words.integer} NOT NULL, answers TEXT NOT NULL,
    answered_by TEXT NOT NULL, submitted_ms ${words.integer} NOT NULL,
    verdict TEXT CHECK (verdict IN ('accepted', 'asked-again')), reviewed_by TEXT, review_note TEXT,
    PRIMARY KEY (inquiry_id, round)
  )${words.keyedTable};
  CREATE TABLE inquiry_file (
    inquiry_id ${words.integer} NOT NULL REFERENCES inquiry, sha256 TEXT NOT NULL, tenant_id ${words.integer} NOT NULL,
    size_bytes ${words.integer} NOT NULL, added_ms ${words.integer} NOT NULL, PRIMARY KEY (inquiry_id, sha256)
  )${words.keyedTable};
  CREATE INDEX inquiry_file_by_sha256 ON inquiry_file (sha256);
`;
