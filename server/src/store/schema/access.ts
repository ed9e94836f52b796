/** Tables of tenants, claims, people and API tokens. Roles, permissions and lines are JSON lists of names. */
import type { Generated, Selectable } from 'kysely';

export type AccessSchema = {
  /** `policy`: JSON of what holds for all rollouts (acts/tenant-policy.ts). */
  tenant: { id: Generated<number>; name: string; policy: Generated<string> };
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
    /** Whom the claim of an operator lets in; null: the first person of the tenant. */
    person_id: number | null;
  };
  person: {
    id: Generated<number>;
    tenant_id: number;
    name: string;
    email: string | null;
    roles: string;
    state: 'active' | 'disabled';
    created_ms: number;
  };
  token: {
    sha256: Uint8Array;
    tenant_id: number;
    /** Null: a machine's. */
    person_id: number | null;
    label: string;
    permissions: string;
    /** The person who made it, for a machine or for itself; null: nobody knows any more. */
    made_by_person_id: number | null;
    /** Null: every line. */
    lines: string | null;
    created_ms: number;
    expires_ms: number;
    last_used_ms: number | null;
  };
};

export type PersonTable = Selectable<AccessSchema['person']>;
