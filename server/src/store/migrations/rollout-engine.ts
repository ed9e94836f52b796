/**
 * Waves with thresholds, the plan of a rollout, its devices with their outcomes, and counts that cost no counting.
 *
 * `rollout_member.position` is the wave that gave the device its place; 0 without a place, -1 for devices that joined
 * later. `draw` is the order in which devices get their turn: spread over the ids, so that no wave is the oldest devices.
 * `rollout_tally` holds changes of counts; their sum is the count, and the engine sums them up from time to time.
 */
import type { Migration } from './migration.ts';

const columns: Migration = (words) => `
  ALTER TABLE rollout ADD COLUMN weight ${words.integer} NOT NULL DEFAULT 500;
  ALTER TABLE rollout ADD COLUMN start_ms ${words.integer};
  ALTER TABLE rollout ADD COLUMN end_ms ${words.integer};
  ALTER TABLE rollout ADD COLUMN is_dynamic ${words.integer} NOT NULL DEFAULT 0;
  ALTER TABLE rollout ADD COLUMN plan TEXT NOT NULL DEFAULT '{"halt":{"confidencePercent":95,"minAnswers":5},"ratePerMinute":null,"ramp":null,"timeOutS":{"answer":31536000,"install":31536000},"retry":{"attempts":1},"despiteFloor":false}';
  ALTER TABLE rollout ADD COLUMN devices ${words.integer} NOT NULL DEFAULT 0;
  ALTER TABLE rollout ADD COLUMN halted_by TEXT;
  ALTER TABLE rollout ADD COLUMN recent_offers TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE rollout ADD COLUMN sweep_after ${words.integer} NOT NULL DEFAULT 0;
  CREATE INDEX rollout_by_state ON rollout (state);
  ALTER TABLE wave ADD COLUMN share_bp ${words.integer};
  ALTER TABLE wave ADD COLUMN places ${words.integer};
  ALTER TABLE wave ADD COLUMN size ${words.integer};
  ALTER TABLE wave ADD COLUMN success_bp ${words.integer} NOT NULL DEFAULT 0;
  ALTER TABLE wave ADD COLUMN error_bp ${words.integer} NOT NULL DEFAULT 10000;
  ALTER TABLE wave ADD COLUMN soak_s ${words.integer} NOT NULL DEFAULT 0;
  ALTER TABLE wave ADD COLUMN soaking_ms ${words.integer};
  ALTER TABLE wave ADD COLUMN ended_ms ${words.integer};
  ALTER TABLE wave ADD COLUMN excused_answered ${words.integer} NOT NULL DEFAULT 0;
  ALTER TABLE wave ADD COLUMN excused_errors ${words.integer} NOT NULL DEFAULT 0;
  ALTER TABLE assignment ADD COLUMN due_ms ${words.integer};
  CREATE INDEX assignment_due ON assignment (due_ms) WHERE active = 1;
`;

const tables: Migration = (words) => `
  CREATE TABLE rollout_member (
    rollout_id ${words.integer} NOT NULL REFERENCES rollout, device_id ${words.integer} NOT NULL REFERENCES device,
    position ${words.integer} NOT NULL, draw ${words.integer} NOT NULL, outcome TEXT NOT NULL,
    attempts ${words.integer} NOT NULL, assignment_id ${words.integer}, proof_due_ms ${words.integer},
    PRIMARY KEY (rollout_id, device_id)
  )${words.keyedTable};
  CREATE TABLE rollout_tally (
    id ${words.id}, rollout_id ${words.integer} NOT NULL REFERENCES rollout, position ${words.integer} NOT NULL,
    outcome TEXT NOT NULL, change ${words.integer} NOT NULL
  )${words.table};
  CREATE TABLE counter (name TEXT PRIMARY KEY, value ${words.integer} NOT NULL)${words.keyedTable};
  INSERT INTO counter (name, value) SELECT 'assignment', COALESCE(MAX(id), 10) FROM assignment;
`;

/** A rollout of the old kind has one wave, and one assignment a device. */
const rows: Migration = () => `
  INSERT INTO rollout_member (rollout_id, device_id, position, draw, outcome, attempts, assignment_id)
    SELECT w.rollout_id, w.device_id, CASE WHEN a.id IS NULL THEN 0 ELSE 1 END, w.device_id,
      CASE
        WHEN a.id IS NULL THEN CASE WHEN r.state = 'ready' THEN 'waiting' ELSE 'cancelled' END
        WHEN a.active = 1 THEN 'active'
        WHEN a.state = 'confirmed' THEN 'succeeded'
        WHEN a.state = 'reported' AND (r.success_kind = 'reported' OR a.version_seen_ms IS NOT NULL) THEN 'succeeded'
        WHEN a.state = 'reported' THEN 'unproven'
        WHEN a.state = 'cancelled' THEN 'cancelled'
        ELSE 'failed'
      END,
      CASE WHEN a.id IS NULL THEN 0 ELSE 1 END, a.id
    FROM wave_device AS w
      INNER JOIN rollout AS r ON r.id = w.rollout_id
      LEFT JOIN assignment AS a ON a.rollout_id = w.rollout_id AND a.device_id = w.device_id;
  DROP TABLE wave_device;
  INSERT INTO rollout_tally (rollout_id, position, outcome, change)
    SELECT rollout_id, position, outcome, COUNT(*) FROM rollout_member GROUP BY rollout_id, position, outcome;
  UPDATE rollout SET devices = (SELECT COUNT(*) FROM rollout_member WHERE rollout_id = rollout.id);
  CREATE INDEX rollout_member_waiting ON rollout_member (rollout_id, position, draw) WHERE outcome = 'waiting';
  CREATE INDEX rollout_member_retry ON rollout_member (rollout_id, draw) WHERE outcome = 'retry';
  CREATE INDEX rollout_member_blocked ON rollout_member (device_id) WHERE outcome = 'blocked';
  CREATE INDEX rollout_member_proof ON rollout_member (proof_due_ms) WHERE outcome = 'proving';
  CREATE INDEX rollout_tally_by_rollout ON rollout_tally (rollout_id);
`;

export const ROLLOUT_ENGINE: Migration = (words) => [columns, tables, rows].map((step) => step(words)).join('');
