/** Tenants; for admins of the first one only, whose server it is. */
import { z } from 'zod';
import { tenant, tenantName } from '../resources/tenant.ts';
import type { OperationTable } from './operation.ts';

export const TENANT_OPERATIONS = {
  listTenants: {
    method: 'GET',
    path: '/api/v1/tenants',
    summary: 'The tenants of this server',
    allow: 'tenant:write',
    response: z.strictObject({ items: z.array(tenant) }),
    errors: [],
  },
  createTenant: {
    method: 'POST',
    path: '/api/v1/tenants',
    summary: 'Make a tenant and the one-time claim of its first admin; again while nobody has used that, a new claim',
    allow: 'tenant:write',
    body: z.strictObject({ name: tenantName }),
    response: z.strictObject({ name: tenantName, claim: z.string(), expiresAt: z.iso.datetime() }),
    errors: ['TENANT_EXISTS'],
  },
} as const satisfies OperationTable;
