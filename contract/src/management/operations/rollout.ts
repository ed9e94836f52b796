/** Rollouts and assignments. */
import { z } from 'zod';
import { assignment } from '../resources/assignment.ts';
import { controllerId } from '../resources/names.ts';
import { newRollout, rollout } from '../resources/rollout.ts';
import { byId, cursor, id, limit, type OperationTable, page } from './operation.ts';

export const ROLLOUT_OPERATIONS = {
  createRollout: {
    method: 'POST',
    path: '/api/v1/rollouts',
    summary: 'A rollout of a published release to the devices that a filter names',
    allow: 'rollout:write',
    body: newRollout,
    response: rollout,
    errors: [
      'RELEASE_UNKNOWN',
      'RELEASE_NOT_PUBLISHED',
      'FILTER_MALFORMED',
      'FILTER_TOO_LARGE',
      'FILTER_GROUP_UNKNOWN',
      'FILTER_GROUP_CYCLE',
      'ROLLOUT_BELOW_FLOOR',
      'ROLLOUT_EMPTY',
      'ROLLOUT_SCHEDULE_INVALID',
      'ROLLOUT_NOT_SECURITY',
      'TIME_ZONE_UNKNOWN',
    ],
  },
  listRollouts: {
    method: 'GET',
    path: '/api/v1/rollouts',
    summary: 'Rollouts, newest first',
    allow: 'rollout:read',
    query: z.strictObject({ cursor, limit }),
    response: page(rollout),
    errors: [],
  },
  getRollout: {
    method: 'GET',
    path: '/api/v1/rollouts/{id}',
    summary: 'One rollout with its counts by state',
    allow: 'rollout:read',
    line: 'rollout',
    params: byId,
    response: rollout,
    volatile: ['devices', 'counts', 'succeeded', 'outcomes', 'waves'],
    errors: ['ROLLOUT_UNKNOWN'],
  },
  changeRollout: {
    method: 'POST',
    path: '/api/v1/rollouts/{id}/{verb}',
    summary:
      'Start, pause, resume or stop a rollout, try again the devices that failed, or start the next wave now. Devices that are done are not affected',
    allow: 'rollout:write',
    line: 'rollout',
    params: z.strictObject({ id, verb: z.enum(['start', 'pause', 'resume', 'stop', 'retry', 'next']) }),
    body: z.strictObject({}),
    response: rollout,
    changes: {
      of: 'getRollout',
      unguarded: 'each verb is refused where the state does not allow it, and to stop a rollout nobody reads first',
    },
    errors: ['ROLLOUT_UNKNOWN', 'ROLLOUT_STATE_UNSUITABLE', 'ROLLOUT_NOTHING_TO_RETRY', 'ROLLOUT_LAST_WAVE'],
  },
  listAssignments: {
    method: 'GET',
    path: '/api/v1/assignments',
    summary: 'Assignments of a rollout or a device, oldest first',
    allow: 'rollout:read',
    query: z.strictObject({ rolloutId: id.optional(), controllerId: controllerId.optional(), cursor, limit }),
    response: page(assignment),
    errors: [],
  },
  cancelAssignment: {
    method: 'POST',
    path: '/api/v1/assignments/{id}/cancel',
    summary: 'Ask a device to stop; it may be too late, and then says so',
    allow: 'rollout:write',
    params: byId,
    body: z.strictObject({}),
    response: assignment,
    errors: ['ASSIGNMENT_UNKNOWN', 'ASSIGNMENT_FINAL'],
  },
} as const satisfies OperationTable;
