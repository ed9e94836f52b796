/**
 * The tables of the server, as types. Times are milliseconds since 1970 (UTC), digests are raw bytes where they are
 * compared and hex where they are names, numbers that may pass 2^53 are decimal text.
 */
import type { AssignmentState, RolloutState, SuccessKind } from '@pawl/contract/management';
import type { Generated, Selectable } from 'kysely';

type DeviceColumns = {
  id: Generated<number>;
  tenant_id: number;
  controller_id: string;
  model: string;
  line: string | null;
  kind: 'pawl' | 'foreign';
  tags: string;
  attributes: string;
  public_key_pem: string | null;
  key_id: string | null;
  token_sha256: Uint8Array | null;
  wants_attributes: number;
  installed_version: string | null;
  installed_assignment_id: number | null;
  floor: string | null;
  report_counter: number;
  auto_confirm: string | null;
  last_seen_ms: number | null;
  created_ms: number;
  enrolled_ms: number | null;
  decommissioned_ms: number | null;
};

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

export type Schema = {
  tenant: { id: Generated<number>; name: string };
  line: { tenant_id: number; name: string; certificates: string };
  device: DeviceColumns;
  gateway: { id: Generated<number>; tenant_id: number; name: string; token_sha256: Uint8Array };
  gateway_device: { gateway_id: number; controller_id: string };
  claim: {
    sha256: Uint8Array;
    tenant_id: number;
    kind: 'device' | 'operator';
    controller_id: string | null;
    model: string | null;
    line: string | null;
    tags: string;
    expires_ms: number | null;
    used_ms: number | null;
  };
  api_token: { sha256: Uint8Array; tenant_id: number; label: string; role: string; created_ms: number };
  release: {
    id: Generated<number>;
    tenant_id: number;
    line: string;
    version: string;
    kind: 'pawl' | 'foreign';
    state: 'draft' | 'published';
    sequence_number: string | null;
    security_counter: string | null;
    statement: Uint8Array | null;
    created_ms: number;
    published_ms: number | null;
  };
  artifact: {
    release_id: number;
    name: string;
    size_bytes: number;
    sha256: string;
    sha1: string | null;
    md5: string | null;
    uploaded_ms: number | null;
  };
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
  ledger_entry: { idx: number; envelope: Uint8Array; predicate_type: string; subject: string };
  ledger_node: { level: number; idx: number; hash: Uint8Array };
  trust_file: { tenant_id: number; name: string; role: string; version: number; is_current: number; bytes: Uint8Array };
};

export type DeviceTable = Selectable<DeviceColumns>;
export type AssignmentTable = Selectable<AssignmentColumns>;
export type ReleaseTable = Selectable<Schema['release']>;
export type ArtifactTable = Selectable<Schema['artifact']>;
export type RolloutTable = Selectable<Schema['rollout']>;
