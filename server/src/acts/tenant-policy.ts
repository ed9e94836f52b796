/** What holds for all rollouts of a tenant where they say nothing themselves. Each change is stated in the ledger. */
import { createHash } from 'node:crypto';
import type { NewPolicy, Policy } from '@pawl/contract/management';
import type { Actor } from '../domain/actor.ts';
import { DEFAULT_ZONE } from '../domain/rollout-policy.ts';
import { isTimeZone } from '../domain/time-zone.ts';
import type { Db } from '../store/database.ts';
import { appendStatement } from '../store/ledger.ts';
import { readTenantPolicy, saveTenantPolicy } from '../store/tenant-policy.ts';
import { ServerError } from './errors.ts';
import type { ServerPorts } from './ports.ts';

export async function tenantPolicy(db: Db, tenantId: number): Promise<Policy> {
  const stored = JSON.parse(await readTenantPolicy(db, tenantId)) as Partial<Policy>;
  return { timeZone: DEFAULT_ZONE, maintenance: null, approvalsRequired: 0, lines: {}, ...stored };
}

/** How many approvals a rollout of the line needs. */
export function approvalsFor(policy: Policy, line: string): number {
  return policy.lines[line]?.approvalsRequired ?? policy.approvalsRequired;
}

/** @throws ServerError TIME_ZONE_UNKNOWN */
export function refuseUnknownZone(zone: string | undefined): void {
  if (zone !== undefined && !isTimeZone(zone)) throw new ServerError('TIME_ZONE_UNKNOWN', { timeZone: zone });
}

/** @throws ServerError TIME_ZONE_UNKNOWN */
export async function setTenantPolicy(ports: ServerPorts, actor: Actor, change: NewPolicy): Promise<Policy> {
  refuseUnknownZone(change.timeZone);
  refuseUnknownZone(change.maintenance?.timeZone);
  return await ports.database.write(async (trx) => {
    const known = await tenantPolicy(trx, actor.tenantId);
    const policy: Policy = {
      timeZone: change.timeZone ?? known.timeZone,
      maintenance: change.maintenance === undefined ? known.maintenance : change.maintenance,
      approvalsRequired: change.approvalsRequired ?? known.approvalsRequired,
      lines: change.lines ?? known.lines,
    };
    const text = JSON.stringify(policy);
    await saveTenantPolicy(trx, actor.tenantId, text);
    await appendStatement(trx, ports.keys.ledger, {
      tenantId: actor.tenantId,
      predicateType: 'urn:pawl:policy:1',
      subject: { name: 'policy', digest: { sha256: createHash('sha256').update(text).digest('hex') } },
      predicate: { policy: text, by: actor.id, at: ports.now().toISOString() },
    });
    return policy;
  });
}
