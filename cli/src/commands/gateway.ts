/** `pawl gateway`: tokens that may act for the devices they name. */
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { inFolder, readText } from '../workspace/files.ts';
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

const KEY_OPTIONS = {
  key: {
    type: 'string',
    value: 'FILE',
    summary: 'its public key (SPKI PEM), which it shows in TLS, in place of a token',
  },
  ...WORKSPACE_OPTION,
} as const;

async function keyOf(cwd: string, path: string | undefined): Promise<{ publicKeyPem?: string }> {
  return path === undefined ? {} : { publicKeyPem: await readText(inFolder(cwd, path)) };
}

function tokenLines(token: string | null): string[] {
  return token === null ? ['it comes in by a certificate over its key'] : [`token ${token}`, 'shown this once'];
}

const create = defineCommand({
  summary: 'make a gateway: with a token, shown once, or with a key of its own',
  positionals: [
    { name: 'NAME', summary: 'a name for people' },
    { name: 'DEVICE', summary: 'devices that it may act for', multiple: true },
  ],
  options: KEY_OPTIONS,
  example: 'pawl gateway create cellar sensor-1 sensor-2',
  async run({ values, positionals: [name = '', ...controllerIds], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const key = await keyOf(io.cwd, values.key);
    const made = await client.call('createGateway', { body: { name, controllerIds, ...key } });
    return { json: { name, ...made }, text: [`gateway ${made.id}`, ...tokenLines(made.token)] };
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

const rotate = defineCommand({
  summary: 'give a gateway a new token, or a new key; what it had ends',
  positionals: [ID],
  options: {
    overlap: { type: 'string', value: 'SECONDS', summary: 'how long what it had goes on', default: '0' },
    ...KEY_OPTIONS,
  },
  example: 'pawl gateway rotate 3 --overlap 86400',
  async run({ values, positionals: [id = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const overlapS = Number(parseNumber(values.overlap, '--overlap'));
    const body = { overlapS, ...(await keyOf(io.cwd, values.key)) };
    const made = await client.call('rotateGateway', { params: { id: Number(parseNumber(id, 'ID')) }, body });
    return { json: made, text: tokenLines(made.token) };
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
  commands: { list, create, change, rotate, revoke },
};
