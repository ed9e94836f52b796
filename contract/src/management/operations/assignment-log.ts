/** What devices said about their assignments. */
import { z } from 'zod';
import { assignmentLogEntry } from '../resources/assignment-log.ts';
import { byId, inUrl, type OperationTable } from './operation.ts';

export const ASSIGNMENT_LOG_OPERATIONS = {
  listAssignmentLog: {
    method: 'GET',
    path: '/api/v1/assignments/{id}/log',
    summary: 'What the device said about an assignment, newest first',
    allow: 'rollout:read',
    params: byId,
    query: z.strictObject({ limit: inUrl(z.number().int().min(1).max(1000)).optional() }),
    response: z.strictObject({ items: z.array(assignmentLogEntry) }),
    errors: ['ASSIGNMENT_UNKNOWN'],
  },
} as const satisfies OperationTable;
