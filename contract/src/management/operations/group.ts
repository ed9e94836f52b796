/** Groups of devices. */
import { z } from 'zod';
import { deviceGroup, groupName } from '../resources/group.ts';
import { cursor, done, ENDS, limit, type OperationTable, page } from './operation.ts';

const byName = z.strictObject({ name: groupName });

export const GROUP_OPERATIONS = {
  listGroups: {
    method: 'GET',
    path: '/api/v1/groups',
    summary: 'Saved filters, by name',
    allow: 'device:read',
    query: z.strictObject({ cursor, limit }),
    response: page(deviceGroup),
    errors: [],
  },
  getGroup: {
    method: 'GET',
    path: '/api/v1/groups/{name}',
    summary: 'A saved filter, and how many devices it names now',
    allow: 'device:read',
    params: byName,
    response: deviceGroup.extend({ devices: z.number().int().nonnegative(), isExact: z.boolean() }),
    volatile: ['devices', 'isExact'],
    errors: ['GROUP_UNKNOWN'],
  },
  putGroup: {
    method: 'PUT',
    path: '/api/v1/groups/{name}',
    summary: 'Save a filter under a name, or change it',
    allow: 'device:write',
    params: byName,
    body: z.strictObject({ filter: z.string().max(1024) }),
    response: deviceGroup,
    changes: { of: 'getGroup', creates: true },
    errors: ['FILTER_MALFORMED', 'FILTER_TOO_LARGE', 'FILTER_GROUP_UNKNOWN', 'FILTER_GROUP_CYCLE', 'GROUP_TOO_MANY'],
  },
  deleteGroup: {
    method: 'DELETE',
    path: '/api/v1/groups/{name}',
    summary: 'Forget a saved filter that no rollout and no other group uses',
    allow: 'device:write',
    params: byName,
    response: done,
    changes: { of: 'getGroup', unguarded: ENDS },
    errors: ['GROUP_UNKNOWN', 'GROUP_IN_USE'],
  },
} as const satisfies OperationTable;
