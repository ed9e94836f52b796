/** Tables of rollouts, waves and assignments. */
import type { AssignmentState, RolloutState, SuccessKind } from '@pawl/contract/management';
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
};

export type RolloutSchema = {
  rollout: {
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
  };
  wave: { rollout_id: number; position: number; state: 'waiting' | 'running' | 'done'; started_ms: number | null };
  wave_device: { rollout_id: number; position: number; device_id: number };
  assignment: AssignmentColumns;
  assignment_log: { id: Generated<number>; assignment_id: number; at_ms: number; status: string; messages: string };
};

export type AssignmentTable = Selectable<AssignmentColumns>;
export type RolloutTable = Selectable<RolloutSchema['rollout']>;
