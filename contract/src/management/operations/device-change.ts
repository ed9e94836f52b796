/** What operators write of devices, and what was written. */
import { z } from 'zod';
import { device } from '../resources/device.ts';
import { deviceChange, deviceImport, deviceLogEntry, importedDevice, tagChange } from '../resources/device-change.ts';
import { byController, cursor, limit, type OperationTable, page } from './operation.ts';

const MIB = 1024 * 1024;
const FILTER_ERRORS = ['FILTER_MALFORMED', 'FILTER_TOO_LARGE', 'FILTER_GROUP_UNKNOWN', 'FILTER_GROUP_CYCLE'];
const count = z.number().int().nonnegative();

export const DEVICE_CHANGE_OPERATIONS = {
  changeDevice: {
    method: 'PATCH',
    path: '/api/v1/devices/{controllerId}',
    summary: 'Change model, line, tags or the attributes that operators set; what is not named stays',
    allow: 'device:write',
    params: byController,
    body: deviceChange,
    response: device,
    changes: { of: 'getDevice', unguarded: 'what is not named stays as it is' },
    errors: ['DEVICE_UNKNOWN', 'DEVICE_ATTRIBUTES_TOO_MANY', 'DEVICE_TAGS_TOO_MANY'],
  },
  tagDevices: {
    method: 'POST',
    path: '/api/v1/device-tags',
    summary: 'Add and remove tags of every device that a filter names',
    allow: 'device:write',
    body: tagChange,
    response: z.strictObject({ devices: count }),
    errors: [...FILTER_ERRORS, 'DEVICE_TAGS_TOO_MANY'],
  },
  countDevices: {
    method: 'GET',
    path: '/api/v1/device-count',
    summary: 'How many devices a filter names; exact up to 100,000',
    allow: 'device:read',
    query: z.strictObject({ filter: z.string().max(1024).optional() }),
    response: z.strictObject({ devices: count, isExact: z.boolean() }),
    errors: FILTER_ERRORS,
  },
  importDevices: {
    method: 'POST',
    path: '/api/v1/device-import',
    summary: 'Bring devices to what a list says of them; the list again changes nothing. `isDryRun` only tells',
    allow: 'device:write',
    body: z.strictObject({ devices: z.array(importedDevice).min(1).max(500), isDryRun: z.boolean().optional() }),
    bodyBytesMax: 8 * MIB,
    response: deviceImport,
    errors: [],
  },
  listDeviceLog: {
    method: 'GET',
    path: '/api/v1/devices/{controllerId}/log',
    summary: 'What was said about the assignments of a device, newest first',
    allow: 'device:read',
    params: byController,
    query: z.strictObject({ cursor, limit }),
    response: page(deviceLogEntry),
    errors: ['DEVICE_UNKNOWN'],
  },
} as const satisfies OperationTable;
