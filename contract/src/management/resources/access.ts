/** API tokens and the first login. */
import { z } from 'zod';
import { PERMISSIONS, ROLES } from '../permissions.ts';
import { lineName, numericId, time } from './names.ts';

/** Names a token and opens nothing. */
export const tokenId = z.string().regex(/^[0-9a-f]{16}$/);
const tokenLabel = z.string().min(1).max(64);
const DAY_S = 86_400;
/** A token ends. A year is the longest that one may go unnoticed. */
const TOKEN_VALID_S_MAX = 365 * DAY_S;

const permissions = z.array(z.enum(PERMISSIONS)).min(1).max(PERMISSIONS.length);

/** What a token may do at most: less than its owner, if it says so. Without `lines` it is good for every product line. */
const scope = {
  label: tokenLabel,
  permissions: permissions.optional(),
  lines: z.array(lineName).min(1).max(64).optional(),
  validForS: z.number().int().min(60).max(TOKEN_VALID_S_MAX).optional(),
};

/** A token of whoever asks for it. Without `permissions`: all that the person may do. */
export const newOwnToken = z.strictObject(scope);
export type NewOwnToken = z.infer<typeof newOwnToken>;

/** A token of a machine that `label` names: the permissions of a role, or a list of them. */
export const newToken = z
  .strictObject({ ...scope, role: z.enum(ROLES).optional() })
  .refine(({ role, permissions }) => (role === undefined) !== (permissions === undefined), {
    error: 'either a role or permissions',
  });
export type NewToken = z.infer<typeof newToken>;

export const token = z.strictObject({
  id: tokenId,
  label: z.string(),
  /** Null: a machine's, which `label` names. */
  personId: numericId.nullable(),
  /** What it was given; a person's token does no more than the person may at the moment. */
  permissions: z.array(z.enum(PERMISSIONS)),
  lines: z.array(lineName).nullable(),
  createdAt: time,
  expiresAt: time,
  lastUsedAt: time.nullable(),
});
export type Token = z.infer<typeof token>;

export const login = z.strictObject({
  claim: z.string().max(128),
  label: tokenLabel,
  /** Of the first person of a server; whoever was invited has a name. */
  name: z.string().min(1).max(128).optional(),
});
