/**
 * How a person comes in the first time: by a one-time claim. The first run prints one that makes the first admin; every
 * other person is invited. There is no password, and no other way in.
 */
import { permissionsOfRoles } from '../../domain/actor.ts';
import { dropOperatorClaims, ensureTenant, insertClaim, peekClaim, takeClaim, tenantName } from '../../store/access.ts';
import { appendAudit } from '../../store/audit.ts';
import type { Db, Trx } from '../../store/database.ts';
import { findPerson, hasAdmin, insertPerson, rolesOf } from '../../store/people.ts';
import type { PersonTable } from '../../store/schema/index.ts';
import type { ServerPorts } from '../ports.ts';
import { secretSha256 } from '../secret.ts';
import { PeopleError } from './errors.ts';
import { recordPerson } from './record.ts';
import { storeToken, VALID_S_MAX } from './token.ts';

/** Makes the only claim of the first run, or of a person; it replaces an earlier one that was not used. */
export async function storeClaim(
  trx: Trx,
  ports: ServerPorts,
  row: { readonly tenantId: number; readonly personId: number | null; readonly expiresMs: number | null },
): Promise<string> {
  await dropOperatorClaims(trx, row.tenantId, row.personId);
  const claim = ports.newSecret();
  await insertClaim(trx, {
    sha256: secretSha256(claim),
    tenant_id: row.tenantId,
    kind: 'operator',
    controller_id: null,
    model: null,
    line: null,
    tags: '[]',
    expires_ms: row.expiresMs,
    person_id: row.personId,
  });
  return claim;
}

/** Makes the claim of the first run; undefined while there is an admin with a way in. */
export function newOperatorClaim(ports: ServerPorts, tenant: string): Promise<string | undefined> {
  return ports.database.write(async (trx) => {
    const tenantId = await ensureTenant(trx, tenant);
    if (await hasAdmin(trx, tenantId, ports.now().getTime())) return undefined;
    return storeClaim(trx, ports, { tenantId, personId: null, expiresMs: null });
  });
}

/**
 * Whom a claim would let in, without using it up; undefined: the first person.
 * @throws PeopleError CLAIM_INVALID
 */
export async function peekPersonClaim(db: Db, ports: ServerPorts, secret: string): Promise<PersonTable | undefined> {
  const claim = await peekClaim(db, secretSha256(secret), 'operator', ports.now().getTime());
  if (claim === undefined) throw new PeopleError('CLAIM_INVALID');
  if (claim.person_id === null) return undefined;
  const person = await findPerson(db, claim.tenant_id, claim.person_id);
  if (person?.state !== 'active') throw new PeopleError('CLAIM_INVALID');
  return person;
}

/**
 * Uses a claim up: the person whom it lets in, made here when it is the first.
 * @throws PeopleError CLAIM_INVALID
 */
export async function takePersonClaim(
  trx: Trx,
  ports: ServerPorts,
  input: { readonly claim: string; readonly name?: string | undefined },
): Promise<PersonTable> {
  const nowMs = ports.now().getTime();
  const claim = await takeClaim(trx, secretSha256(input.claim), 'operator', nowMs);
  if (claim === undefined) throw new PeopleError('CLAIM_INVALID');
  if (claim.person_id !== null) {
    const person = await findPerson(trx, claim.tenant_id, claim.person_id);
    if (person?.state !== 'active') throw new PeopleError('CLAIM_INVALID');
    return person;
  }
  const person = await insertPerson(trx, {
    tenant_id: claim.tenant_id,
    name: input.name ?? 'first admin',
    email: null,
    roles: JSON.stringify(['admin']),
    created_ms: nowMs,
  });
  await recordPerson(trx, ports, person, { act: 'created', by: 'claim' });
  return person;
}

/**
 * Exchanges a claim for an API token of the person, with all that the person may do.
 * @throws PeopleError CLAIM_INVALID
 */
export function login(
  ports: ServerPorts,
  input: { readonly claim: string; readonly label: string; readonly name?: string | undefined },
  visit: { readonly source: string; readonly requestId: string },
): Promise<{ token: string; tenant: string; expiresAt: string }> {
  return ports.database.write(async (trx) => {
    const person = await takePersonClaim(trx, ports, input);
    const { token, view } = await storeToken(trx, ports, {
      tenantId: person.tenant_id,
      personId: person.id,
      makerPersonId: person.id,
      label: input.label,
      permissions: permissionsOfRoles(rolesOf(person)),
      lines: undefined,
      endsMs: ports.now().getTime() + VALID_S_MAX * 1000,
      by: `person/${person.id}`,
    });
    await appendAudit(trx, {
      tenant_id: person.tenant_id,
      at_ms: ports.now().getTime(),
      actor: `person/${person.id}`,
      credential: `token/${view.id}`,
      operation: 'login',
      target: '',
      result: 'ok',
      source: visit.source,
      request_id: visit.requestId,
    });
    return { token, tenant: await tenantName(trx, person.tenant_id), expiresAt: view.expiresAt };
  });
}
