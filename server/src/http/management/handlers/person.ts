/** Handlers of people and their roles. */
import { PeopleError } from '../../../acts/people/errors.ts';
import { disablePerson, enablePerson, inviteAgain, invitePerson, setRoles } from '../../../acts/people/person.ts';
import { findPerson, personView, queryPeople } from '../../../store/people.ts';
import { readCursor } from '../cursor.ts';
import { type Handlers, PAGE, pageOf } from './handler.ts';

export const PERSON_HANDLERS: Pick<
  Handlers,
  'getMe' | 'listPeople' | 'getPerson' | 'invitePerson' | 'inviteAgain' | 'setRoles' | 'disablePerson' | 'enablePerson'
> = {
  getMe: async ({ actor }, { database }) => {
    const { tenantId, personId, id, label, permissions, lines } = actor;
    const row = personId === undefined ? undefined : await findPerson(database.read, tenantId, personId);
    return {
      id,
      label,
      person: row === undefined ? null : personView(row),
      permissions: [...permissions],
      lines: lines === undefined ? null : [...lines],
    };
  },
  listPeople: async ({ actor, query }, { database }) => {
    const limit = query.limit ?? PAGE;
    const page = { tenantId: actor.tenantId, afterId: readCursor(query.cursor), limit: limit + 1 };
    const rows = await queryPeople(database.read, page);
    return pageOf(rows.map(personView), limit, ({ id }) => String(id));
  },
  getPerson: async ({ actor, params }, { database }) => {
    const row = await findPerson(database.read, actor.tenantId, params.id);
    if (row === undefined) throw new PeopleError('PERSON_UNKNOWN', { id: params.id });
    return personView(row);
  },
  invitePerson: async ({ actor, body }, ports) => await invitePerson(ports, actor, body),
  inviteAgain: ({ actor, params, body }, ports) => inviteAgain(ports, actor, params.id, body.validForS),
  setRoles: ({ actor, params, body }, ports) => setRoles(ports, actor, params.id, body.roles),
  disablePerson: ({ actor, params }, ports) => disablePerson(ports, actor, params.id),
  enablePerson: ({ actor, params }, ports) => enablePerson(ports, actor, params.id),
};
