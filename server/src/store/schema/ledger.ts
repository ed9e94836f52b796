/** Tables of the ledger. */

export type LedgerSchema = {
  ledger_entry: { idx: number; envelope: Uint8Array; predicate_type: string; subject: string };
  ledger_node: { level: number; idx: number; hash: Uint8Array };
};
