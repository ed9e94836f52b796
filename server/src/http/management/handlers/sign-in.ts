/** Handlers of signing in and out, passkeys, sessions and approval keys. */
import { registerApprovalKey, registerApprovalKeyFor, revokeApprovalKey } from '../../../acts/people/approval-key.ts';
import { peekPersonClaim } from '../../../acts/people/claim.ts';
import {
  addPasskey,
  type Begun,
  beginJoin,
  beginPasskey,
  beginSignIn,
  endSession,
  join,
  removePasskey,
  signIn,
  signOut,
} from '../../../acts/people/session.ts';
import { secretSha256 } from '../../../acts/secret.ts';
import { approvalKeyView, listApprovalKeys } from '../../../store/approval-keys.ts';
import { listPasskeys, passkeyView } from '../../../store/passkeys.ts';
import { personView } from '../../../store/people.ts';
import { findSessionActor, listSessions, sessionView } from '../../../store/sessions.ts';
import type { Visitor } from '../visitor.ts';
import { DONE, type Handlers } from './handler.ts';

/** No person has this number: a machine has nothing of its own. */
const NO_PERSON = 0;

function welcome(visitor: Visitor, { person, secret, expiresMs }: Begun) {
  visitor.setSession(secret, expiresMs);
  return { person: personView(person), expiresAt: new Date(expiresMs).toISOString() };
}

type SignInHandlers = Pick<
  Handlers,
  | 'getSignIn'
  | 'lookAtClaim'
  | 'beginJoin'
  | 'join'
  | 'beginSignIn'
  | 'signIn'
  | 'signOut'
  | 'listSessions'
  | 'endSession'
  | 'listPasskeys'
  | 'beginPasskey'
  | 'addPasskey'
  | 'removePasskey'
  | 'listApprovalKeys'
  | 'registerApprovalKey'
  | 'registerApprovalKeyFor'
  | 'revokeApprovalKey'
>;

export const SIGN_IN_HANDLERS: SignInHandlers = {
  getSignIn: async ({ visitor }, { database, site, oidcName, now }) => {
    const { sessionSecret } = visitor.visit;
    const session =
      sessionSecret === undefined
        ? undefined
        : await findSessionActor(database.read, secretSha256(sessionSecret), now().getTime());
    return { origin: site()?.origin ?? null, oidc: oidcName ?? null, isSignedIn: session !== undefined };
  },
  lookAtClaim: async ({ body }, ports) => ({
    name: (await peekPersonClaim(ports.database.read, ports, body.claim))?.name ?? null,
  }),
  beginJoin: ({ body }, ports) => beginJoin(ports, body),
  join: async ({ body, visitor }, ports) => welcome(visitor, await join(ports, body, visitor.visit)),
  beginSignIn: async (_request, ports) => beginSignIn(ports),
  signIn: async ({ body, visitor }, ports) => welcome(visitor, await signIn(ports, body.assertion, visitor.visit)),
  signOut: async ({ visitor }, ports) => {
    const { sessionSecret } = visitor.visit;
    if (sessionSecret !== undefined) await signOut(ports, sessionSecret);
    visitor.endSession();
    return DONE;
  },
  listSessions: async ({ actor }, { database, now }) => {
    const rows = await listSessions(database.read, actor.personId ?? NO_PERSON, now().getTime());
    return { items: rows.map((row) => sessionView(row, actor.credential)) };
  },
  endSession: async ({ actor, params }, ports) => {
    await endSession(ports, actor.personId ?? NO_PERSON, params.sessionId);
    return DONE;
  },
  listPasskeys: async ({ actor }, { database }) => ({
    items: (await listPasskeys(database.read, actor.personId ?? NO_PERSON)).map(passkeyView),
  }),
  beginPasskey: ({ actor }, ports) => beginPasskey(ports, actor),
  addPasskey: ({ actor, body }, ports) => addPasskey(ports, actor, body),
  removePasskey: async ({ actor, params }, ports) => {
    await removePasskey(ports, actor, params.passkeyId);
    return DONE;
  },
  listApprovalKeys: async ({ actor }, { database }) => ({
    items: (await listApprovalKeys(database.read, actor.personId ?? NO_PERSON)).map(approvalKeyView),
  }),
  registerApprovalKey: ({ actor, body }, ports) => registerApprovalKey(ports, actor, body),
  registerApprovalKeyFor: ({ actor, params, body }, ports) => registerApprovalKeyFor(ports, actor, params.id, body),
  revokeApprovalKey: async ({ actor, params }, ports) => {
    await revokeApprovalKey(ports, actor, params.keyId);
    return DONE;
  },
};
