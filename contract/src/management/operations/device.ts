/** Devices and what lets them in. */
import { z } from 'zod';
import { device, newClaim, newDevice, newGateway } from '../resources/device.ts';
import { controllerId, numericId } from '../resources/names.ts';
import { byController, cursor, done, ENDS, limit, type OperationTable, page } from './operation.ts';

const MIB = 1024 * 1024;

export const REGISTRY_OPERATIONS = {
  listDevices: {
    method: 'GET',
    path: '/api/v1/devices',
    summary: 'Devices that match a filter, by controller id',
    allow: 'device:read',
    query: z.strictObject({ filter: z.string().max(1024).optional(), cursor, limit }),
    response: page(device),
    errors: ['FILTER_MALFORMED', 'FILTER_TOO_LARGE', 'FILTER_GROUP_UNKNOWN', 'FILTER_GROUP_CYCLE'],
  },
  getDevice: {
    method: 'GET',
    path: '/api/v1/devices/{controllerId}',
    summary: 'One device',
    allow: 'device:read',
    params: byController,
    response: device,
    volatile: ['attributes', 'installedVersion', 'floor', 'state', 'lastSeenAt'],
    errors: ['DEVICE_UNKNOWN'],
  },
  addDevices: {
    method: 'POST',
    path: '/api/v1/devices',
    summary: 'Add devices of foreign clients; the token of each is shown once',
    allow: 'device:write',
    body: z.strictObject({ devices: z.array(newDevice).min(1).max(1000) }),
    bodyBytesMax: 2 * MIB,
    response: z.strictObject({ devices: z.array(z.strictObject({ controllerId, token: z.string() })) }),
    errors: ['DEVICE_EXISTS'],
  },
  decommissionDevice: {
    method: 'DELETE',
    path: '/api/v1/devices/{controllerId}',
    summary: 'End the life of a device: its credentials stop working, its history stays',
    allow: 'device:write',
    params: byController,
    response: done,
    changes: { of: 'getDevice', unguarded: ENDS },
    errors: ['DEVICE_UNKNOWN'],
  },
  createClaim: {
    method: 'POST',
    path: '/api/v1/claims',
    summary: 'Make a one-time claim with which a device enrols its own key; shown once',
    allow: 'device:write',
    body: newClaim,
    response: z.strictObject({ claim: z.string(), expiresAt: z.iso.datetime() }),
    errors: ['DEVICE_EXISTS'],
  },
  createClaims: {
    method: 'POST',
    path: '/api/v1/claim-list',
    summary: 'Make a one-time claim for each of many devices, all or none; shown once',
    allow: 'device:write',
    body: z.strictObject({ claims: z.array(newClaim).min(1).max(500) }),
    bodyBytesMax: 2 * MIB,
    response: z.strictObject({
      claims: z.array(z.strictObject({ controllerId, claim: z.string(), expiresAt: z.iso.datetime() })),
    }),
    errors: ['DEVICE_EXISTS'],
  },
  createGateway: {
    method: 'POST',
    path: '/api/v1/gateways',
    summary: 'A gateway that may act for the named devices only: by a token, shown once, or by a key of its own',
    allow: 'device:write',
    body: newGateway,
    response: z.strictObject({ id: numericId, token: z.string().nullable() }),
    errors: ['DEVICE_UNKNOWN', 'GATEWAY_DEVICES_TOO_MANY', 'GATEWAY_KEY_UNSUITABLE'],
  },
} as const satisfies OperationTable;
