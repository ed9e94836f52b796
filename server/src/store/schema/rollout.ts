/** Tables of rollouts, waves and assignments. */
import type { AssignmentState, Outcome, RolloutState, SuccessKind, WaveState } from '@pawl/contract/management';
import type { Generated, Selectable } from 'kysely';

type AssignmentColumns = {
  id: number;
  tenant_id: number;
  device_id: number;
  release_id: number;
  rollout_id: number | null;
  state: AssignmentState;
  /** 1 until the state is final, then null: at most one active assignment a device (unique index). */
  active: number | null;
  is_forced: number;
  code: string | null;
  step: number | null;
  /** SHA-256 of the last final word of the device, so that the same word again is no error. */
  final_sha256: Uint8Array | null;
  /** When the device's own attributes first showed the version of the release, after it ended well. */
  version_seen_ms: number | null;
  created_ms: number;
  updated_ms: number;
  /** When the device has had its turn; null: whenever it likes. */
  due_ms: number | null;
  /** The user is not asked before this; null: at once. */
  ask_after_ms: number | null;
  postponements: Generated<number>;
  /** The verdict on what the device attested, its reasons as a JSON list, and when it was given; all null or none. */
  verdict: Generated<'affirming' | 'contraindicated' | null>;
  verdict_reasons: Generated<string | null>;
  verdict_ms: Generated<number | null>;
};

type RolloutColumns = {
  id: Generated<number>;
  tenant_id: number;
  name: string;
  release_id: number;
  filter: string;
  success_kind: SuccessKind;
  is_forced: number;
  needs_consent: number;
  state: RolloutState;
  created_ms: number;
  weight: number;
  start_ms: number | null;
  end_ms: number | null;
  is_dynamic: number;
  /** JSON of a StoredPlan (domain/rollout-plan.ts). */
  plan: string;
  /** How many it began with. */
  devices: number;
  /** JSON of the reason of the last automatic halt; null once people went on. */
  halted_by: string | null;
  /** JSON of RecentOffers (domain/pace.ts). */
  recent_offers: string;
  /** Device id up to which a dynamic rollout has looked for new devices in this round. */
  sweep_after: number;
  /** JSON of a StoredPolicy (domain/rollout-policy.ts). */
  policy: Generated<string>;
  approvals_required: Generated<number>;
  /** The person who made it, or made the token of the machine that did. */
  author_person_id: number | null;
  /** `person/<id>` or `token/<id>`. Null: made before it was kept. */
  author: string | null;
  returns_rollout_id: number | null;
};

/** Shares and thresholds in hundredths of a percent. */
type WaveColumns = {
  rollout_id: number;
  position: number;
  state: WaveState;
  started_ms: number | null;
  share_bp: number | null;
  places: number | null;
  /** Null until the rollout begins, and always for the last wave. */
  size: number | null;
  success_bp: number;
  error_bp: number;
  soak_s: number;
  soaking_ms: number | null;
  ended_ms: number | null;
  /** Answers and errors when people last went on in spite of them. */
  excused_answered: number;
  excused_errors: number;
};

type MemberColumns = {
  rollout_id: number;
  device_id: number;
  /** The wave that gave the device its place; 0: none yet, -1: none yet, and it joined later. */
  position: number;
  draw: number;
  outcome: Outcome;
  attempts: number;
  /** The last attempt. */
  assignment_id: number | null;
  proof_due_ms: number | null;
};

type VerdictColumns = {
  id: Generated<number>;
  rollout_id: number;
  person_id: number;
  verdict: 'approved' | 'denied';
  digest: string;
  signed_with: string | null;
  reason: string | null;
  at_ms: number;
  withdrawn_ms: number | null;
};

export type RolloutSchema = {
  rollout_verdict: VerdictColumns;
  rollout: RolloutColumns;
  wave: WaveColumns;
  rollout_member: MemberColumns;
  /** Changes of counts; a count is their sum. */
  rollout_tally: { id: Generated<number>; rollout_id: number; position: number; outcome: Outcome; change: number };
  /** Numbers that only rise: the last id of an assignment. */
  counter: { name: string; value: number };
  assignment: AssignmentColumns;
  assignment_log: { id: Generated<number>; assignment_id: number; at_ms: number; status: string; messages: string };
};

export type AssignmentTable = Selectable<AssignmentColumns>;
export type RolloutTable = Selectable<RolloutColumns>;
export type WaveTable = Selectable<WaveColumns>;
export type MemberTable = Selectable<MemberColumns>;
