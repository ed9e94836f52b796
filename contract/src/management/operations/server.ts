/** The server itself. */
import { z } from 'zod';
import { type OperationTable } from './operation.ts';

export const SERVER_OPERATIONS = {
  health: {
    method: 'GET',
    path: '/api/v1/health',
    summary: 'Whether the process works; `ledgerSize` is null while its database does not answer',
    allow: 'open',
    response: z.strictObject({ status: z.literal('ok'), ledgerSize: z.number().int().nullable() }),
    errors: [],
  },
  ready: {
    method: 'GET',
    path: '/api/v1/ready',
    summary: 'Whether this process takes requests: database, objects and keys are there, and it is not about to stop',
    allow: 'open',
    response: z.strictObject({ status: z.literal('ready') }),
    errors: ['SERVER_NOT_READY'],
  },
  getMetrics: {
    method: 'GET',
    path: '/metrics',
    summary: 'Figures of this process and its database, as Prometheus reads them',
    allow: 'metrics:read',
    response: 'text',
    errors: [],
  },
} as const satisfies OperationTable;
