/** People and their roles. */
import { z } from 'zod';
import { invitation, me, newPerson, person, roles } from '../resources/person.ts';
import { byId, cursor, ENDS, limit, type OperationTable, page } from './operation.ts';

const empty = z.strictObject({});

export const PERSON_OPERATIONS = {
  getMe: {
    method: 'GET',
    path: '/api/v1/me',
    summary: 'Who asks, and what that allows',
    allow: 'anybody',
    response: me,
    errors: [],
  },
  listPeople: {
    method: 'GET',
    path: '/api/v1/people',
    summary: 'The people of this server, in the order in which they came',
    allow: 'people:write',
    query: z.strictObject({ cursor, limit }),
    response: page(person),
    errors: [],
  },
  getPerson: {
    method: 'GET',
    path: '/api/v1/people/{id}',
    summary: 'One person',
    allow: 'people:write',
    params: byId,
    response: person,
    errors: ['PERSON_UNKNOWN'],
  },
  invitePerson: {
    method: 'POST',
    path: '/api/v1/people',
    summary: 'Make a person, and a one-time claim with which the person comes in; shown once',
    allow: 'people:write',
    body: newPerson,
    response: invitation,
    errors: ['ROLE_EXCEEDS_GRANTER'],
  },
  inviteAgain: {
    method: 'POST',
    path: '/api/v1/people/{id}/invite',
    summary: 'A new one-time claim for a person, such as one who lost every passkey; shown once',
    allow: 'people:write',
    params: byId,
    body: z.strictObject({ validForS: newPerson.shape.validForS }),
    response: invitation,
    errors: ['PERSON_UNKNOWN', 'PERSON_DISABLED', 'ROLE_EXCEEDS_GRANTER'],
  },
  setRoles: {
    method: 'PUT',
    path: '/api/v1/people/{id}/roles',
    summary: 'Give a person exactly these roles',
    allow: 'people:write',
    params: byId,
    body: z.strictObject({ roles }),
    response: person,
    changes: { of: 'getPerson' },
    errors: ['PERSON_UNKNOWN', 'PERSON_LAST_ADMIN', 'ROLE_EXCEEDS_GRANTER'],
  },
  disablePerson: {
    method: 'POST',
    path: '/api/v1/people/{id}/disable',
    summary:
      'Shut a person out: all sessions, tokens and invitations stop at once; what the person did stays on record',
    allow: 'people:write',
    params: byId,
    body: empty,
    response: person,
    changes: { of: 'getPerson', unguarded: ENDS },
    errors: ['PERSON_UNKNOWN', 'PERSON_LAST_ADMIN'],
  },
  enablePerson: {
    method: 'POST',
    path: '/api/v1/people/{id}/enable',
    summary: 'Let a person who was shut out come in again, with the same roles; tokens and sessions stay gone',
    allow: 'people:write',
    params: byId,
    body: empty,
    response: person,
    errors: ['PERSON_UNKNOWN', 'ROLE_EXCEEDS_GRANTER'],
  },
} as const satisfies OperationTable;
