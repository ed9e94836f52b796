/** `pawl incident`: reports to the authorities by CRA Article 14. Pawl prepares and keeps the record; people submit. */
import { createHash } from 'node:crypto';
import { parseInstant } from '@pawl/compliance/reporting';
import { INCIDENT_TRACKS, type Incident, type IncidentDossier, REPORT_STAGES } from '@pawl/contract/management';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { type Cell, renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { inFolder, readInput, writeOutput } from '../workspace/files.ts';
import { allPages } from '../workspace/pages.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const NUMBER = { name: 'NUMBER', summary: 'the number of the report, from `pawl incident list`' } as const;
const idOf = (text: string): { id: number } => ({ id: Number(parseNumber(text, 'NUMBER')) });
const instant = (text: string): string => parseInstant(text).toISOString();

function choice<T extends string>(known: readonly T[], text: string, what: string): T {
  const found = known.find((one) => one === text);
  if (found === undefined) throw new CliError('CLI_USAGE', { [what]: text, expected: known.join(' | ') });
  return found;
}

function left(dueAt: string, now: Date): string {
  const minutes = Math.round((Date.parse(dueAt) - now.getTime()) / 60_000);
  const size = Math.abs(minutes);
  const text = size >= 2880 ? `${Math.floor(size / 1440)} d` : `${Math.floor(size / 60)} h ${size % 60} min`;
  return minutes < 0 ? `${text} late` : `${text} left`;
}

/** A drill says so in its first word, wherever it is shown. */
const headOf = (one: Incident): string => `${one.isDrill ? 'DRILL ' : 'report '}${one.id}  ${one.track}  ${one.title}`;

/** The clocks of a report, as lines. */
export function clockLines(isTty: boolean, one: Incident, now: Date): string[] {
  const rows = one.clocks.map(({ stage, source, dueAt, state, runsFrom }): Cell[] => {
    const open = state === 'running' || state === 'overdue';
    return [
      stage,
      { text: state, tone: state === 'overdue' || state === 'met-late' ? 'bad' : state === 'met' ? 'good' : 'strong' },
      dueAt ?? `when ${runsFrom}`,
      open && dueAt !== null ? left(dueAt, now) : '',
      source,
    ];
  });
  const closed = one.closedAt === null ? [] : [`closed ${one.closedAt}`];
  const users =
    one.usersInformedAt === null ? 'users are not informed yet (Art. 14(8))' : `users informed ${one.usersInformedAt}`;
  return [headOf(one), ...renderTable(isTty, ['stage', 'clock', 'due', '', 'source'], rows), users, ...closed];
}

const open = defineCommand({
  summary: 'start the clocks of a report, or of a drill',
  about: ['The clocks of the law run from the moment of awareness, whatever the counter of the platform shows.'],
  options: {
    track: { type: 'string', value: 'TRACK', summary: INCIDENT_TRACKS.join(' or '), required: true },
    title: { type: 'string', value: 'TEXT', summary: 'what it is, in one line', required: true },
    aware: { type: 'string', value: 'TIME', summary: 'when you became aware, with its zone', required: true },
    case: { type: 'string', value: 'NUMBER', summary: 'the vulnerability that it is about' },
    drill: { type: 'boolean', summary: 'a rehearsal: marked, listed and stated apart' },
    ...WORKSPACE_OPTION,
  },
  example:
    'pawl incident open --track severe-incident --title "build server" --aware 2026-11-21T10:30:00+01:00 --drill',
  async run({ values, io }) {
    const track = choice(INCIDENT_TRACKS, values.track, '--track');
    const about = values.case === undefined ? {} : { vulnerabilityId: Number(parseNumber(values.case, '--case')) };
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { title, aware, drill: isDrill } = values;
    const made = await client.call('openIncident', {
      body: { track, title, awareAt: instant(aware), isDrill, ...about },
    });
    return { json: made, text: clockLines(io.isTty, made, io.now()) };
  },
});

const list = defineCommand({
  summary: 'the reports; drills only with --drills, and then nothing else',
  options: { drills: { type: 'boolean', summary: 'drills in place of reports' }, ...WORKSPACE_OPTION },
  example: 'pawl incident list',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const drills = values.drills ? ({ drills: 'true' } as const) : {};
    const all = await allPages((at) => client.call('listIncidents', { query: { ...drills, ...at } }));
    const rows = all.map((one) => {
      const next = one.clocks.find(({ state }) => state === 'running' || state === 'overdue');
      const state = one.closedAt === null ? (next?.state ?? 'open') : 'closed';
      return [
        `${one.isDrill ? 'DRILL ' : ''}${one.id}`,
        one.track,
        state,
        next?.stage ?? '-',
        next?.dueAt ?? '-',
        one.title,
      ];
    });
    return { json: all, text: renderTable(io.isTty, ['no.', 'track', 'state', 'next', 'due', 'title'], rows) };
  },
});

