/** Tables of the ledger, and the online keys that sign it and the freshness of the metadata. */
import type { Generated } from 'kysely';

export type LedgerSchema = {
  /** `tenant_id`: null for entries of a time when they were not told apart. */
  ledger_entry: {
    idx: number;
    envelope: Uint8Array;
    predicate_type: string;
    subject: string;
    tenant_id: number | null;
  };
  /** What has no place yet: see store/ledger.ts. */
  ledger_pending: {
    id: Generated<number>;
    envelope: Uint8Array;
    predicate_type: string;
    subject: string;
    tenant_id: number | null;
  };
  ledger_node: { level: number; idx: number; hash: Uint8Array };
  online_key: { role: string; key_id: string };
};

export type LedgerEntryTable = LedgerSchema['ledger_entry'];
