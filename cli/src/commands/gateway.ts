/** `pawl gateway`: tokens that may act for the devices they name. */
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { allPages } from '../workspace/pages.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const ID = { name: 'ID', summary: 'the number of the gateway' } as const;

const list = defineCommand({
  summary: 'list gateways and the devices that each may act for',
  options: WORKSPACE_OPTION,
  example: 'pawl gateway list',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const gateways = await allPages((at) => client.call('listGateways', { query: at }));
    const rows = gateways.map(({ id, name, controllerIds }) => [String(id), name, controllerIds.join(' ')]);
    return { json: gateways, text: renderTable(io.isTty, ['no.', 'name', 'devices'], rows) };
  },
});

const create = defineCommand({
  summary: 'make a gateway; its token is shown once',
  positionals: [
    { name: 'NAME', summary: 'a name for people' },
    { name: 'DEVICE', summary: 'devices that it may act for', multiple: true },
  ],
  options: WORKSPACE_OPTION,
  example: 'pawl gateway create cellar sensor-1 sensor-2',
  async run({ values, positionals: [name = '', ...controllerIds], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const made = await client.call('createGateway', { body: { name, controllerIds } });
    return { json: { name, ...made }, text: [`gateway ${made.id}`, `token ${made.token}`, 'shown this once'] };
  },
});

const change = defineCommand({
  summary: 'let a gateway act for more devices, or for fewer',
  positionals: [ID],
  options: {
    add: { type: 'string', value: 'DEVICE', summary: 'a device more', multiple: true },
    remove: { type: 'string', value: 'DEVICE', summary: 'a device less', multiple: true },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl gateway change 3 --add sensor-4 --remove sensor-1',
  async run({ values, positionals: [id = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const body = { add: [...values.add], remove: [...values.remove] };
    const gateway = await client.call('changeGateway', { params: { id: Number(parseNumber(id, 'ID')) }, body });
    return { json: gateway, text: [`${gateway.name}: ${gateway.controllerIds.join(' ')}`] };
  },
});

const revoke = defineCommand({
  summary: 'end a gateway: its token stops working at once',
  positionals: [ID],
  options: WORKSPACE_OPTION,
  example: 'pawl gateway revoke 3',
  async run({ values, positionals: [id = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    await client.call('revokeGateway', { params: { id: Number(parseNumber(id, 'ID')) } });
    return { json: { id, isRevoked: true }, text: [`gateway ${id} is revoked`] };
  },
});

export const gateway: CommandGroup = {
  summary: 'tokens that act for several devices',
  commands: { list, create, change, revoke },
};
