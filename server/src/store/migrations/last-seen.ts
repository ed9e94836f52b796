/**
 * Last-seen times get a narrow table of their own. They change all the time: in the wide rows of the devices each change
 * rewrote a page that holds few of them, and a fleet of a million wrote hundreds of megabytes a minute to say "still there".
 * What counts for enrolment is only whether a device was ever heard of; that stays with the device. No reference to it:
 * checking that would cost more than the write, and rows of devices stay for good.
 */
import type { Migration } from './migration.ts';

export const LAST_SEEN: Migration = (words) => `
  CREATE TABLE device_seen (
    device_id ${words.integer} PRIMARY KEY, last_seen_ms ${words.integer} NOT NULL
  )${words.table};
  INSERT INTO device_seen (device_id, last_seen_ms)
    SELECT id, last_seen_ms FROM device WHERE last_seen_ms IS NOT NULL ORDER BY id;
  ALTER TABLE device ADD COLUMN is_heard ${words.integer} NOT NULL DEFAULT 0;
  UPDATE device SET is_heard = 1 WHERE last_seen_ms IS NOT NULL;
  ALTER TABLE device DROP COLUMN last_seen_ms;
`;
