/** Checkpoints, entries and proofs of the ledger. */
import { z } from 'zod';
import { base64, day, lineName, productName, releaseVersion, sha256Hex } from './names.ts';

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

/** How it stands with a witness. `set-back`, `forked`: it says that this ledger is not the one that it saw. */
export const ledgerWitness = z.strictObject({
  name: z.string(),
  vkey: z.string(),
  url: z.string(),
  state: z.enum(['not-asked', 'cosigned', 'unreachable', 'refused', 'set-back', 'forked']),
  /** Why not, in words. */
  detail: z.string(),
  /** How many entries it cosigned last, and when by its own clock. */
  size: z.number().int().nonnegative(),
  cosignedAt: z.iso.datetime().nullable(),
  askedAt: z.iso.datetime().nullable(),
});
export type LedgerWitness = z.infer<typeof ledgerWitness>;

/** A part of the ledger; with nothing named it is the whole. */
export const ledgerPart = z
  .strictObject({
    product: productName.optional(),
    line: lineName.optional(),
    /** Of the line. */
    version: releaseVersion.optional(),
    /** First and last day (UTC). */
    since: day.optional(),
    until: day.optional(),
  })
  .refine(({ line, version }) => version === undefined || line !== undefined, {
    path: ['version'],
    message: 'with a line',
  });
export type LedgerPart = z.infer<typeof ledgerPart>;
