/** What lets somebody use the management API: the one-time claim, and API tokens. */
import { z } from 'zod';
import { login, newOwnToken, newToken, token, tokenId } from '../resources/access.ts';
import { done, type OperationTable } from './operation.ts';

const shownOnce = token.extend({ token: z.string() });
const byToken = z.strictObject({ tokenId });

export const ACCESS_OPERATIONS = {
  login: {
    method: 'POST',
    path: '/api/v1/login',
    summary: 'Exchange a one-time claim (of the first run, or an invitation) for an API token of the person',
    allow: 'open',
    body: login,
    response: z.strictObject({ token: z.string(), tenant: z.string(), expiresAt: z.iso.datetime() }),
    errors: ['CLAIM_INVALID'],
  },
  listTokens: {
    method: 'GET',
    path: '/api/v1/tokens',
    summary: 'Who holds an API token; never the tokens themselves',
    allow: 'people:write',
    response: z.strictObject({ items: z.array(token) }),
    errors: [],
  },
  createToken: {
    method: 'POST',
    path: '/api/v1/tokens',
    summary: 'Make an API token for a machine, with no more than whoever makes it holds; shown once',
    allow: 'people:write',
    body: newToken,
    response: shownOnce,
    errors: ['TOKEN_EXCEEDS_MAKER'],
  },
  revokeToken: {
    method: 'DELETE',
    path: '/api/v1/tokens/{tokenId}',
    summary: 'Revoke an API token at once. When no admin can come in any more, the next start prints a claim again',
    allow: 'people:write',
    params: byToken,
    response: done,
    errors: ['TOKEN_UNKNOWN'],
  },
  listOwnTokens: {
    method: 'GET',
    path: '/api/v1/me/tokens',
    summary: 'The API tokens of the person who asks',
    allow: 'anybody',
    response: z.strictObject({ items: z.array(token) }),
    errors: [],
  },
  createOwnToken: {
    method: 'POST',
    path: '/api/v1/me/tokens',
    summary: 'Make an API token of your own, with no more than you hold; shown once',
    allow: 'anybody',
    body: newOwnToken,
    response: shownOnce,
    errors: ['TOKEN_EXCEEDS_MAKER', 'PERSON_REQUIRED'],
  },
  revokeOwnToken: {
    method: 'DELETE',
    path: '/api/v1/me/tokens/{tokenId}',
    summary: 'Revoke an API token of your own at once',
    allow: 'anybody',
    params: byToken,
    response: done,
    errors: ['TOKEN_UNKNOWN'],
  },
} as const satisfies OperationTable;
