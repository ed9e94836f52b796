/** `pawl rollout`: a published release goes to the devices that a filter names. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ManagementClient } from '@pawl/contract/client';
import type { Assignment, AssignmentState, Rollout, RolloutState, SuccessKind } from '@pawl/contract/management';
import { type CommandGroup, defineCommand, type Io, type Outcome } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { connect } from '../workspace/connection.ts';
import { allPages } from '../workspace/pages.ts';
import { chooseLine, loadWorkspace, parseNumber, parseVersion, WORKSPACE_OPTION } from '../workspace/workspace.ts';
import { releaseIdOf } from './release-id.ts';
import { APPROVAL_COMMANDS } from './rollout-approval.ts';
import { PLAN_OPTIONS, parsePlan } from './rollout-plan.ts';
import { POLICY_OPTIONS, parsePolicy } from './rollout-policy.ts';
import { describeDevices, describeRollout, describeRollouts, describeVerdicts } from './rollout-view.ts';

const ID = { name: 'ID', summary: 'the number of the rollout' } as const;
const ASK_AGAIN_MS = 200;
const SUCCESS_KINDS: readonly SuccessKind[] = ['reported', 'version-seen', 'confirmed', 'attested'];
const OVER: ReadonlySet<RolloutState> = new Set(['finished', 'stopped'] as const);

type Told = { readonly rollout: Rollout; readonly assignments: readonly Assignment[] };

function assignmentsOf(client: ManagementClient, rolloutId: number): Promise<Assignment[]> {
  return allPages((at) => client.call('listAssignments', { query: { rolloutId, ...at } }));
}

async function ask(client: ManagementClient, id: number): Promise<Told> {
  // The rollout first: when it has ended, its assignments have.
  const rollout = await client.call('getRollout', { params: { id } });
  return { rollout, assignments: await assignmentsOf(client, id) };
}

/** More devices than this are shown only when asked for. */
const DEVICES_SHOWN = 200;

function outcomeOf(io: Io, { rollout, assignments }: Told, verdicts: readonly string[] = []): Outcome {
  const devices = assignments.map(({ id, controllerId, state, code, step, attestation }) => ({
    assignmentId: id,
    device: controllerId,
    state,
    code,
    step,
    attestation,
  }));
  return {
    json: { ...rollout, assignments: devices },
    text: [...describeRollout(io.isTty, rollout), ...verdicts, '', ...describeDevices(io.isTty, assignments)],
  };
}

async function listed(io: Io, client: ManagementClient): Promise<Outcome> {
  const rollouts = await allPages((at) => client.call('listRollouts', { query: at }));
  return { json: rollouts, text: describeRollouts(io.isTty, rollouts) };
}

function parseId(text: string): number {
  return Number(parseNumber(text, 'ID'));
}

function parseSuccess(text: string): SuccessKind {
  const kind = SUCCESS_KINDS.find((name) => name === text);
  if (kind === undefined) throw new CliError('CLI_USAGE', { success: text, expected: SUCCESS_KINDS.join(', ') });
  return kind;
}

