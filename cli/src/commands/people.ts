/** `pawl people`: who may use the server, how they come in, and what they may do. */
import { isRole, type Person, ROLES, type Role } from '@pawl/contract/management';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { inFolder, readText } from '../workspace/files.ts';
import { allPages } from '../workspace/pages.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const ID = { name: 'ID', summary: 'the number of the person, as in "pawl people list"' } as const;
const ROLE = { name: 'ROLE', summary: ROLES.join(', '), multiple: true, optional: true } as const;
const VALID = { type: 'string', value: 'SECONDS', summary: 'how long the link is good', default: '604800' } as const;

function parseRoles(texts: readonly string[]): Role[] {
  return texts.map((text) => {
    if (isRole(text)) return text;
    throw new CliError('CLI_USAGE', { role: text, expected: ROLES.join(', ') });
  });
}

const idOf = (text: string): number => Number(parseNumber(text, 'ID'));
const rolesText = ({ roles }: Person): string => (roles.length === 0 ? 'no role' : roles.join(', '));

const list = defineCommand({
  summary: 'list the people and their roles',
  options: WORKSPACE_OPTION,
  example: 'pawl people list',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const people = await allPages((at) => client.call('listPeople', { query: at }));
    const rows = people.map((person) => [
      String(person.id),
      person.name,
      rolesText(person),
      person.state === 'active' ? 'active' : { text: 'disabled', tone: 'bad' as const },
      person.email ?? '-',
    ]);
    return { json: people, text: renderTable(io.isTty, ['id', 'name', 'roles', 'state', 'e-mail'], rows) };
  },
});

const invite = defineCommand({
  summary: 'make a person, and a one-time link with which the person comes in',
  positionals: [{ name: 'NAME', summary: 'the name; with --again the number of a person' }, ROLE],
  options: {
    email: { type: 'string', value: 'ADDRESS', summary: 'to tell people apart; nobody is let in by it' },
    'valid-for': VALID,
    again: { type: 'boolean', summary: 'a new link for somebody who is there, such as after losing every passkey' },
    ...WORKSPACE_OPTION,
  },
  example: "pawl people invite 'Ada Lovelace' operator approver",
  async run({ values, positionals: [name = '', ...roles], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const client = await connect(workspace);
    const validForS = Number(parseNumber(values['valid-for'], '--valid-for'));
    const email = values.email === undefined ? {} : { email: values.email };
    const made = values.again
      ? await client.call('inviteAgain', { params: { id: idOf(name) }, body: { validForS } })
      : await client.call('invitePerson', { body: { name, roles: parseRoles(roles), validForS, ...email } });
    const link = `${workspace.config.server ?? ''}/#claim=${made.claim}`;
    return {
      json: { ...made, link },
      text: [
        `${made.person.name} is number ${made.person.id}: ${rolesText(made.person)}`,
        link,
        `works once, until ${made.expiresAt}, in a browser or with "pawl login"; give it to nobody else`,
      ],
    };
  },
});

const grant = defineCommand({
  summary: 'give a person exactly these roles; none takes all away',
  positionals: [ID, ROLE],
  options: WORKSPACE_OPTION,
  example: 'pawl people grant 7 operator approver',
  async run({ values, positionals: [id = '', ...roles], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const body = { roles: parseRoles(roles) };
    const params = { id: idOf(id) };
    const { etag: ifMatch } = await client.read('getPerson', { params });
    const person = await client.call('setRoles', { params, ifMatch, body });
    return { json: person, text: [`${person.name}: ${rolesText(person)}`] };
  },
});

const disable = defineCommand({
  summary: 'shut a person out: sessions, tokens and links stop at once',
  positionals: [ID],
  options: WORKSPACE_OPTION,
  example: 'pawl people disable 7',
  async run({ values, positionals: [id = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const person = await client.call('disablePerson', { params: { id: idOf(id) }, body: {} });
    return { json: person, text: [`${person.name} is shut out`] };
  },
});

const enable = defineCommand({
  summary: 'let a person who was shut out come in again',
  positionals: [ID],
  options: WORKSPACE_OPTION,
  example: 'pawl people enable 7',
  async run({ values, positionals: [id = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const person = await client.call('enablePerson', { params: { id: idOf(id) }, body: {} });
    return { json: person, text: [`${person.name} may come in again: ${rolesText(person)}`] };
  },
});

const key = defineCommand({
  summary: 'register a public key whose signatures are approvals of a person',
  positionals: [ID, { name: 'FILE', summary: 'public key, SPKI PEM' }],
  options: {
    label: { type: 'string', value: 'TEXT', summary: 'what the key is called', default: 'approval key' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl people key 7 ada.pem',
  async run({ values, positionals: [id = '', file = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const publicKeyPem = await readText(inFolder(io.cwd, file));
    const body = { label: values.label, publicKeyPem };
    const made = await client.call('registerApprovalKeyFor', { params: { id: idOf(id) }, body });
    return { json: made, text: [`${made.algorithm} key ${made.keyId}`] };
  },
});

export const people: CommandGroup = {
  summary: 'who may use the server',
  commands: { list, invite, grant, disable, enable, key },
};