const clock = defineCommand({
  summary: 'the clocks of a report; exit code 1 when one is overdue',
  positionals: [NUMBER],
  options: WORKSPACE_OPTION,
  example: 'pawl incident clock 1',
  async run({ values, positionals: [number = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const one = await client.call('getIncident', { params: idOf(number) });
    const isLate = one.clocks.some(({ state }) => state === 'overdue');
    return { json: one, text: clockLines(io.isTty, one, io.now()), exitCode: isLate ? 1 : 0 };
  },
});

const FIELD = /^([vi]?[0-9]{1,3}a?)=(.*)$/s;

const set = defineCommand({
  summary: 'record when the measure was there and users were informed; fill fields of the form',
  positionals: [NUMBER],
  options: {
    measure: { type: 'string', value: 'TIME', summary: 'when the corrective or mitigating measure was available' },
    'users-informed': { type: 'string', value: 'TIME', summary: 'when the impacted users were informed' },
    field: { type: 'string', value: 'NO=TEXT', summary: 'a field by its number; empty takes it away', multiple: true },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl incident set 1 --measure 2026-12-01T08:00:00Z --field 2="Example GmbH"',
  async run({ values, positionals: [number = ''], io }) {
    const fields = values.field.map((text): [string, string | null] => {
      const [, no, value = ''] = FIELD.exec(text) ?? [];
      if (no === undefined) throw new CliError('CLI_USAGE', { option: '--field', value: text, expected: 'NO=TEXT' });
      return [no, value === '' ? null : value];
    });
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { measure, 'users-informed': informed } = values;
    const body = {
      ...(measure === undefined ? {} : { measureAvailableAt: instant(measure) }),
      ...(informed === undefined ? {} : { usersInformedAt: instant(informed) }),
      ...(fields.length === 0 ? {} : { values: Object.fromEntries(fields) }),
    };
    const one = await client.call('changeIncident', { params: idOf(number), body });
    return { json: one, text: clockLines(io.isTty, one, io.now()) };
  },
});

function dossierText(of: IncidentDossier): string {
  const rows = of.rows
    .filter(({ need, value }) => need !== '-' || value !== null)
    .map(
      ({ no, key, need, value, isMissing }) =>
        `${no.padEnd(4)} ${need}  ${key}: ${value ?? (isMissing ? 'MISSING' : '-')}`,
    );
  const mark = of.isDrill ? ['*** DRILL: not to be submitted ***', ''] : [];
  return [...mark, `CRA Art. 14, ${of.track}, ${of.stage}`, `Form: ${of.formVersion}`, '', ...rows, '', ...mark].join(
    '\n',
  );
}

const dossier = defineCommand({
  summary: "write the platform's form in its order, to copy over field by field",
  positionals: [NUMBER],
  options: {
    stage: { type: 'string', value: 'STAGE', summary: `${REPORT_STAGES.join(', ')}; the next one if not said` },
    out: {
      type: 'string',
      value: 'FILE',
      summary: 'the file to write: its digest goes into the record',
      required: true,
    },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl incident dossier 1 --stage early-warning --out early-warning.txt',
  async run({ values, positionals: [number = ''], io }) {
    const query = values.stage === undefined ? {} : { stage: choice(REPORT_STAGES, values.stage, '--stage') };
    const client = await connect(await loadWorkspace(io, values.workspace));
    const of = await client.call('getDossier', { params: idOf(number), query });
    await writeOutput(inFolder(io.cwd, values.out), dossierText(of), 0o600);
    const missing = of.missing.length === 0 ? [] : [`the platform will ask for these too: ${of.missing.join(', ')}`];
    return {
      json: { file: values.out, stage: of.stage, isDrill: of.isDrill, missing: of.missing },
      text: [`wrote ${values.out} (${of.stage})`, ...missing],
      exitCode: of.missing.length === 0 ? 0 : 1,
    };
  },
});

const submit = defineCommand({
  summary: 'record what you sent through the platform; this stops the clock',
  positionals: [NUMBER, { name: 'STAGE', summary: REPORT_STAGES.join(', ') }],
  options: {
    file: { type: 'string', value: 'FILE', summary: 'what was sent: its digest is recorded', required: true },
    reference: { type: 'string', value: 'TEXT', summary: 'the receipt number of the platform', required: true },
    by: { type: 'string', value: 'NAME', summary: 'who sent it', required: true },
    at: { type: 'string', value: 'TIME', summary: 'when it was sent, with its zone', required: true },
    ...WORKSPACE_OPTION,
  },
  example:
    'pawl incident submit 1 early-warning --file early-warning.txt --reference SRP-1 --by "A. Reporter" --at 2026-11-21T15:00:00Z',
  async run({ values, positionals: [number = '', word = ''], io }) {
    const stage = choice(REPORT_STAGES, word, 'STAGE');
    const dossierSha256 = createHash('sha256')
      .update(await readInput(inFolder(io.cwd, values.file)))
      .digest('hex');
    const client = await connect(await loadWorkspace(io, values.workspace));
    const one = await client.call('recordSubmission', {
      params: idOf(number),
      body: { stage, at: instant(values.at), sentBy: values.by, reference: values.reference, dossierSha256 },
    });
    return { json: one, text: clockLines(io.isTty, one, io.now()) };
  },
});

const close = defineCommand({
  summary: 'close a report of which everything was sent and recorded',
  positionals: [NUMBER],
  options: WORKSPACE_OPTION,
  example: 'pawl incident close 1',
  async run({ values, positionals: [number = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const one = await client.call('closeIncident', { params: idOf(number), body: {} });
    return { json: one, text: clockLines(io.isTty, one, io.now()) };
  },
});

export const incident: CommandGroup = {
  summary: 'reports to the authorities, and their clocks',
  commands: { open, list, clock, set, dossier, submit, close },
};