const create = defineCommand({
  summary: 'make a rollout',
  positionals: [{ name: 'NAME', summary: 'a name for people' }],
  options: {
    version: { type: 'string', value: 'X.Y.Z', summary: 'the published release', required: true },
    line: { type: 'string', value: 'NAME', summary: 'product line (may be left out when there is only one)' },
    filter: { type: 'string', value: 'FILTER', summary: 'which devices, such as "tag:kitchen"', default: '' },
    success: {
      type: 'string',
      value: 'KIND',
      summary: `what counts: ${SUCCESS_KINDS.join(', ')}`,
      default: 'confirmed',
    },
    forced: { type: 'boolean', summary: 'install at once, whatever the device would rather do' },
    consent: { type: 'boolean', summary: "wait for the consent of the device's user" },
    'despite-floor': { type: 'boolean', summary: 'offer it below the floor of devices too; they will refuse it' },
    start: { type: 'boolean', summary: 'start it at once' },
    ...PLAN_OPTIONS,
    ...POLICY_OPTIONS,
    ...WORKSPACE_OPTION,
  },
  example:
    "pawl rollout create spring --version 1.4.0 --filter 'tag:kitchen' --wave 5%,soak=1d --wave 25% --wave rest --start",
  async run({ values, positionals: [name = ''], io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const successKind = parseSuccess(values.success);
    const version = parseVersion(values.version);
    const plan = { ...parsePlan(values), ...parsePolicy(values) };
    const client = await connect(workspace);
    const releaseId = await releaseIdOf(client, chooseLine(workspace, values.line), version);
    const flags = { isForced: values.forced, needsConsent: values.consent, despiteFloor: values['despite-floor'] };
    let rollout = await client.call('createRollout', {
      body: { name, releaseId, filter: values.filter, successKind, ...flags, ...plan },
    });
    if (values.start) {
      rollout = await client.call('changeRollout', { params: { id: rollout.id, verb: 'start' }, body: {} });
    }
    const next = values.start ? 'watch' : rollout.state === 'waiting-approval' ? 'approval' : 'start';
    return { json: rollout, text: [...describeRollout(io.isTty, rollout), `Next: pawl rollout ${next} ${rollout.id}`] };
  },
});

type Verb = 'start' | 'pause' | 'resume' | 'stop' | 'retry' | 'next';

function changing(verb: Verb, summary: string): ReturnType<typeof defineCommand> {
  return defineCommand({
    summary,
    positionals: [ID],
    options: WORKSPACE_OPTION,
    example: `pawl rollout ${verb} 3`,
    async run({ values, positionals: [id = ''], io }) {
      const client = await connect(await loadWorkspace(io, values.workspace));
      const rollout = await client.call('changeRollout', { params: { id: parseId(id), verb }, body: {} });
      return { json: rollout, text: describeRollout(io.isTty, rollout) };
    },
  });
}

const show = defineCommand({
  summary: 'show a rollout: who approved it, its waves and its devices; without ID, list the rollouts',
  positionals: [{ ...ID, optional: true }],
  options: {
    devices: { type: 'boolean', summary: `list the devices also when they are more than ${DEVICES_SHOWN}` },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl rollout show 3',
  async run({ values, positionals: [id], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    if (id === undefined) return await listed(io, client);
    const rollout = await client.call('getRollout', { params: { id: parseId(id) } });
    const isApproved = rollout.approvalsRequired > 0;
    const verdicts = isApproved
      ? describeVerdicts(await client.call('getApproval', { params: { id: rollout.id } }))
      : [];
    const isListed = values.devices || rollout.devices <= DEVICES_SHOWN;
    if (!isListed) return { json: rollout, text: [...describeRollout(io.isTty, rollout), ...verdicts] };
    return outcomeOf(io, { rollout, assignments: await assignmentsOf(client, rollout.id) }, verdicts);
  },
});

const list = defineCommand({
  summary: 'list the rollouts, the newest first: where each stands, and why it halted',
  options: WORKSPACE_OPTION,
  example: 'pawl rollout list',
  async run({ values, io }) {
    return await listed(io, await connect(await loadWorkspace(io, values.workspace)));
  },
});

const watch = defineCommand({
  summary: 'follow a rollout until it has ended, or halted by itself',
  positionals: [ID],
  options: {
    timeout: { type: 'string', value: 'SECONDS', summary: 'give up after', default: '86400' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl rollout watch 3',
  async run({ values, positionals: [text = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const id = parseId(text);
    const endsAtMs = io.now().getTime() + Number(parseNumber(values.timeout, '--timeout')) * 1000;
    const seen = new Map<string, AssignmentState>();
    for (;;) {
      const told = await ask(client, id);
      for (const { controllerId, state, code } of told.assignments) {
        if (seen.get(controllerId) === state) continue;
        seen.set(controllerId, state);
        if (!io.isJson) io.print(`${controllerId}  ${state}${code === null ? '' : `  ${code}`}`);
      }
      if (OVER.has(told.rollout.state)) return outcomeOf(io, told);
      if (told.rollout.state === 'halted') return { ...outcomeOf(io, told), exitCode: 1 };
      if (io.signal.aborted || io.now().getTime() > endsAtMs)
        throw new CliError('CLI_ROLLOUT_UNFINISHED', { rollout: id });
      await sleep(ASK_AGAIN_MS);
    }
  },
});

export const rollout: CommandGroup = {
  summary: 'bring a release to devices',
  commands: {
    create,
    start: changing('start', 'start a rollout'),
    pause: changing('pause', 'offer it to no further device'),
    resume: changing('resume', 'go on after a pause'),
    next: changing('next', 'start the next wave now, whatever the thresholds say'),
    retry: changing('retry', 'try again the devices that failed or never answered'),
    stop: changing('stop', 'end a rollout for good; devices that are done are not affected'),
    show,
    list,
    watch,
    ...APPROVAL_COMMANDS,
  },
};
