/** Handlers of gateways. */

import { RegistryError } from '../../../acts/registry/errors.ts';
import { changeGateway, createGateway, revokeGateway, rotateGateway } from '../../../acts/registry/gateway.ts';
import { childrenOf, findGateway, queryGateways } from '../../../store/gateways.ts';
import { readCursor } from '../cursor.ts';
import { DONE, type Handlers, PAGE, pageOf } from './handler.ts';

export const GATEWAY_HANDLERS: Pick<
  Handlers,
  'createGateway' | 'listGateways' | 'getGateway' | 'changeGateway' | 'rotateGateway' | 'revokeGateway'
> = {
  createGateway: ({ actor, body }, ports) => createGateway(ports, actor, body),
  listGateways: async ({ actor, query }, { database }) => {
    const limit = query.limit ?? PAGE;
    const find = { tenantId: actor.tenantId, afterId: readCursor(query.cursor) ?? 0, limit: limit + 1 };
    return pageOf(await queryGateways(database.read, find), limit, (gateway) => String(gateway.id));
  },
  getGateway: async ({ actor, params }, { database }) => {
    const row = await findGateway(database.read, actor.tenantId, params.id);
    if (row === undefined) throw new RegistryError('GATEWAY_UNKNOWN', { id: params.id });
    return { id: row.id, name: row.name, keyId: row.key_id, controllerIds: await childrenOf(database.read, row.id) };
  },
  changeGateway: ({ actor, params, body }, ports) => changeGateway(ports, actor, params.id, body),
  rotateGateway: ({ actor, params, body }, ports) => rotateGateway(ports, actor, params.id, body),
  revokeGateway: async ({ actor, params }, ports) => {
    await revokeGateway(ports, actor, params.id);
    return DONE;
  },
};
