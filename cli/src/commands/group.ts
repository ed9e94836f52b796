/** `pawl group`: filters that have a name, for other filters and for rollouts. */
import { RemoteError } from '@pawl/contract/client';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { allPages } from '../workspace/pages.ts';
import { loadWorkspace, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const NAME = { name: 'NAME', summary: 'the name of the group' } as const;

const list = defineCommand({
  summary: 'list groups',
  options: WORKSPACE_OPTION,
  example: 'pawl group list',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const groups = await allPages((at) => client.call('listGroups', { query: at }));
    const rows = groups.map(({ name, filter, updatedAt }) => [name, filter, updatedAt]);
    return { json: groups, text: renderTable(io.isTty, ['name', 'filter', 'changed'], rows) };
  },
});

const show = defineCommand({
  summary: 'show a group and how many devices it names now',
  positionals: [NAME],
  options: WORKSPACE_OPTION,
  example: 'pawl group show pilots',
  async run({ values, positionals: [name = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const group = await client.call('getGroup', { params: { name } });
    const count = group.isExact ? String(group.devices) : `more than ${group.devices}`;
    return { json: group, text: [`${group.name}: ${group.filter}`, `${count} devices`] };
  },
});

const set = defineCommand({
  summary: 'save a filter under a name, or change it',
  positionals: [NAME, { name: 'FILTER', summary: 'which devices' }],
  options: WORKSPACE_OPTION,
  example: "pawl group set pilots 'tag:pilot or (model:kettle-2 version>=1.4)'",
  async run({ values, positionals: [name = '', filter = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const params = { name };
    const known = await client.read('getGroup', { params }).catch((error: unknown) => {
      if (error instanceof RemoteError && error.code === 'GROUP_UNKNOWN') return undefined;
      throw error;
    });
    const condition = known === undefined ? { ifNoneMatch: '*' as const } : { ifMatch: known.etag };
    const group = await client.call('putGroup', { params, ...condition, body: { filter } });
    return { json: group, text: [`group:${name} is ${group.filter}`] };
  },
});

const remove = defineCommand({
  summary: 'forget a group that nothing uses',
  positionals: [NAME],
  options: WORKSPACE_OPTION,
  example: 'pawl group remove pilots',
  async run({ values, positionals: [name = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    await client.call('deleteGroup', { params: { name } });
    return { json: { name, isDeleted: true }, text: [`${name} is forgotten`] };
  },
});

export const group: CommandGroup = { summary: 'filters that have a name', commands: { list, show, set, remove } };
