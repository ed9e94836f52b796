/** Products as their manufacturer describes them, version by version, what does not apply to them, and how they stand. */
import { z } from 'zod';
import { day, lineName, name, numericId, productName, releaseVersion, sentence, sha256Hex, time } from './names.ts';

/** A product file is at most a million characters; JSON escapes some of them. */
export const PRODUCT_BODY_BYTES_MAX = 2 * 2 ** 20;
const text = z.string().max(1_000_000);

export const newProduct = z.strictObject({
  /** The product as YAML (or JSON, which is YAML). */
  source: text.min(1),
  /** More models of it as CSV. */
  models: z
    .array(z.strictObject({ name: z.string().min(1).max(255), csv: text }))
    .max(16)
    .optional(),
});

export const productRecord = z.strictObject({
  product: productName,
  name,
  line: lineName,
  version: numericId,
  /** Of the record as it is exported. */
  sha256: sha256Hex,
  models: z.array(productName),
  recordedBy: z.string(),
  recordedAt: time,
});
export type ProductRecord = z.infer<typeof productRecord>;

/** Documents that were frozen: the digest of the list of their digests. */
export const frozenDocuments = z.strictObject({
  release: releaseVersion,
  /** The day that they hold for. */
  on: day,
  files: z.number().int().min(1).max(10_000),
  /** Of `manifest.json`. */
  sha256: sha256Hex,
});
export type FrozenDocuments = z.infer<typeof frozenDocuments>;

const requirement = sentence.max(128);

export const newWaiver = z.strictObject({ model: productName, requirement, reason: sentence });

export const waiver = z.strictObject({
  id: numericId,
  product: productName,
  model: productName,
  requirement: z.string(),
  reason: z.string(),
  state: z.enum(['proposed', 'approved', 'refused', 'withdrawn']),
  author: z.string(),
  proposedAt: time,
  decidedBy: z.string().nullable(),
  decidedReason: z.string().nullable(),
  decidedAt: time.nullable(),
});
export type WaiverRecord = z.infer<typeof waiver>;

export const waiverDecision = z.strictObject({
  verdict: z.enum(['approve', 'refuse', 'withdraw']),
  reason: sentence.optional(),
});

const CELL_STATES = ['met', 'partial', 'gap', 'not-applicable', 'watch'] as const;
const count = z.number().int().nonnegative();

const proof = z.strictObject({
  kind: z.string(),
  grade: z.string(),
  title: z.string(),
  issuer: z.string(),
  issuedOn: z.string(),
  ageDays: z.number().int(),
  /** Last day on which it counts; null when it does not age. */
  until: z.string().nullable(),
  /** Place of the statement in the ledger. */
  entry: count.nullable(),
});

const cell = z.strictObject({
  model: productName,
  requirement: z.string(),
  title: z.string(),
  obligation: z.string(),
  state: z.enum(CELL_STATES),
  isApplicable: z.boolean(),
  appliesFrom: z.string().nullable(),
  reason: z.string().nullable(),
  approver: z.string().nullable(),
  counterparts: z.array(z.string()),
  proofs: z.array(proof),
  missing: z.array(z.strictObject({ kind: z.string(), reason: z.string().nullable() })),
});

const standing = {
  product: productName,
  name,
  version: numericId,
  on: day,
  /** Entries of the ledger that were there. */
  ledgerSize: count,
};

export const gapMatrix = z.strictObject({
  ...standing,
  counts: z.array(
    z.strictObject({
      model: productName,
      met: count,
      partial: count,
      gap: count,
      'not-applicable': count,
      watch: count,
    }),
  ),
  cells: z.array(cell),
});
export type GapMatrix = z.infer<typeof gapMatrix>;

export const taskQueue = z.strictObject({
  ...standing,
  tasks: z.array(
    z.strictObject({
      model: productName,
      requirement: z.string(),
      title: z.string(),
      appliesFrom: z.string().nullable(),
      isHardToChange: z.boolean(),
      markets: z.array(z.string()),
    }),
  ),
});

export const marketName = z.string().regex(/^[A-Z]{2,3}$/);

export const marketGate = z.strictObject({
  ...standing,
  model: productName,
  market: marketName,
  isHeld: z.boolean(),
  holding: z.array(z.strictObject({ requirement: z.string(), title: z.string() })),
  advice: count,
});
