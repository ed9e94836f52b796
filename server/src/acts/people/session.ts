/** Sessions: begun by a passkey (or the first one, by a claim), a new secret at each sign-in, ended at once. */
import { createHash } from 'node:crypto';
import type { Assertion, CreationOptions, NewCredential, Passkey, RequestOptions } from '@pawl/contract/management';
import type { Actor } from '../../domain/actor.ts';
import { appendAudit } from '../../store/audit.ts';
import type { Trx } from '../../store/database.ts';
import { deletePasskey, passkeyView } from '../../store/passkeys.ts';
import { findPerson, hasAdmin, isAdmin } from '../../store/people.ts';
import type { PersonTable } from '../../store/schema/index.ts';
import { deleteSession, dropEndedSessions, dropSession, insertSession } from '../../store/sessions.ts';
import type { ServerPorts } from '../ports.ts';
import { secretSha256 } from '../secret.ts';
import { mustSession } from './approval-key.ts';
import { peekPersonClaim, takePersonClaim } from './claim.ts';
import { PeopleError } from './errors.ts';
import { creationOptionsFor, registerPasskey, requestOptionsFor, takeAssertion } from './passkey.ts';

/** Where a request came from, and the session that it came with. */
export type Visit = {
  readonly source: string;
  readonly userAgent: string;
  readonly requestId: string;
  readonly sessionSecret: string | undefined;
};

export type Begun = { readonly person: PersonTable; readonly secret: string; readonly expiresMs: number };

const SIGN_IN = 'sign-in';

function joinPurpose(claim: string): string {
  return `join ${createHash('sha256').update(claim).digest('hex')}`;
}

/** A new session; the one that the browser had before ends, so that nobody can have prepared it. */
export async function beginSession(
  trx: Trx,
  ports: ServerPorts,
  person: PersonTable,
  { source, userAgent, requestId, sessionSecret }: Visit,
  operation: string,
): Promise<Begun> {
  const nowMs = ports.now().getTime();
  if (sessionSecret !== undefined) await dropSession(trx, secretSha256(sessionSecret));
  await dropEndedSessions(trx, nowMs);
  const secret = ports.newSecret();
  const { expiresMs, credential } = await insertSession(trx, {
    sha256: secretSha256(secret),
    tenant_id: person.tenant_id,
    person_id: person.id,
    source,
    user_agent: userAgent,
    nowMs,
  });
  await appendAudit(trx, {
    tenant_id: person.tenant_id,
    at_ms: nowMs,
    actor: `person/${person.id}`,
    credential,
    operation,
    target: '',
    result: 'ok',
    source,
    request_id: requestId,
  });
  return { person, secret, expiresMs };
}

type Claimed = { readonly claim: string; readonly name?: string | undefined };

/** @throws PeopleError CLAIM_INVALID, SITE_UNNAMED */
export async function beginJoin(ports: ServerPorts, input: Claimed): Promise<CreationOptions> {
  const purpose = joinPurpose(input.claim);
  const person = await peekPersonClaim(ports.database.read, ports, input.claim);
  const name = person?.name ?? input.name ?? 'first admin';
  return creationOptionsFor(ports.database.read, ports, purpose, { account: purpose, name, personId: person?.id });
}

/**
 * Uses a claim up for a passkey and a session.
 * @throws PeopleError CLAIM_INVALID, PASSKEY_REFUSED, SITE_UNNAMED
 */
export function join(
  ports: ServerPorts,
  input: Claimed & { readonly label: string; readonly credential: NewCredential },
  visit: Visit,
): Promise<Begun> {
  return ports.database.write(async (trx) => {
    const person = await takePersonClaim(trx, ports, input);
    const purpose = joinPurpose(input.claim);
    const { label, credential } = input;
    await registerPasskey(trx, ports, purpose, { personId: person.id, account: purpose, label, credential });
    return beginSession(trx, ports, person, visit, 'join');
  });
}

/** @throws PeopleError SITE_UNNAMED */
export function beginSignIn(ports: ServerPorts): RequestOptions {
  return requestOptionsFor(ports, SIGN_IN);
}

/** @throws PeopleError PASSKEY_REFUSED, SITE_UNNAMED */
export function signIn(ports: ServerPorts, assertion: Assertion, visit: Visit): Promise<Begun> {
  return ports.database.write(async (trx) => {
    const { person_id } = await takeAssertion(trx, ports, SIGN_IN, assertion);
    const person = await trx.selectFrom('person').selectAll().where('id', '=', person_id).executeTakeFirstOrThrow();
    if (person.state !== 'active') throw new PeopleError('PASSKEY_REFUSED', { at: 'person' });
    return beginSession(trx, ports, person, visit, 'signIn');
  });
}

export async function signOut(ports: ServerPorts, sessionSecret: string): Promise<void> {
  await ports.database.write((trx) => dropSession(trx, secretSha256(sessionSecret)));
}

/** @throws PeopleError SESSION_UNKNOWN */
export async function endSession(ports: ServerPorts, personId: number, sessionId: string): Promise<void> {
  await ports.database.write(async (trx) => {
    if (!(await deleteSession(trx, personId, sessionId))) throw new PeopleError('SESSION_UNKNOWN', { id: sessionId });
  });
}

const passkeyPurpose = (personId: number): string => `passkey ${personId}`;

/** @throws PeopleError SESSION_REQUIRED, SITE_UNNAMED */
export async function beginPasskey(ports: ServerPorts, actor: Actor): Promise<CreationOptions> {
  const personId = mustSession(actor);
  const purpose = passkeyPurpose(personId);
  return creationOptionsFor(ports.database.read, ports, purpose, { account: purpose, name: actor.label, personId });
}

/** @throws PeopleError SESSION_REQUIRED, PASSKEY_REFUSED, SITE_UNNAMED */
export async function addPasskey(
  ports: ServerPorts,
  actor: Actor,
  input: { readonly label: string; readonly credential: NewCredential },
): Promise<Passkey> {
  const personId = mustSession(actor);
  const purpose = passkeyPurpose(personId);
  return ports.database.write(async (trx) =>
    passkeyView(await registerPasskey(trx, ports, purpose, { personId, account: purpose, ...input })),
  );
}

/**
 * Forgets a passkey. Sessions that it began go on: to end them is another act.
 * @throws PeopleError SESSION_REQUIRED, PASSKEY_UNKNOWN, PERSON_LAST_ADMIN
 */
export async function removePasskey(ports: ServerPorts, actor: Actor, passkeyId: string): Promise<void> {
  const personId = mustSession(actor);
  await ports.database.write(async (trx) => {
    if (!(await deletePasskey(trx, personId, passkeyId))) throw new PeopleError('PASSKEY_UNKNOWN', { id: passkeyId });
    const person = await findPerson(trx, actor.tenantId, personId);
    if (person === undefined || !isAdmin(person)) return;
    if (!(await hasAdmin(trx, actor.tenantId, ports.now().getTime()))) throw new PeopleError('PERSON_LAST_ADMIN');
  });
}
