/** `pawl device`: who the devices are, and how they come in: by a one-time claim, or (foreign clients) by a token. */
import type { Device } from '@pawl/contract/management';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { allPages } from '../workspace/pages.ts';
import { chooseLine, loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';
import { approve, pending, reject } from './device-admission.ts';
import { set, tag } from './device-change.ts';
import { claims, exportDevices, importDevices } from './device-table.ts';
import { offer, take, withdraw } from './device-transfer.ts';
import { attestationText } from './rollout-view.ts';

const NAME = { name: 'NAME', summary: 'the name of the device (controller id)' } as const;
const NEW_OPTIONS = {
  model: { type: 'string', value: 'NAME', summary: 'hardware model', default: 'default' },
  tag: { type: 'string', value: 'TAG', summary: 'tag for filters', multiple: true },
  line: { type: 'string', value: 'NAME', summary: 'product line (may be left out when there is only one)' },
  ...WORKSPACE_OPTION,
} as const;

const claim = defineCommand({
  summary: 'make a one-time claim with which a device enrols its own key',
  positionals: [NAME],
  options: { ...NEW_OPTIONS, 'valid-for': { type: 'string', value: 'SECONDS', summary: 'how long', default: '86400' } },
  example: 'pawl device claim kettle-17 --model kettle-2 --tag kitchen',
  async run({ values, positionals: [controllerId = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const made = await (await connect(workspace)).call('createClaim', {
      body: {
        controllerId,
        model: values.model,
        line: chooseLine(workspace, values.line),
        tags: [...values.tag],
        validForS: Number(parseNumber(values['valid-for'], '--valid-for')),
      },
    });
    return {
      json: { controllerId, ...made },
      text: [
        `claim ${made.claim}`,
        `shown this once, good until ${made.expiresAt}; on the device: pawl agent enrol --claim CLAIM`,
      ],
    };
  },
});

const add = defineCommand({
  summary: 'add a device that runs a foreign client (SWUpdate, RAUC, Zephyr)',
  positionals: [NAME],
  options: NEW_OPTIONS,
  example: 'pawl device add gateway-3 --model gateway',
  async run({ values, positionals: [controllerId = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const line = chooseLine(workspace, values.line);
    const device = { controllerId, model: values.model, line, tags: [...values.tag] };
    const answer = await (await connect(workspace)).call('addDevices', { body: { devices: [device] } });
    const token = answer.devices[0]?.token ?? '';
    return {
      json: { controllerId, token },
      text: [`token ${token}`, 'shown this once; the server keeps only its digest'],
    };
  },
});

function deviceCells(device: Device): string[] {
  const { controllerId, model, installedVersion, state, lastSeenAt } = device;
  return [controllerId, model, device.kind, installedVersion ?? '-', state ?? '-', lastSeenAt ?? 'never'];
}

const list = defineCommand({
  summary: 'list devices',
  options: {
    filter: { type: 'string', value: 'FILTER', summary: 'such as "model:kettle-2 (tag:kitchen or version<1.4)"' },
    ...WORKSPACE_OPTION,
  },
  example: "pawl device list --filter 'tag:kitchen'",
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const filter = values.filter === undefined ? {} : { filter: values.filter };
    const devices = await allPages((at) => client.call('listDevices', { query: { ...filter, ...at } }));
    const head = ['name', 'model', 'kind', 'version', 'state', 'last seen'];
    return { json: devices, text: renderTable(io.isTty, head, devices.map(deviceCells)) };
  },
});

const show = defineCommand({
  summary: 'show one device and what was installed on it',
  positionals: [NAME],
  options: WORKSPACE_OPTION,
  example: 'pawl device show kettle-17',
  async run({ values, positionals: [controllerId = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const device = await client.call('getDevice', { params: { controllerId } });
    const assignments = await allPages((at) => client.call('listAssignments', { query: { controllerId, ...at } }));
    const { attributes, operatorAttributes, tags, ...facts } = device;
    const lines = Object.entries(facts).map(([label, value]) => `${label.padEnd(18)} ${value ?? '-'}`);
    const rows = assignments.map((one) => [
      String(one.id),
      one.version,
      one.state,
      one.code ?? attestationText(one),
      one.updatedAt,
    ]);
    return {
      json: { ...device, assignments },
      text: [
        ...lines,
        `${'tags'.padEnd(18)} ${tags.join(', ')}`,
        ...Object.entries(operatorAttributes).map(([label, value]) => `set by operators ${label}: ${value}`),
        ...Object.entries(attributes).map(([label, value]) => `attribute ${label}: ${value}`),
        ...(rows.length === 0
          ? []
          : ['', ...renderTable(io.isTty, ['no.', 'version', 'state', 'code', 'since'], rows)]),
      ],
    };
  },
});

const log = defineCommand({
  summary: 'show what a device said about the release that it was given last',
  positionals: [NAME],
  options: WORKSPACE_OPTION,
  example: 'pawl device log gateway-3',
  async run({ values, positionals: [controllerId = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const assignments = await allPages((at) => client.call('listAssignments', { query: { controllerId, ...at } }));
    const last = assignments.at(-1);
    if (last === undefined) return { json: [], text: [`${controllerId} was given no release yet`] };
    const { items } = await client.call('listAssignmentLog', { params: { id: last.id }, query: { limit: 1000 } });
    const entries = items.toReversed();
    return {
      json: entries,
      text: entries.flatMap(({ at, status, messages }) => [`${at} ${status}`, ...messages.map((line) => `  ${line}`)]),
    };
  },
});

const remove = defineCommand({
  summary: 'end the life of a device: its credentials stop working, its history stays',
  positionals: [NAME],
  options: WORKSPACE_OPTION,
  example: 'pawl device remove kettle-17',
  async run({ values, positionals: [controllerId = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    await client.call('decommissionDevice', { params: { controllerId } });
    return { json: { controllerId, isDecommissioned: true }, text: [`${controllerId} is decommissioned`] };
  },
});

export const device: CommandGroup = {
  summary: 'the devices that the server knows',
  commands: {
    claim,
    claims,
    export: exportDevices,
    import: importDevices,
    pending,
    approve,
    reject,
    add,
    list,
    show,
    set,
    tag,
    log,
    remove,
    offer,
    take,
    withdraw,
  },
};
