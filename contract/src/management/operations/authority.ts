/** Certificate authorities whose devices come in by themselves; for who may change settings, because each lets many in. */
import { z } from 'zod';
import { deviceAuthority, newAuthority, serialNumber } from '../resources/authority.ts';
import { byId, done, type OperationTable } from './operation.ts';

export const AUTHORITY_OPERATIONS = {
  listAuthorities: {
    method: 'GET',
    path: '/api/v1/device-authorities',
    summary: 'The certificate authorities whose devices come in by themselves',
    allow: 'device:read',
    response: z.strictObject({ items: z.array(deviceAuthority) }),
    errors: [],
  },
  addAuthority: {
    method: 'POST',
    path: '/api/v1/device-authorities',
    summary: 'Let the devices of a certificate authority in: which names it may give, and what its devices are',
    allow: 'settings:write',
    body: newAuthority,
    response: deviceAuthority,
    errors: ['AUTHORITY_UNSUITABLE', 'AUTHORITY_EXISTS', 'AUTHORITY_TOO_MANY', 'KEYS_TEST_KEY_BARRED'],
  },
  removeAuthority: {
    method: 'DELETE',
    path: '/api/v1/device-authorities/{id}',
    summary: 'Let no device in by this authority any more; those that came in by it are refused at once',
    allow: 'settings:write',
    params: byId,
    response: done,
    errors: ['AUTHORITY_UNKNOWN'],
  },
  barCertificate: {
    method: 'POST',
    path: '/api/v1/device-authorities/{id}/barred',
    summary: 'Bar one certificate of an authority by its serial number; the device that showed it is refused at once',
    allow: 'device:write',
    params: byId,
    body: z.strictObject({ serialNumber }),
    response: deviceAuthority,
    errors: ['AUTHORITY_UNKNOWN'],
  },
} as const satisfies OperationTable;
