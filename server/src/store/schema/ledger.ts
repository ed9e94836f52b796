/** Tables of the ledger, and the online keys that sign it and the freshness of the metadata. */
import type { Generated } from 'kysely';

/** How it stands with a witness: what came of asking it last, and the size that it cosigned last. */
export type LedgerWitnessTable = {
  witness: string;
  size: number;
  state: 'cosigned' | 'unreachable' | 'refused' | 'set-back' | 'forked';
  detail: string;
  asked_ms: number;
  cosigned_ms: number | null;
};

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
  /** The witness is its verification key. */
  ledger_cosignature: { size: number; witness: string; line: string };
  ledger_witness: LedgerWitnessTable;
  online_key: { role: string; key_id: string };
};

export type LedgerEntryTable = LedgerSchema['ledger_entry'];
