/** `pawl agent`: the device side. Provision in production, enrol once, then run. */
import {
  type AgentEvent,
  answerConsent,
  enrolAgent,
  introduceAgent,
  OPT_OUTS,
  provisionAgent,
  readAgentStatus,
  runAgent,
  setOptOut,
  systemPorts,
} from '@pawl/agent/main';
import { type CommandGroup, defineCommand, type Io } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { inFolder } from '../workspace/files.ts';
import { openLineKey } from '../workspace/keyring.ts';
import { obtainPassphrase, PASSPHRASE_OPTION } from '../workspace/passphrase.ts';
import { loadRoots } from '../workspace/trust-store.ts';
import {
  chooseLine,
  lineOf,
  loadWorkspace,
  parseNumber,
  parseVersion,
  WORKSPACE_OPTION,
  type Workspace,
} from '../workspace/workspace.ts';

const STATE_OPTION = {
  state: { type: 'string', value: 'DIR', summary: 'the state folder of the device', required: true },
} as const;

async function newestRoot({ dir }: Workspace): Promise<Uint8Array> {
  const root = (await loadRoots(dir)).at(-1);
  if (root === undefined) throw new CliError('CLI_TRUST_MISSING');
  return root.bytes;
}

const provision = defineCommand({
  summary: 'make the state folder of a device, as production does',
  about: [
    'Takes the trusted root and the key of the product line from the workspace. The boot command gets the folder of the',
    'slot as its last argument; status 0 says that the image started and is healthy.',
  ],
  options: {
    ...STATE_OPTION,
    server: { type: 'string', value: 'URL', summary: "where the device polls (else the workspace's server)" },
    image: { type: 'string', value: 'FILE', summary: 'the plain image that it leaves with', required: true },
    version: { type: 'string', value: 'X.Y.Z', summary: 'its version', required: true },
    sequence: { type: 'string', value: 'N', summary: 'its sequence number', required: true },
    counter: { type: 'string', value: 'N', summary: 'its security counter, and the first floor', required: true },
    boot: {
      type: 'string',
      value: 'WORD',
      summary: 'boot command, one word each time',
      multiple: true,
      required: true,
    },
    line: { type: 'string', value: 'NAME', summary: 'product line (may be left out when there is only one)' },
    consent: { type: 'boolean', summary: "ask the device's user before an install" },
    notice: {
      type: 'string',
      value: 'WORD',
      summary: 'command that tells the user, one word each time',
      multiple: true,
    },
    'time-zone': { type: 'string', value: 'ZONE', summary: 'where it stands, such as Europe/Berlin' },
    ca: { type: 'string', value: 'FILE', summary: "authority of the server's certificate, PEM" },
    ...PASSPHRASE_OPTION,
    ...WORKSPACE_OPTION,
  },
  example:
    'pawl agent provision --state ./device --image v1.bin --version 1.0.0 --sequence 1 --counter 1 --boot ./boot.sh',
  async run({ values, io }) {
    const workspace = await loadWorkspace(io, values.workspace);
    const line = chooseLine(workspace, values.line);
    const server = values.server ?? workspace.config.server;
    if (server === undefined) throw new CliError('CLI_USAGE', { missing: '--server' });
    const trustedRoot = await newestRoot(workspace);
    const lineKey = await openLineKey(workspace, line, await obtainPassphrase(io, values['passphrase-file']));
    const stateDir = inFolder(io.cwd, values.state);
    await provisionAgent(
      {
        stateDir,
        config: {
          server,
          line,
          ...lineOf(workspace, line),
          boot: values.boot,
          consent: values.consent ? 'ask' : 'auto',
          ...(values.notice.length === 0 ? {} : { notice: values.notice }),
          ...(values['time-zone'] === undefined ? {} : { timeZone: values['time-zone'] }),
          ...(values.ca === undefined ? {} : { tls: { ca: inFolder(io.cwd, values.ca) } }),
        },
        trustedRoot,
        lineKey,
        image: {
          path: inFolder(io.cwd, values.image),
          version: parseVersion(values.version),
          sequenceNumber: parseNumber(values.sequence, '--sequence'),
          securityCounter: parseNumber(values.counter, '--counter'),
        },
      },
      portsOf(io),
    );
    return {
      json: { stateDir, line, server, version: values.version },
      text: [`provisioned ${stateDir}`, `Next, on the device: pawl agent enrol --state ${values.state} --claim CLAIM`],
    };
  },
});

