/** `pawl lab`: the simulators, for trying a server out before real devices do. */
import {
  CredentialsError,
  type FleetSummary,
  type Mix,
  parseMix,
  type Roster,
  readCredentials,
  registerFleet,
  runFleet,
  writeCredentials,
} from '@pawl/lab/fleet';
import { type CommandGroup, defineCommand, type Io } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { inFolder, isPresent, readText } from '../workspace/files.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const DEVICES_MAX = 1_000_000;
const CONNECTIONS_MAX = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const RETRY_MS = 2000;

function parseCount(text: string, option: string, max: number): number {
  const count = Number(parseNumber(text, option));
  if (count < 1 || count > max) throw new CliError('CLI_USAGE', { option, value: text, expected: `1 to ${max}` });
  return count;
}

function parseMixOption(text: string): Mix {
  const mix = parseMix(text);
  if (mix === undefined)
    throw new CliError('CLI_USAGE', { option: '--mix', value: text, expected: 'such as success=90,failure=10' });
  return mix;
}

function parseServer(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new CliError('CLI_USAGE', { option: '--server', value: text, expected: 'a URL' });
  return url;
}

type Source = {
  readonly devices: number;
  readonly credentials: string | undefined;
  readonly prefix: string;
  readonly model: string;
  readonly tags: readonly string[];
  readonly line: string | undefined;
  readonly workspace: string | undefined;
};

async function readRoster(path: string, limit: number): Promise<Roster> {
  try {
    return await readCredentials(path, limit);
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error;
    throw new CliError('CLI_FILE_UNREADABLE', { path, reason: error.message }, error);
  }
}

/** From the credentials file when it is there, else registered (and kept in that file). */
async function rosterOf(io: Io, source: Source): Promise<Roster> {
  const { devices, prefix, model, tags, line } = source;
  const path = source.credentials === undefined ? undefined : inFolder(io.cwd, source.credentials);
  if (path !== undefined && (await isPresent(path))) return readRoster(path, devices);
  const client = await connect(await loadWorkspace(io, source.workspace));
  const roster = await registerFleet(client, {
    devices,
    prefix,
    model,
    line,
    tags,
    signal: io.signal,
    onProgress: (count) => {
      if (count % 50_000 === 0) io.note(`${count} devices registered`);
    },
  });
  if (path !== undefined) await writeCredentials(path, roster);
  return roster;
}

function rowsOf(summary: FleetSummary): string[][] {
  const { refused, elapsedMs, requestsPerSecond, p50Ms, p99Ms, ...counts } = summary;
  return [
    ...Object.entries(counts).map(([name, count]) => [
      name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
      String(count),
    ]),
    ...Object.entries(refused).map(([status, count]) => [`refused with ${status}`, String(count)]),
    ['seconds', (elapsedMs / 1000).toFixed(1)],
    ['requests per second', requestsPerSecond.toFixed(0)],
    ['answer times', `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`],
  ];
}

function noteProgress(io: Io, summary: FleetSummary): void {
  const { elapsedMs, polls, reported, devices, offline, requestsPerSecond, unanswered } = summary;
  const facts = [
    `${polls} polls`,
    `${reported} of ${devices - offline} reported`,
    `${requestsPerSecond.toFixed(0)} requests/s`,
  ];
  io.note(
    `${(elapsedMs / 1000).toFixed(0).padStart(5)} s  ${facts.join(', ')}${unanswered === 0 ? '' : `, ${unanswered} unanswered`}`,
  );
}

const fleet = defineCommand({
  summary: 'drive up to a million simulated DDI devices',
  about: [
    'Each device polls, follows what it is offered and reports, as its behaviour says: success, failure, revert (goes back',
    'after the restart), slow, offline. The devices share a bounded number of connections. Without --until-reported or',
    '--for it runs until it is interrupted. Use it on servers of your own.',
  ],
  options: {
    devices: { type: 'string', value: 'N', summary: `how many, up to ${DEVICES_MAX}`, default: '100' },
    server: { type: 'string', value: 'URL', summary: "where they poll (else the workspace's server)" },
    ca: { type: 'string', value: 'FILE', summary: "authority of the server's certificate, PEM" },
    tenant: { type: 'string', value: 'NAME', summary: 'tenant in their paths', default: 'default' },
    credentials: { type: 'string', value: 'FILE', summary: 'their names and tokens; written when it is not there' },
    mix: {
      type: 'string',
      value: 'WEIGHTS',
      summary: 'behaviours',
      default: 'success=90,failure=4,revert=2,slow=3,offline=1',
    },
    seed: { type: 'string', value: 'N', summary: 'the same seed gives the same fleet', default: '1' },
    poll: { type: 'string', value: 'SECONDS', summary: 'poll interval (else what the server asks for)' },
    spread: { type: 'string', value: 'SECONDS', summary: 'over which the first polls are spread', default: '10' },
    install: { type: 'string', value: 'SECONDS', summary: 'how long an install takes, about', default: '10' },
    download: { type: 'boolean', summary: 'really download the artifacts' },
    connections: { type: 'string', value: 'N', summary: 'connections that they share', default: '64' },
    for: { type: 'string', value: 'SECONDS', summary: 'end after that time' },
    'until-reported': { type: 'boolean', summary: 'end when every device that is on has said how it went' },
    prefix: { type: 'string', value: 'TEXT', summary: 'names of new devices: this and a number', default: 'sim-' },
    model: { type: 'string', value: 'NAME', summary: 'model of new devices', default: 'simulated' },
    tag: { type: 'string', value: 'TAG', summary: 'tag of new devices', multiple: true },
    line: { type: 'string', value: 'NAME', summary: 'product line of new devices' },
    ...WORKSPACE_OPTION,
  },
  example: "pawl lab fleet --devices 10000 --mix 'success=95,failure=5' --until-reported",
  async run({ values, io }) {
    const devices = parseCount(values.devices, '--devices', DEVICES_MAX);
    const connections = parseCount(values.connections, '--connections', CONNECTIONS_MAX);
    const secondsOf = (text: string, option: string): number => Number(parseNumber(text, option)) * 1000;
    const mix = parseMixOption(values.mix);
    const seed = Number(parseNumber(values.seed, '--seed')) | 0;
    const server = values.server ?? (await loadWorkspace(io, values.workspace)).config.server;
    if (server === undefined) throw new CliError('CLI_USAGE', { missing: '--server' });
    const ca = values.ca === undefined ? undefined : await readText(inFolder(io.cwd, values.ca));
    const { credentials, prefix, model, tag: tags, line, workspace, tenant } = values;
    const roster = await rosterOf(io, { devices, credentials, prefix, model, tags, line, workspace });
    const summary = await runFleet({
      url: parseServer(server),
      ca,
      tenant,
      roster,
      mix,
      seed,
      connections,
      timeoutMs: REQUEST_TIMEOUT_MS,
      retryMs: RETRY_MS,
      spreadMs: secondsOf(values.spread, '--spread'),
      installMs: secondsOf(values.install, '--install'),
      pollMs: values.poll === undefined ? undefined : secondsOf(values.poll, '--poll'),
      forMs: values.for === undefined ? undefined : secondsOf(values.for, '--for'),
      isDownloading: values.download,
      isUntilReported: values['until-reported'],
      signal: io.signal,
      onProgress: (progress) => noteProgress(io, progress),
    });
    return { json: summary, text: renderTable(io.isTty, ['fleet', ''], rowsOf(summary)) };
  },
});

export const lab: CommandGroup = { summary: 'simulators, for trying a server out', commands: { fleet } };
