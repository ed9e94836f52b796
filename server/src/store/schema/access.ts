/** Tables of tenants, claims and API tokens. */
import type { Generated } from 'kysely';

export type AccessSchema = {
  tenant: { id: Generated<number>; name: string };
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
};
