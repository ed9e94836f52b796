/** `pawl token`: API tokens, of your own or of machines. */
import { isRole, PERMISSIONS, type Permission, ROLES, type Token } from '@pawl/contract/management';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

function parsePermissions(texts: readonly string[]): { permissions?: Permission[] } {
  if (texts.length === 0) return {};
  const permissions = texts.map((text) => {
    const found = PERMISSIONS.find((name) => name === text);
    if (found === undefined) throw new CliError('CLI_USAGE', { permission: text, expected: PERMISSIONS.join(', ') });
    return found;
  });
  return { permissions };
}

const create = defineCommand({
  summary: 'make an API token of your own, or of a machine; it is shown once',
  about: ['No token holds more, or lives longer, than what makes it. Without --permission: all that you may do.'],
  positionals: [{ name: 'LABEL', summary: 'what it is for; with --machine its name' }],
  options: {
    machine: { type: 'boolean', summary: 'the token of a machine: it stays when you leave (needs people:write)' },
    role: { type: 'string', value: 'ROLE', summary: `with --machine, instead of --permission: ${ROLES.join(', ')}` },
    permission: { type: 'string', value: 'NAME', summary: PERMISSIONS.join(', '), multiple: true },
    line: { type: 'string', value: 'NAME', summary: 'good for this product line only', multiple: true },
    'valid-for': { type: 'string', value: 'SECONDS', summary: 'how long it lives, at most a year (else 90 days)' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl token create build-server --machine --permission release:write --line kettle',
  async run({ values, positionals: [label = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { role } = values;
    if (role !== undefined && (!isRole(role) || !values.machine)) {
      throw new CliError('CLI_USAGE', { role, expected: `with --machine: ${ROLES.join(', ')}` });
    }
    const valid = values['valid-for'];
    const body = {
      label,
      ...parsePermissions(values.permission),
      ...(values.line.length === 0 ? {} : { lines: [...values.line] }),
      ...(valid === undefined ? {} : { validForS: Number(parseNumber(valid, '--valid-for')) }),
    };
    const made = values.machine
      ? await client.call('createToken', { body: { ...body, ...(role === undefined ? {} : { role }) } })
      : await client.call('createOwnToken', { body });
    return { json: made, text: [`token ${made.token}`, `shown this once, good until ${made.expiresAt}`] };
  },
});

function cells({ id, label, personId, permissions, lines, expiresAt, lastUsedAt }: Token): string[] {
  const owner = personId === null ? 'machine' : `person ${personId}`;
  return [id, label, owner, permissions.join(' '), lines?.join(' ') ?? 'every line', expiresAt, lastUsedAt ?? 'never'];
}

const list = defineCommand({
  summary: 'list API tokens: your own, or with --all those of everybody',
  options: { all: { type: 'boolean', summary: 'of everybody (needs people:write)' }, ...WORKSPACE_OPTION },
  example: 'pawl token list --all',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { items } = await client.call(values.all ? 'listTokens' : 'listOwnTokens', {});
    const head = ['id', 'label', 'owner', 'may', 'on', 'until', 'last used'];
    return { json: items, text: renderTable(io.isTty, head, items.map(cells)) };
  },
});

const revoke = defineCommand({
  summary: 'end an API token at once',
  positionals: [{ name: 'ID', summary: 'as in "pawl token list"' }],
  options: { all: { type: 'boolean', summary: "somebody else's (needs people:write)" }, ...WORKSPACE_OPTION },
  example: 'pawl token revoke 0123456789abcdef',
  async run({ values, positionals: [tokenId = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    await client.call(values.all ? 'revokeToken' : 'revokeOwnToken', { params: { tokenId } });
    return { json: { id: tokenId, isRevoked: true }, text: [`token ${tokenId} opens nothing any more`] };
  },
});

export const token: CommandGroup = { summary: 'tokens of the API', commands: { create, list, revoke } };
