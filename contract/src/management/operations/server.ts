/** The server itself. */
import { z } from 'zod';
import { type OperationTable } from './operation.ts';

export const SERVER_OPERATIONS = {
  health: {
    method: 'GET',
    path: '/api/v1/health',
    summary: 'Whether the server can do its work',
    allow: 'open',
    response: z.strictObject({ status: z.literal('ok'), ledgerSize: z.number().int() }),
    errors: [],
  },
} as const satisfies OperationTable;
