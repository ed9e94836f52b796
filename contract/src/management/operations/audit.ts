/** The audit. */
import { z } from 'zod';
import { auditEntry } from '../resources/audit.ts';
import { cursor, limit, type OperationTable, page } from './operation.ts';

const selection = {
  actor: z.string().max(64).optional(),
  operation: z.string().max(64).optional(),
  from: z.iso.datetime().optional(),
  to: z.iso.datetime().optional(),
};

export const AUDIT_OPERATIONS = {
  listAudit: {
    method: 'GET',
    path: '/api/v1/audit',
    summary: 'Who did what through this API, newest first',
    allow: 'audit:read',
    query: z.strictObject({ ...selection, cursor, limit }),
    response: page(auditEntry),
    errors: [],
  },
  exportAudit: {
    method: 'GET',
    path: '/api/v1/audit/export',
    summary: 'The same as a file, newest first; at most 50,000 entries, so choose a time',
    allow: 'audit:read',
    query: z.strictObject({ ...selection, format: z.enum(['csv', 'json']) }),
    response: 'bytes',
    responseType: 'application/octet-stream',
    errors: ['AUDIT_TOO_LARGE'],
  },
} as const satisfies OperationTable;
