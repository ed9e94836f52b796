/** Tables of Mender clients, and of what a published foreign image says about itself. */
import type { MenderRequestState } from '@pawl/contract/management';
import type { Generated, Selectable } from 'kysely';

type MenderAuthColumns = {
  id: Generated<number>;
  tenant_id: number;
  /** What the device says it is: JSON with sorted names, and its SHA-256. */
  identity: string;
  identity_sha256: Uint8Array;
  public_key_pem: string;
  key_id: string;
  state: MenderRequestState;
  device_id: number | null;
  token_sha256: Uint8Array | null;
  token_expires_ms: number | null;
  /** Opens the download of one assignment. */
  ticket_sha256: Uint8Array | null;
  ticket_assignment_id: number | null;
  created_ms: number;
  heard_ms: number | null;
};

export type MenderSchema = {
  mender_auth: MenderAuthColumns;
  /** `facts` is JSON, by format. */
  release_image: { release_id: number; name: string; format: string; facts: string };
};

export type MenderAuthTable = Selectable<MenderAuthColumns>;
