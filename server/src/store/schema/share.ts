/** Table of shares. */
import type { OperatorRole } from '@pawl/contract/management';
import type { Generated, Selectable } from 'kysely';

type ShareColumns = {
  id: Generated<number>;
  tenant_id: number;
  product: string;
  audience: string;
  role: OperatorRole;
  /** JSON: numbers of documents. */
  documents: string;
  includes_devices: number;
  link_sha256: Uint8Array;
  code_sha256: Uint8Array | null;
  expires_ms: number;
  made_by: string;
  made_ms: number;
  visits: number;
  last_visit_ms: number | null;
  revoked_ms: number | null;
  revoked_reason: string | null;
};

export type ShareSchema = { share: ShareColumns };
export type ShareTable = Selectable<ShareColumns>;
