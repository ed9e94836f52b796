/** Handlers of login and API tokens. */
import { createToken, login, revokeToken } from '../../../acts/access.ts';
import { listTokens, tokenView } from '../../../store/access.ts';
import { DONE, type Handlers } from './handler.ts';

export const ACCESS_HANDLERS: Pick<Handlers, 'login' | 'listTokens' | 'createToken' | 'revokeToken'> = {
  login: ({ body }, ports) => login(ports, body),
  listTokens: async ({ actor }, { database }) => ({
    items: (await listTokens(database.read, actor.tenantId)).map(tokenView),
  }),
  createToken: ({ actor, body }, ports) => createToken(ports, actor.tenantId, body),
  revokeToken: async ({ actor, params }, ports) => {
    await revokeToken(ports, actor.tenantId, params.tokenId);
    return DONE;
  },
};