function portsOf(io: Io): ReturnType<typeof systemPorts> {
  return systemPorts({ emit: (event) => printEvent(io, event), signal: io.signal });
}

function describeEvent(event: AgentEvent): string | undefined {
  switch (event.event) {
    case 'started':
      return `running ${event.version} from slot ${event.slot}, floor ${event.floor}`;
    case 'state':
      return [event.state, event.version, event.code, event.message].filter((word) => word !== undefined).join('  ');
    case 'boot':
      return `slot ${event.slot} ${event.isHealthy ? 'is healthy' : 'did not start'}`;
    case 'unreachable':
    case 'waiting':
    case 'note':
      return `${event.code}: ${event.message}`;
    case 'attested':
      return [`attested what runs in slot ${event.slot}: ${event.verdict}`, ...event.reasons].join('  ');
    case 'stopped':
      return 'stopped';
    case 'polled':
    case 'progress':
      return undefined;
  }
}

function printEvent(io: Io, event: AgentEvent): void {
  if (io.isJson) return io.printJson(event);
  const line = describeEvent(event);
  if (line !== undefined) io.print(line);
}

const enrol = defineCommand({
  summary: "make the device's own key and enrol it with a one-time claim",
  options: {
    ...STATE_OPTION,
    claim: { type: 'string', value: 'CLAIM', summary: 'from "pawl device claim"', required: true },
  },
  example: 'pawl agent enrol --state ./device --claim CLAIM',
  async run({ values, io }) {
    const { controllerId, pollIntervalS } = await enrolAgent(
      { stateDir: inFolder(io.cwd, values.state), claim: values.claim },
      portsOf(io),
    );
    return {
      json: { controllerId, pollIntervalS },
      text: [`enrolled as ${controllerId}`, `Next: pawl agent run --state ${values.state}`],
    };
  },
});

const introduce = defineCommand({
  summary: 'introduce the device by its own key, for an operator to let in',
  about: [
    'With the certificate of its manufacturer the device is in at once, where the operator registered the authority.',
    'Without, it waits: "pawl agent run" asks again by itself until an operator has approved it.',
  ],
  options: {
    ...STATE_OPTION,
    name: { type: 'string', value: 'NAME', summary: 'the name that it asks for' },
    attribute: { type: 'string', value: 'NAME=VALUE', summary: 'what it says of itself', multiple: true },
    certificate: { type: 'string', value: 'FILE', summary: 'of its manufacturer, PEM' },
    key: { type: 'string', value: 'FILE', summary: 'the key of the certificate, which becomes its own, PEM' },
  },
  example: 'pawl agent introduce --state ./device --name kettle-17 --attribute serial=4711',
  async run({ values, io }) {
    const { name, certificate, key } = values;
    const attributes = Object.fromEntries(values.attribute.map(parseAttribute));
    const answer = await introduceAgent(
      {
        stateDir: inFolder(io.cwd, values.state),
        ...(name === undefined ? {} : { name }),
        ...(values.attribute.length === 0 ? {} : { attributes }),
        ...(certificate === undefined ? {} : { certificate: inFolder(io.cwd, certificate) }),
        ...(key === undefined ? {} : { key: inFolder(io.cwd, key) }),
      },
      portsOf(io),
    );
    const state = answer.controllerId === undefined ? 'waits for an operator' : `enrolled as ${answer.controllerId}`;
    return {
      json: answer,
      text: [`key ${answer.keyId}`, state, `Next: pawl agent run --state ${values.state}`],
    };
  },
});

