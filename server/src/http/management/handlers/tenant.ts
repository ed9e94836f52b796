/** Handlers of tenants. */
import { createTenant, tenantViews } from '../../../acts/tenant.ts';
import type { Handlers } from './handler.ts';

export const TENANT_HANDLERS: Pick<Handlers, 'listTenants' | 'createTenant'> = {
  listTenants: async (_request, ports) => ({ items: await tenantViews(ports) }),
  createTenant: ({ actor, body }, ports) => createTenant(ports, actor, body.name),
};
