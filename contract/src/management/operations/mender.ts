/** How Mender clients are let in: nothing is accepted that nobody said. */
import { z } from 'zod';
import { MENDER_REQUEST_STATES, menderAcceptance, menderPreauthorisation, menderRequest } from '../resources/mender.ts';
import { byId, cursor, limit, type OperationTable, page } from './operation.ts';

export const MENDER_REGISTRY_OPERATIONS = {
  listMenderRequests: {
    method: 'GET',
    path: '/api/v1/mender/requests',
    summary: 'Mender devices that asked to be let in, and what became of it; oldest first',
    allow: 'device:read',
    query: z.strictObject({ state: z.enum(MENDER_REQUEST_STATES).optional(), cursor, limit }),
    response: page(menderRequest),
    errors: [],
  },
  acceptMenderRequest: {
    method: 'POST',
    path: '/api/v1/mender/requests/{id}/accept',
    summary: 'Let a Mender device in, under a name and with a model',
    allow: 'device:write',
    params: byId,
    body: menderAcceptance,
    response: menderRequest,
    errors: ['MENDER_REQUEST_UNKNOWN', 'DEVICE_EXISTS', 'DEVICE_UNKNOWN'],
  },
  rejectMenderRequest: {
    method: 'POST',
    path: '/api/v1/mender/requests/{id}/reject',
    summary: 'Keep a Mender device out; one that was let in is shut out at once',
    allow: 'device:write',
    params: byId,
    body: z.strictObject({}),
    response: menderRequest,
    errors: ['MENDER_REQUEST_UNKNOWN'],
  },
  preauthoriseMender: {
    method: 'POST',
    path: '/api/v1/mender/preauthorised',
    summary: 'Add a Mender device whose identity and key are known before it asks',
    allow: 'device:write',
    body: menderPreauthorisation,
    response: menderRequest,
    errors: ['DEVICE_EXISTS', 'MENDER_REQUEST_EXISTS', 'MENDER_KEY_UNSUITABLE'],
  },
} as const satisfies OperationTable;
