/**
 * Tenants: organisations that share a server. A new one has nobody in it: the claim that is shown once lets its first admin
 * in, and who made it has no way in. While nobody used the claim, it can be made anew, and the one before is void.
 */
import type { Tenant } from '@pawl/contract/management';
import type { Actor } from '../domain/actor.ts';
import { ensureTenant, listTenants } from '../store/access.ts';
import { hasAdmin } from '../store/people.ts';
import { ServerError } from './errors.ts';
import { storeClaim } from './people/claim.ts';
import type { ServerPorts } from './ports.ts';
import { recordAct } from './registry/record.ts';

const CLAIM_VALID_MS = 7 * 86_400_000;

export async function tenantViews(ports: ServerPorts): Promise<Tenant[]> {
  return (await listTenants(ports.database.read)).map(({ name }, index) => ({ name, isFirst: index === 0 }));
}

/** @throws ServerError TENANT_EXISTS */
export function createTenant(
  ports: ServerPorts,
  actor: Actor,
  name: string,
): Promise<{ name: string; claim: string; expiresAt: string }> {
  return ports.database.write(async (trx) => {
    const nowMs = ports.now().getTime();
    const tenantId = await ensureTenant(trx, name);
    if (tenantId === actor.tenantId || (await hasAdmin(trx, tenantId, nowMs)))
      throw new ServerError('TENANT_EXISTS', { name });
    const expiresMs = nowMs + CLAIM_VALID_MS;
    const claim = await storeClaim(trx, ports, { tenantId, personId: null, expiresMs });
    const parts = { predicateType: 'urn:pawl:tenant:1', subject: `tenant/${name}`, record: { name } } as const;
    await recordAct(trx, ports, { tenantId: actor.tenantId, ...parts, act: 'create', by: actor.id });
    return { name, claim, expiresAt: new Date(expiresMs).toISOString() };
  });
}
