/**
 * People and their roles. Nobody gives away more than he holds, and somebody who can administer is always left. Every
 * change is a statement of the ledger.
 */
import type { Invitation, NewPerson, Person, Role } from '@pawl/contract/management';
import { type Actor, holdsAll, permissionsOfRoles } from '../../domain/actor.ts';
import { dropOperatorClaims } from '../../store/access.ts';
import type { Trx } from '../../store/database.ts';
import { findPerson, hasAdmin, insertPerson, isAdmin, personView, rolesOf, updatePerson } from '../../store/people.ts';
import type { PersonTable } from '../../store/schema/index.ts';
import { dropSessionsOf } from '../../store/sessions.ts';
import { deleteTokensOf } from '../../store/tokens.ts';
import type { ServerPorts } from '../ports.ts';
import { storeClaim } from './claim.ts';
import { PeopleError } from './errors.ts';
import { recordPerson } from './record.ts';

/** A week: an invitation is opened from a mailbox. */
const INVITATION_VALID_S = 7 * 86_400;

/** Whoever may let others in, but holds less than they would, could come in as them. */
function refuseExcess(actor: Actor, roles: readonly string[]): void {
  if (holdsAll(actor.permissions, permissionsOfRoles(roles))) return;
  throw new PeopleError('ROLE_EXCEEDS_GRANTER', { actual: roles.join(', ') });
}

async function mustFind(trx: Trx, actor: Actor, id: number): Promise<PersonTable> {
  const person = await findPerson(trx, actor.tenantId, id);
  if (person === undefined) throw new PeopleError('PERSON_UNKNOWN', { id });
  return person;
}

async function refuseLastAdmin(trx: Trx, ports: ServerPorts, row: PersonTable): Promise<void> {
  if (await hasAdmin(trx, row.tenant_id, ports.now().getTime())) return;
  throw new PeopleError('PERSON_LAST_ADMIN', { id: row.id });
}

async function inviteTo(
  trx: Trx,
  ports: ServerPorts,
  row: PersonTable,
  validForS = INVITATION_VALID_S,
): Promise<Invitation> {
  const expiresMs = ports.now().getTime() + validForS * 1000;
  const claim = await storeClaim(trx, ports, { tenantId: row.tenant_id, personId: row.id, expiresMs });
  return { person: personView(row), claim, expiresAt: new Date(expiresMs).toISOString() };
}

/** @throws PeopleError ROLE_EXCEEDS_GRANTER */
export function invitePerson(ports: ServerPorts, actor: Actor, input: NewPerson): Promise<Invitation> {
  refuseExcess(actor, input.roles);
  return ports.database.write(async (trx) => {
    const person = await insertPerson(trx, {
      tenant_id: actor.tenantId,
      name: input.name,
      email: input.email ?? null,
      roles: JSON.stringify(input.roles),
      created_ms: ports.now().getTime(),
    });
    await recordPerson(trx, ports, person, { act: 'created', by: actor.id });
    return inviteTo(trx, ports, person, input.validForS);
  });
}

/** @throws PeopleError PERSON_UNKNOWN, PERSON_DISABLED, ROLE_EXCEEDS_GRANTER */
export function inviteAgain(ports: ServerPorts, actor: Actor, id: number, validForS?: number): Promise<Invitation> {
  return ports.database.write(async (trx) => {
    const person = await mustFind(trx, actor, id);
    if (person.state === 'disabled') throw new PeopleError('PERSON_DISABLED', { id });
    refuseExcess(actor, rolesOf(person));
    return inviteTo(trx, ports, person, validForS);
  });
}

/** @throws PeopleError PERSON_UNKNOWN, PERSON_LAST_ADMIN, ROLE_EXCEEDS_GRANTER */
export function setRoles(ports: ServerPorts, actor: Actor, id: number, roles: readonly Role[]): Promise<Person> {
  return ports.database.write(async (trx) => {
    const before = rolesOf(await mustFind(trx, actor, id));
    refuseExcess(
      actor,
      roles.filter((role) => !before.includes(role)),
    );
    const row = await updatePerson(trx, id, { roles: JSON.stringify(roles) });
    if (before.includes('admin')) await refuseLastAdmin(trx, ports, row);
    await recordPerson(trx, ports, row, { act: 'roles-set', by: actor.id });
    return personView(row);
  });
}

/** @throws PeopleError PERSON_UNKNOWN, PERSON_LAST_ADMIN */
export function disablePerson(ports: ServerPorts, actor: Actor, id: number): Promise<Person> {
  return ports.database.write(async (trx) => {
    const before = await mustFind(trx, actor, id);
    if (before.state === 'disabled') return personView(before);
    const row = await updatePerson(trx, id, { state: 'disabled' });
    await deleteTokensOf(trx, id);
    await dropSessionsOf(trx, id);
    await dropOperatorClaims(trx, row.tenant_id, id);
    if (isAdmin(row)) await refuseLastAdmin(trx, ports, row);
    await recordPerson(trx, ports, row, { act: 'disabled', by: actor.id });
    return personView(row);
  });
}

/** @throws PeopleError PERSON_UNKNOWN, ROLE_EXCEEDS_GRANTER */
export function enablePerson(ports: ServerPorts, actor: Actor, id: number): Promise<Person> {
  return ports.database.write(async (trx) => {
    const before = await mustFind(trx, actor, id);
    if (before.state === 'active') return personView(before);
    refuseExcess(actor, rolesOf(before));
    const row = await updatePerson(trx, id, { state: 'active' });
    await recordPerson(trx, ports, row, { act: 'enabled', by: actor.id });
    return personView(row);
  });
}
