/** Groups: filters with a name, for other groups and rollouts to use. None is deleted or changed under those that use it. */
import { groupNames, parseFilter } from '@pawl/contract/filter';
import type { DeviceGroup } from '@pawl/contract/management';
import type { Actor } from '../../domain/actor.ts';
import type { Trx } from '../../store/database.ts';
import { readFilter } from '../../store/device-filter.ts';
import { deleteGroupRow, findGroup, groupView, listAllGroups, saveGroup } from '../../store/groups.ts';
import { openFilters } from '../../store/rollouts.ts';
import type { ServerPorts } from '../ports.ts';
import { RegistryError } from './errors.ts';
import { recordAct } from './record.ts';

const GROUPS_MAX = 200;

async function record(
  trx: Trx,
  ports: ServerPorts,
  actor: Actor,
  act: string,
  group: { name: string; filter: string },
): Promise<void> {
  const parts = { predicateType: 'urn:pawl:device-group:1', subject: `group/${group.name}`, record: group } as const;
  await recordAct(trx, ports, { tenantId: actor.tenantId, ...parts, act, by: actor.id });
}

/** Who names this group: other groups, and rollouts that are not over. */
async function usersOf(trx: Trx, tenantId: number, name: string): Promise<string[]> {
  const groups = await listAllGroups(trx, tenantId);
  const rollouts = await openFilters(trx, tenantId);
  return [
    ...groups.map((group) => ({ user: `group/${group.name}`, filter: group.filter })),
    ...rollouts.map((rollout) => ({ user: `rollout/${rollout.id}`, filter: rollout.filter })),
  ]
    .filter(({ filter }) => groupNames(parseFilter(filter)).has(name))
    .map(({ user }) => user);
}

/** @throws FilterError; RegistryError GROUP_TOO_MANY */
export function putGroup(ports: ServerPorts, actor: Actor, name: string, filter: string): Promise<DeviceGroup> {
  const { tenantId } = actor;
  return ports.database.write(async (trx) => {
    await readFilter(trx, tenantId, filter, name);
    const known = await findGroup(trx, tenantId, name);
    const groups = await listAllGroups(trx, tenantId);
    if (known === undefined && groups.length >= GROUPS_MAX) throw new RegistryError('GROUP_TOO_MANY');
    const nowMs = ports.now().getTime();
    const row = { tenant_id: tenantId, name, filter, created_ms: known?.created_ms ?? nowMs, updated_ms: nowMs };
    await saveGroup(trx, row);
    // What names this group has grown with it, and may now be too large.
    const isUsed = known !== undefined && known.filter !== filter;
    for (const group of isUsed ? groups : []) await readFilter(trx, tenantId, group.filter, group.name);
    for (const rollout of isUsed ? await openFilters(trx, tenantId) : [])
      await readFilter(trx, tenantId, rollout.filter);
    await record(trx, ports, actor, known === undefined ? 'create' : 'change', { name, filter });
    return groupView(row);
  });
}

/** @throws RegistryError GROUP_UNKNOWN, GROUP_IN_USE */
export async function deleteGroup(ports: ServerPorts, actor: Actor, name: string): Promise<void> {
  await ports.database.write(async (trx) => {
    const known = await findGroup(trx, actor.tenantId, name);
    if (known === undefined) throw new RegistryError('GROUP_UNKNOWN', { name });
    const users = await usersOf(trx, actor.tenantId, name);
    if (users.length > 0) throw new RegistryError('GROUP_IN_USE', { by: users.slice(0, 3).join(' ') });
    await deleteGroupRow(trx, actor.tenantId, name);
    await record(trx, ports, actor, 'delete', { name, filter: known.filter });
  });
}
