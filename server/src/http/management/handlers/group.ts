/** Handlers of groups. */
import { RegistryError } from '../../../acts/registry/errors.ts';
import { deleteGroup, putGroup } from '../../../acts/registry/group.ts';
import { countDevices } from '../../../store/devices.ts';
import { findGroup, groupView, queryGroups } from '../../../store/groups.ts';
import { DONE, type Handlers, PAGE, pageOf } from './handler.ts';

export const GROUP_HANDLERS: Pick<Handlers, 'listGroups' | 'getGroup' | 'putGroup' | 'deleteGroup'> = {
  listGroups: async ({ actor, query }, { database }) => {
    const limit = query.limit ?? PAGE;
    const find = { tenantId: actor.tenantId, after: query.cursor ?? '', limit: limit + 1 };
    return pageOf((await queryGroups(database.read, find)).map(groupView), limit, (group) => group.name);
  },
  getGroup: async ({ actor, params }, { database, now }) => {
    const { tenantId } = actor;
    const row = await findGroup(database.read, tenantId, params.name);
    if (row === undefined) throw new RegistryError('GROUP_UNKNOWN', { name: params.name });
    const query = { tenantId, filter: `group:${row.name}`, nowMs: now().getTime() };
    return { ...groupView(row), ...(await countDevices(database.read, query)) };
  },
  putGroup: ({ actor, params, body }, ports) => putGroup(ports, actor, params.name, body.filter),
  deleteGroup: async ({ actor, params }, ports) => {
    await deleteGroup(ports, actor, params.name);
    return DONE;
  },
};

/** Without counting devices: a change of a group of many would count them all. */
export const GROUP_EDITIONS: Pick<Handlers, 'getGroup'> = {
  getGroup: async ({ actor, params }, { database }) => {
    const row = await findGroup(database.read, actor.tenantId, params.name);
    if (row === undefined) throw new RegistryError('GROUP_UNKNOWN', { name: params.name });
    return { ...groupView(row), devices: 0, isExact: true };
  },
};
