/** When and how devices are updated: defaults of the tenant, and the wishes of a device's owner. */
import { devicePolicy, newDevicePolicy, newPolicy, policy } from '../resources/policy.ts';
import { byController, type OperationTable } from './operation.ts';

export const POLICY_OPERATIONS = {
  getPolicy: {
    method: 'GET',
    path: '/api/v1/policy',
    summary: 'Default maintenance windows and time zone, and how many approvals a rollout needs',
    allow: 'rollout:read',
    response: policy,
    errors: [],
  },
  setPolicy: {
    method: 'PUT',
    path: '/api/v1/policy',
    summary: 'Change the defaults; rollouts that exist keep what they were made with',
    allow: 'settings:write',
    body: newPolicy,
    response: policy,
    changes: { of: 'getPolicy' },
    errors: ['TIME_ZONE_UNKNOWN'],
  },
  getDevicePolicy: {
    method: 'GET',
    path: '/api/v1/devices/{controllerId}/policy',
    summary: 'The time zone of a device, and what its owner does not want without being asked',
    allow: 'device:read',
    params: byController,
    response: devicePolicy,
    volatile: ['ownTimeZone'],
    errors: ['DEVICE_UNKNOWN'],
  },
  setDevicePolicy: {
    method: 'PUT',
    path: '/api/v1/devices/{controllerId}/policy',
    summary: 'Set the time zone of a device, or opt it out of automatic updates for its owner',
    allow: 'device:write',
    params: byController,
    body: newDevicePolicy,
    response: devicePolicy,
    changes: { of: 'getDevicePolicy' },
    errors: ['DEVICE_UNKNOWN', 'TIME_ZONE_UNKNOWN'],
  },
} as const satisfies OperationTable;
