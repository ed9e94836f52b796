/** Who may look at the evidence of one product by a link: importers, distributors, buyers, authorities. */
import { z } from 'zod';
import { name, numericId, productName, sentence, time } from './names.ts';

export const OPERATOR_ROLES = ['importer', 'distributor', 'marketplace', 'buyer', 'authority'] as const;
export type OperatorRole = (typeof OPERATOR_ROLES)[number];

const scope = {
  product: productName,
  /** Who it is for, by name. */
  audience: name,
  role: z.enum(OPERATOR_ROLES),
  /** Documents of the vault that are shown; others are not. */
  documents: z.array(numericId).max(100),
  /** Reports of devices, which name them, are in the bundle. */
  includesDevices: z.boolean(),
};

export const newShare = z.strictObject({
  ...scope,
  documents: scope.documents.optional(),
  includesDevices: scope.includesDevices.optional(),
  /** Besides the link a code is asked for, which goes another way. */
  needsCode: z.boolean().optional(),
  validForDays: z.number().int().min(1).max(366).optional(),
});
export type NewShare = z.infer<typeof newShare>;

export const share = z.strictObject({
  id: numericId,
  ...scope,
  needsCode: z.boolean(),
  state: z.enum(['open', 'expired', 'revoked']),
  expiresAt: time,
  madeBy: z.string(),
  madeAt: time,
  /** How often somebody looked, and when last. */
  visits: z.number().int().nonnegative(),
  lastVisitAt: time.nullable(),
  revokedReason: z.string().nullable(),
});
export type Share = z.infer<typeof share>;

/** Both secrets are shown once. */
export const sentShare = z.strictObject({ share, path: z.string(), code: z.string().nullable() });
export const shareEnd = z.strictObject({ reason: sentence });
