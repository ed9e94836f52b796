/** Handlers of login and API tokens. */
import { login } from '../../../acts/people/claim.ts';
import { createOwnToken, createToken, revokeToken } from '../../../acts/people/token.ts';
import { listTokens, tokenView } from '../../../store/tokens.ts';
import { DONE, type Handlers } from './handler.ts';

/** No person has this number: a machine has no tokens of its own. */
const NO_PERSON = 0;

export const ACCESS_HANDLERS: Pick<
  Handlers,
  'login' | 'listTokens' | 'createToken' | 'revokeToken' | 'listOwnTokens' | 'createOwnToken' | 'revokeOwnToken'
> = {
  login: ({ body, visitor }, ports) => login(ports, body, visitor.visit),
  listTokens: async ({ actor }, { database }) => ({
    items: (await listTokens(database.read, actor.tenantId)).map(tokenView),
  }),
  createToken: ({ actor, body }, ports) => createToken(ports, actor, body),
  revokeToken: async ({ actor, params }, ports) => {
    await revokeToken(ports, actor, params.tokenId);
    return DONE;
  },
  listOwnTokens: async ({ actor }, { database }) => ({
    items: (await listTokens(database.read, actor.tenantId, actor.personId ?? NO_PERSON)).map(tokenView),
  }),
  createOwnToken: async ({ actor, body }, ports) => await createOwnToken(ports, actor, body),
  revokeOwnToken: async ({ actor, params }, ports) => {
    await revokeToken(ports, actor, params.tokenId, actor.personId ?? NO_PERSON);
    return DONE;
  },
};
