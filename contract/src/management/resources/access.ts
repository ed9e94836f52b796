/** API tokens and the first login. */
import { z } from 'zod';
import { ROLES } from '../permissions.ts';
import { time } from './names.ts';

/** Names a token and opens nothing. */
export const tokenId = z.string().regex(/^[0-9a-f]{16}$/);
const tokenLabel = z.string().min(1).max(64);

export const newToken = z.strictObject({ label: tokenLabel, role: z.enum(ROLES) });
export const token = newToken.extend({ id: tokenId, createdAt: time });
export type Token = z.infer<typeof token>;

export const login = z.strictObject({ claim: z.string().max(128), label: tokenLabel });
