/** Of which day of an inquiry was told already. */
import type { Migration } from './migration.ts';

export const INQUIRY_REMINDERS: Migration = () => `
  ALTER TABLE inquiry ADD COLUMN reminded TEXT;
  CREATE INDEX inquiry_open ON inquiry (due_on) WHERE state = 'open';
`;
