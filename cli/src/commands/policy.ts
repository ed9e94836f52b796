/** `pawl policy`: what holds for rollouts and devices that say nothing themselves. */
import { OPT_OUTS } from '@pawl/contract/management';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { connect } from '../workspace/connection.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';
import { parseWindow } from './rollout-policy.ts';

const linesOf = (facts: object): string[] =>
  Object.entries(facts).map(([label, value]) => `${label.padEnd(18)} ${JSON.stringify(value)}`);

const show = defineCommand({
  summary: 'show the default windows and time zone, and how many approvals a rollout needs',
  options: WORKSPACE_OPTION,
  example: 'pawl policy show',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const policy = await client.call('getPolicy', {});
    return { json: policy, text: linesOf(policy) };
  },
});

const set = defineCommand({
  summary: 'change the defaults; rollouts that exist keep what they were made with',
  options: {
    'time-zone': { type: 'string', value: 'ZONE', summary: 'of devices of which none is known' },
    window: { type: 'string', value: '[DAYS@]HH:MM+MINUTES', summary: 'install only then', multiple: true },
    'any-time': { type: 'boolean', summary: 'no windows' },
    approvals: { type: 'string', value: 'N', summary: 'people who must approve a rollout, 0 to 5' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl policy set --time-zone Europe/Berlin --window 02:00+180 --approvals 2',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { 'time-zone': timeZone, window, approvals } = values;
    const windows = window.length === 0 ? {} : { maintenance: { windows: window.map(parseWindow) } };
    const { etag: ifMatch } = await client.read('getPolicy', {});
    const policy = await client.call('setPolicy', {
      ifMatch,
      body: {
        ...(timeZone === undefined ? {} : { timeZone }),
        ...(values['any-time'] ? { maintenance: null } : windows),
        ...(approvals === undefined ? {} : { approvalsRequired: Number(parseNumber(approvals, '--approvals')) }),
      },
    });
    return { json: policy, text: linesOf(policy) };
  },
});

const device = defineCommand({
  summary: 'show or set the time zone of a device, and what its owner opted out of',
  positionals: [{ name: 'NAME', summary: 'the name of the device (controller id)' }],
  options: {
    'time-zone': { type: 'string', value: 'ZONE', summary: 'where it stands' },
    'opt-out': { type: 'string', value: 'KIND', summary: `what does not come by itself: ${OPT_OUTS.join(', ')}` },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl policy device kettle-17 --time-zone Asia/Tokyo --opt-out features',
  async run({ values, positionals: [controllerId = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { 'time-zone': timeZone, 'opt-out': text } = values;
    const optOut = OPT_OUTS.find((known) => known === text);
    if (text !== undefined && optOut === undefined)
      throw new CliError('CLI_USAGE', { optOut: text, expected: OPT_OUTS.join(', ') });
    const change = { ...(timeZone === undefined ? {} : { timeZone }), ...(optOut === undefined ? {} : { optOut }) };
    const params = { controllerId };
    const isAsked = Object.keys(change).length === 0;
    const { value: known, etag: ifMatch } = await client.read('getDevicePolicy', { params });
    const policy = isAsked ? known : await client.call('setDevicePolicy', { params, ifMatch, body: change });
    return { json: policy, text: linesOf(policy) };
  },
});

export const policy: CommandGroup = { summary: 'when and for whom updates come', commands: { show, set, device } };
