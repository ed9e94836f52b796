/** `pawl device pending`, `approve`, `reject`: devices that introduced themselves by a key, whatever client they run. */
import type { Introduction } from '@pawl/contract/management';
import { defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { allPages } from '../workspace/pages.ts';
import { chooseLine, loadWorkspace, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const STATES = ['pending', 'accepted', 'rejected'] as const;
const ID = { name: 'ID', summary: 'as "pawl device pending" shows it, such as pawl-3' } as const;

function cellsOf({ id, state, name, controllerId, keyId, attributes, heardAt }: Introduction): string[] {
  const said = Object.entries(attributes).map(([label, value]) => `${label}=${value}`);
  return [id, state, controllerId ?? name ?? '-', keyId, said.join(' '), heardAt ?? 'never'];
}

export const pending = defineCommand({
  summary: 'list the devices that introduced themselves and wait to be let in',
  options: {
    state: { type: 'string', value: 'STATE', summary: 'pending, accepted, rejected or all', default: 'pending' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl device pending',
  async run({ values, io }) {
    const state = STATES.find((one) => one === values.state);
    if (state === undefined && values.state !== 'all') {
      throw new CliError('CLI_USAGE', { at: '--state', actual: values.state });
    }
    const client = await connect(await loadWorkspace(io, values.workspace));
    const query = state === undefined ? {} : { state };
    const items = await allPages((at) => client.call('listIntroductions', { query: { ...query, ...at } }));
    const head = ['id', 'state', 'name', 'key', 'says of itself', 'last asked'];
    return { json: items, text: renderTable(io.isTty, head, items.map(cellsOf)) };
  },
});

export const approve = defineCommand({
  summary: 'let a device in that introduced itself; it goes on by itself',
  about: ['Compare the fingerprint (key) with what the device shows: "pawl agent introduce" prints it.'],
  positionals: [ID, { name: 'NAME', summary: 'the name that the device gets (controller id)' }],
  options: {
    key: { type: 'string', value: 'HEX', summary: 'the fingerprint that you compared; another one is refused' },
    'key-change': { type: 'boolean', summary: 'the device is known under this name, and gets this new key' },
    model: { type: 'string', value: 'NAME', summary: 'hardware model', default: 'default' },
    tag: { type: 'string', value: 'TAG', summary: 'tag for filters', multiple: true },
    line: { type: 'string', value: 'NAME', summary: 'product line (may be left out when there is only one)' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl device approve pawl-3 kettle-17 --model kettle-2',
  async run({ values, positionals: [introductionId = '', controllerId = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const answer = await (await connect(workspace)).call('approveIntroduction', {
      params: { introductionId },
      body: {
        controllerId,
        model: values.model,
        line: chooseLine(workspace, values.line),
        tags: [...values.tag],
        isKeyChange: values['key-change'] === true,
        ...(values.key === undefined ? {} : { keyId: values.key }),
      },
    });
    return { json: answer, text: [`${controllerId} is in when it asks next, with key ${answer.keyId}`] };
  },
});

export const reject = defineCommand({
  summary: 'keep a device out that introduced itself',
  positionals: [ID],
  options: WORKSPACE_OPTION,
  example: 'pawl device reject pawl-3',
  async run({ values, positionals: [introductionId = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const answer = await client.call('rejectIntroduction', { params: { introductionId }, body: {} });
    return { json: answer, text: [`the key ${answer.keyId} is out`] };
  },
});
