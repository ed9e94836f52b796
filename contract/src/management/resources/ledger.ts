/** Checkpoints, entries and proofs of the ledger. */
import { z } from 'zod';
import { base64, sha256Hex } from './names.ts';

export const checkpoint = z.strictObject({
  note: z.string(),
  vkey: z.string(),
  size: z.number().int().nonnegative(),
  rootHash: sha256Hex,
});

export const ledgerEntry = z.strictObject({
  index: z.number().int().nonnegative(),
  predicateType: z.string(),
  subject: z.string(),
  /** The DSSE envelope, base64 of its bytes. */
  envelope: base64,
});
export type LedgerEntry = z.infer<typeof ledgerEntry>;

export const ledgerProof = z.strictObject({
  index: z.number().int().nonnegative(),
  size: z.number().int().nonnegative(),
  hashes: z.array(sha256Hex),
  note: z.string(),
});
