/** `pawl mender`: devices with a Mender client, which come in by a key of their own that an operator accepts. */
import type { MenderRequest } from '@pawl/contract/management';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { inFolder, readText } from '../workspace/files.ts';
import { allPages } from '../workspace/pages.ts';
import { chooseLine, loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const STATES = ['pending', 'accepted', 'rejected'] as const;
const ID = { name: 'NUMBER', summary: 'of the request, as "pawl mender list" shows it' } as const;
const NAME = { name: 'NAME', summary: 'the name that the device gets (controller id)' } as const;
const DEVICE_OPTIONS = {
  model: { type: 'string', value: 'NAME', summary: 'hardware model', default: 'default' },
  tag: { type: 'string', value: 'TAG', summary: 'tag for filters', multiple: true },
  line: { type: 'string', value: 'NAME', summary: 'product line (may be left out when there is only one)' },
  ...WORKSPACE_OPTION,
} as const;

function cellsOf({ id, identity, keyId, state, controllerId, heardAt }: MenderRequest): string[] {
  return [String(id), state, controllerId ?? '-', identity, keyId.slice(0, 16), heardAt ?? 'never'];
}

const list = defineCommand({
  summary: 'list the Mender devices that asked to be let in, and what became of it',
  options: {
    state: { type: 'string', value: 'STATE', summary: 'pending, accepted or rejected only' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl mender list --state pending',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const state = STATES.find((one) => one === values.state);
    if (state === undefined && values.state !== undefined) {
      throw new CliError('CLI_USAGE', { at: '--state', actual: values.state });
    }
    const query = state === undefined ? {} : { state };
    const requests = await allPages((at) => client.call('listMenderRequests', { query: { ...query, ...at } }));
    const head = ['no.', 'state', 'device', 'identity', 'key', 'last asked'];
    return { json: requests, text: renderTable(io.isTty, head, requests.map(cellsOf)) };
  },
});

const accept = defineCommand({
  summary: 'let a Mender device in, under a name',
  positionals: [ID, NAME],
  options: {
    'key-change': { type: 'boolean', summary: 'the device is known under this name, and has a new key' },
    ...DEVICE_OPTIONS,
  },
  example: 'pawl mender accept 4 gateway-3 --model gateway',
  async run({ values, positionals: [id = '', controllerId = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const line = chooseLine(workspace, values.line);
    const device = { controllerId, model: values.model, line, tags: [...values.tag] };
    const request = await (await connect(workspace)).call('acceptMenderRequest', {
      params: { id: Number(parseNumber(id, 'NUMBER')) },
      body: { ...device, isKeyChange: values['key-change'] === true },
    });
    return { json: request, text: [`${controllerId} is let in when it asks next, with key ${request.keyId}`] };
  },
});

const reject = defineCommand({
  summary: 'keep a Mender device out; one that was let in is shut out at once',
  positionals: [ID],
  options: WORKSPACE_OPTION,
  example: 'pawl mender reject 4',
  async run({ values, positionals: [id = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const params = { id: Number(parseNumber(id, 'NUMBER')) };
    const request = await client.call('rejectMenderRequest', { params, body: {} });
    return { json: request, text: [`the key ${request.keyId} is out`] };
  },
});

const preauthorise = defineCommand({
  summary: 'add a Mender device whose identity and key are known, before it asks',
  positionals: [NAME],
  options: {
    identity: {
      type: 'string',
      value: 'NAME=VALUE',
      summary: 'each line that the identity script of the device prints',
      multiple: true,
    },
    key: { type: 'string', value: 'FILE', summary: 'public key of the device, SPKI PEM' },
    ...DEVICE_OPTIONS,
  },
  example: 'pawl mender preauthorise gateway-3 --identity mac=00:11:22:33:44:55 --key gateway-3.pub.pem',
  async run({ values, positionals: [controllerId = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    if (values.key === undefined || values.identity.length === 0) {
      throw new CliError('CLI_USAGE', { missing: values.key === undefined ? '--key' : '--identity' });
    }
    const publicKey = await readText(inFolder(io.cwd, values.key));
    const identity = Object.fromEntries(values.identity.map((text) => splitOnce(text)));
    const line = chooseLine(workspace, values.line);
    const device = { controllerId, model: values.model, line, tags: [...values.tag] };
    const body = { ...device, identity, publicKey };
    const request = await (await connect(workspace)).call('preauthoriseMender', { body });
    return { json: request, text: [`${controllerId} comes in when it asks, with key ${request.keyId}`] };
  },
});

function splitOnce(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new CliError('CLI_USAGE', { at: '--identity', expected: 'NAME=VALUE' });
  return [text.slice(0, at), text.slice(at + 1)];
}

export const mender: CommandGroup = {
  summary: 'devices with a Mender client: who asks to be let in',
  commands: { list, accept, reject, preauthorise },
};
