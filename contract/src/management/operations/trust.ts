/** The signed metadata of the repository. */
import { newTrust, trustStatus } from '../resources/trust.ts';
import { type OperationTable } from './operation.ts';

const MIB = 1024 * 1024;

export const TRUST_OPERATIONS = {
  getTrust: {
    method: 'GET',
    path: '/api/v1/trust',
    summary: 'Versions of the repository metadata and the public keys of the online roles',
    allow: 'release:read',
    response: trustStatus,
    errors: [],
  },
  putTrust: {
    method: 'POST',
    path: '/api/v1/trust',
    summary:
      'Hand in signed TUF metadata; checked together, taken together, then snapshot and timestamp are signed anew',
    allow: 'release:write',
    body: newTrust,
    bodyBytesMax: 32 * MIB,
    response: trustStatus,
    errors: ['TRUST_ROOT_MISSING', 'TRUST_LINE_KEYS_UNLISTED'],
  },
} as const satisfies OperationTable;
