/** `pawl tenant`: organisations that share a server; for admins of the first one. */
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { connect } from '../workspace/connection.ts';
import { loadWorkspace, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const list = defineCommand({
  summary: 'list the tenants of the server',
  options: WORKSPACE_OPTION,
  example: 'pawl tenant list',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { items } = await client.call('listTenants', {});
    return { json: items, text: items.map(({ name, isFirst }) => (isFirst ? `${name}  runs the server` : name)) };
  },
});

const create = defineCommand({
  summary: 'make a tenant, and the one-time link with which its first admin comes in',
  positionals: [{ name: 'NAME', summary: 'lower case; it stands in the addresses of its devices' }],
  options: WORKSPACE_OPTION,
  example: 'pawl tenant create acme',
  async run({ values, positionals: [name = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const made = await (await connect(workspace)).call('createTenant', { body: { name } });
    const link = `${workspace.config.server ?? ''}/#claim=${made.claim}`;
    return { json: { ...made, link }, text: [`pawl login '${link}'`, `shown this once, good until ${made.expiresAt}`] };
  },
});

export const tenant: CommandGroup = { summary: 'organisations that share the server', commands: { list, create } };
