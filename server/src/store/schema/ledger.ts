/** Tables of the ledger, and the online keys that sign it and the freshness of the metadata. */
import type { Generated } from 'kysely';

export type LedgerSchema = {
  ledger_entry: { idx: number; envelope: Uint8Array; predicate_type: string; subject: string };
  /** What has no place yet: see store/ledger.ts. */
  ledger_pending: { id: Generated<number>; envelope: Uint8Array; predicate_type: string; subject: string };
  ledger_node: { level: number; idx: number; hash: Uint8Array };
  online_key: { role: string; key_id: string };
};
