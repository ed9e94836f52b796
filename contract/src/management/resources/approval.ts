/** What people say about a rollout before it may start. */
import { z } from 'zod';
import { numericId, sha256Hex, time } from './names.ts';
import { approvalSignature } from './sign-in.ts';

export const approval = z.strictObject({
  rolloutId: numericId,
  /** How many people must approve; 0: none. */
  required: z.number().int(),
  isApproved: z.boolean(),
  /** The exact rollout as JSON: what is approved. */
  document: z.string(),
  /** SHA-256 of `document`: the challenge of a passkey, the subject of a statement. */
  digest: sha256Hex,
  verdicts: z.array(
    z.strictObject({
      personId: numericId,
      verdict: z.enum(['approved', 'denied']),
      /** False for what was withdrawn, or said about something else than the rollout is now. */
      isInForce: z.boolean(),
      /** Why not: taken back, about what the rollout no longer is, by its author, by somebody shut out or without the role. */
      notInForce: z.enum(['withdrawn', 'changed', 'author', 'shut-out', 'no-role']).nullable(),
      signedWith: z.string().nullable(),
      reason: z.string().nullable(),
      at: time,
      withdrawnAt: time.nullable(),
    }),
  ),
});
export type RolloutApproval = z.infer<typeof approval>;

export const newApproval = z.strictObject({ signature: approvalSignature });
export const newDenial = z.strictObject({ reason: z.string().min(1).max(1024) });
