/** Gateways after they were made. */
import { z } from 'zod';
import { gateway, gatewayChange, gatewayRotation } from '../resources/gateway.ts';
import { numericId } from '../resources/names.ts';
import { byId, cursor, done, ENDS, limit, type OperationTable, page } from './operation.ts';

export const GATEWAY_OPERATIONS = {
  listGateways: {
    method: 'GET',
    path: '/api/v1/gateways',
    summary: 'Gateways and the devices for which each may act',
    allow: 'device:read',
    query: z.strictObject({ cursor, limit }),
    response: page(gateway),
    errors: [],
  },
  getGateway: {
    method: 'GET',
    path: '/api/v1/gateways/{id}',
    summary: 'A gateway and the devices for which it may act',
    allow: 'device:read',
    params: byId,
    response: gateway,
    errors: ['GATEWAY_UNKNOWN'],
  },
  changeGateway: {
    method: 'PATCH',
    path: '/api/v1/gateways/{id}',
    summary: 'Let a gateway act for more devices, or for fewer',
    allow: 'device:write',
    params: byId,
    body: gatewayChange,
    response: gateway,
    changes: { of: 'getGateway', unguarded: 'devices are added and removed by name' },
    errors: ['GATEWAY_UNKNOWN', 'DEVICE_UNKNOWN', 'GATEWAY_DEVICES_TOO_MANY'],
  },
  rotateGateway: {
    method: 'POST',
    path: '/api/v1/gateways/{id}/rotate',
    summary: 'Give a gateway a new token, shown once, or a new key; what it had goes on for a while if that is said',
    allow: 'device:write',
    params: byId,
    body: gatewayRotation,
    response: z.strictObject({ id: numericId, token: z.string().nullable() }),
    errors: ['GATEWAY_UNKNOWN', 'GATEWAY_KEY_UNSUITABLE'],
  },
  revokeGateway: {
    method: 'DELETE',
    path: '/api/v1/gateways/{id}',
    summary: 'End a gateway: its token stops working at once',
    allow: 'device:write',
    params: byId,
    response: done,
    changes: { of: 'getGateway', unguarded: ENDS },
    errors: ['GATEWAY_UNKNOWN'],
  },
} as const satisfies OperationTable;
