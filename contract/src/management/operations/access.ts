/** Who may use the management API. */
import { z } from 'zod';
import { login, newToken, token, tokenId } from '../resources/access.ts';
import { done, type OperationTable } from './operation.ts';

export const ACCESS_OPERATIONS = {
  login: {
    method: 'POST',
    path: '/api/v1/login',
    summary: 'Exchange the one-time claim of the first run for an API token',
    allow: 'open',
    body: login,
    response: z.strictObject({ token: z.string(), tenant: z.string() }),
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
    summary: 'Make an API token of a role; shown once',
    allow: 'people:write',
    body: newToken,
    response: token.extend({ token: z.string() }),
    errors: [],
  },
  revokeToken: {
    method: 'DELETE',
    path: '/api/v1/tokens/{tokenId}',
    summary: 'Revoke an API token at once. Without an admin left, the next start of the server prints a claim again',
    allow: 'people:write',
    params: z.strictObject({ tokenId }),
    response: done,
    errors: ['TOKEN_UNKNOWN'],
  },
} as const satisfies OperationTable;
