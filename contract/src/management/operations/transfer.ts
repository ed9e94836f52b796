/** Devices go to another tenant of the server, by a one-time code. */
import { deviceOffer, deviceTaking, newDeviceOffer, takenDevices } from '../resources/transfer.ts';
import { byId, done, type OperationTable } from './operation.ts';

export const TRANSFER_OPERATIONS = {
  offerDevices: {
    method: 'POST',
    path: '/api/v1/device-offers',
    summary: 'Offer devices to another tenant; the one-time code is shown once',
    allow: 'settings:write',
    body: newDeviceOffer,
    response: deviceOffer,
    errors: ['DEVICE_UNKNOWN', 'TRANSFER_DEVICE_BUSY'],
  },
  withdrawOffer: {
    method: 'DELETE',
    path: '/api/v1/device-offers/{id}',
    summary: 'Take an offer back that nobody took',
    allow: 'settings:write',
    params: byId,
    response: done,
    errors: ['TRANSFER_UNKNOWN'],
  },
  takeDevices: {
    method: 'POST',
    path: '/api/v1/device-transfers',
    summary: 'Take the devices of an offer into this tenant, all or none; they keep their keys and addresses',
    allow: 'settings:write',
    body: deviceTaking,
    response: takenDevices,
    errors: ['TRANSFER_UNKNOWN', 'TRANSFER_DEVICE_BUSY', 'DEVICE_UNKNOWN', 'DEVICE_EXISTS'],
  },
} as const satisfies OperationTable;