function parseAttribute(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at < 1) throw new CliError('CLI_USAGE', { attribute: text, expected: 'NAME=VALUE' });
  return [text.slice(0, at), text.slice(at + 1)];
}

const run = defineCommand({
  summary: 'run the agent until a signal ends it; with --json, one event a line',
  options: {
    ...STATE_OPTION,
    poll: { type: 'string', value: 'SECONDS', summary: "how often to ask (else the server's word)" },
  },
  example: 'pawl agent run --state ./device',
  async run({ values, io }) {
    const poll = values.poll === undefined ? {} : { pollIntervalS: Number(parseNumber(values.poll, '--poll')) };
    await runAgent({ stateDir: inFolder(io.cwd, values.state), ...poll }, portsOf(io));
    return {};
  },
});

const status = defineCommand({
  summary: 'show what the device is, from its disk alone',
  options: STATE_OPTION,
  example: 'pawl agent status --state ./device',
  async run({ values, io }) {
    const facts = await readAgentStatus(inFolder(io.cwd, values.state));
    const { version, floor, activeSlot, slots, pending, journalRecords, server, controllerId } = facts;
    return {
      json: facts,
      text: [
        `${controllerId ?? 'not enrolled'} at ${server}`,
        `runs ${version} from slot ${activeSlot}; floor ${floor}`,
        ...Object.entries(slots).map(([slot, state]) => `slot ${slot}: ${JSON.stringify(state)}`),
        ...(pending === undefined ? [] : [`installing ${pending.release.version} into slot ${pending.slot}`]),
        `journal: ${journalRecords} records, intact`,
      ],
    };
  },
});

function parseAnswer(answer: string, until: string | undefined): boolean | Date {
  const time = new Date(until ?? '');
  if (answer === 'later' && !Number.isNaN(time.getTime())) return time;
  if (answer === 'yes' || answer === 'no') return answer === 'yes';
  throw new CliError('CLI_USAGE', { answer, until, expected: 'yes, no, or later with --until TIME' });
}

const updates = defineCommand({
  summary: 'opt out of updates that come by themselves, or in again',
  about: ['Who opted out is still told of each update, and gets it by saying yes: pawl agent consent yes.'],
  positionals: [{ name: 'OUT', summary: 'none, features (security fixes still come) or all' }],
  options: STATE_OPTION,
  example: 'pawl agent opt-out features --state ./device',
  async run({ values, positionals: [text = ''], io }) {
    const optOut = OPT_OUTS.find((known) => known === text);
    if (optOut === undefined) throw new CliError('CLI_USAGE', { optOut: text, expected: OPT_OUTS.join(', ') });
    await setOptOut(inFolder(io.cwd, values.state), optOut);
    return { json: { optOut }, text: [`opted out of: ${optOut}; the server hears of it at the next poll`] };
  },
});

const consent = defineCommand({
  summary: 'answer the question whether an update may be installed',
  positionals: [{ name: 'ANSWER', summary: 'yes, no or later' }],
  options: {
    ...STATE_OPTION,
    until: { type: 'string', value: 'TIME', summary: 'with later: not before this time, such as 2026-07-02T08:00:00Z' },
  },
  example: 'pawl agent consent yes --state ./device',
  async run({ values, positionals: [answer = ''], io }) {
    const assignmentId = await answerConsent(inFolder(io.cwd, values.state), parseAnswer(answer, values.until));
    if (assignmentId === undefined) return { json: { isAsked: false }, text: ['nothing was asked'] };
    return {
      json: { isAsked: true, assignmentId, answer },
      text: [`answered ${answer} for assignment ${assignmentId}`],
    };
  },
});

export const agent: CommandGroup = {
  summary: 'the device side',
  commands: { provision, enrol, introduce, run, status, consent, 'opt-out': updates },
};
