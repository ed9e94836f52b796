/** Tables of devices and gateways. */
import type { OptOut } from '@pawl/contract/management';
import type { Generated, Selectable } from 'kysely';

type DeviceColumns = {
  id: Generated<number>;
  tenant_id: number;
  controller_id: string;
  model: string;
  line: string | null;
  kind: 'pawl' | 'foreign';
  tags: string;
  /** JSON of what the device reports. */
  attributes: string;
  /** JSON of what operators set. */
  operator_attributes: string;
  public_key_pem: string | null;
  key_id: string | null;
  token_sha256: Uint8Array | null;
  wants_attributes: number;
  installed_version: string | null;
  /** The order of `installed_version` as text; empty when it is no semantic version. */
  version_key: string | null;
  installed_assignment_id: number | null;
  floor: string | null;
  report_counter: number;
  auto_confirm: string | null;
  /** Whether it ever showed itself with the credentials that it has now. */
  is_heard: Generated<number>;
  created_ms: number;
  enrolled_ms: number | null;
  decommissioned_ms: number | null;
  /** As operators set it. */
  time_zone: string | null;
  /** As the device says. */
  own_time_zone: string | null;
  /** What the user of the device does not want without being asked. */
  opt_out: Generated<OptOut>;
  /** The authority by whose certificate it is let in; with it, the certificate that counts. */
  authority_id: Generated<number | null>;
  certificate_serial: Generated<string | null>;
  certificate_until_ms: Generated<number | null>;
  /** The assignment of which it is asked to attest what it runs; null: none. */
  attest_assignment_id: Generated<number | null>;
  /** What it is in another tenant, that took it. */
  moved_to_id: Generated<number | null>;
};

export type DeviceSchema = {
  device: DeviceColumns;
  device_seen: { device_id: number; last_seen_ms: number };
  /** `controller_ids`: JSON list. */
  device_offer: {
    id: Generated<number>;
    code_sha256: Uint8Array;
    tenant_id: number;
    controller_ids: string;
    created_ms: number;
    expires_ms: number;
    taken_ms: number | null;
  };
  device_group: { tenant_id: number; name: string; filter: string; created_ms: number; updated_ms: number };
  /** With a key, `token_sha256` is that of a secret that nobody has. */
  gateway: {
    id: Generated<number>;
    tenant_id: number;
    name: string;
    token_sha256: Uint8Array;
    key_id: Generated<string | null>;
    previous_token_sha256: Generated<Uint8Array | null>;
    previous_key_id: Generated<string | null>;
    previous_until_ms: Generated<number | null>;
  };
  gateway_device: { gateway_id: number; controller_id: string };
};

export type DeviceTable = Selectable<DeviceColumns>;
