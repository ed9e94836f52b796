/** `pawl audit`: who did what through the management API. */
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { inFolder, writeOutput } from '../workspace/files.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const SELECTION = {
  actor: { type: 'string', value: 'WHO', summary: 'such as person/7' },
  operation: { type: 'string', value: 'NAME', summary: 'such as setRoles' },
  from: { type: 'string', value: 'TIME', summary: 'such as 2026-03-01T00:00:00Z' },
  to: { type: 'string', value: 'TIME', summary: 'before this time' },
  ...WORKSPACE_OPTION,
} as const;

type Selected = { readonly [K in 'actor' | 'operation' | 'from' | 'to']: string | undefined };

function selectionOf({ actor, operation, from, to }: Selected) {
  const given = Object.entries({ actor, operation, from, to }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Record<string, string>;
}

const list = defineCommand({
  summary: 'the last acts, newest first',
  options: { ...SELECTION, limit: { type: 'string', value: 'COUNT', summary: 'how many', default: '50' } },
  example: 'pawl audit list --actor person/7',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const limit = Number(parseNumber(values.limit, '--limit'));
    const { items } = await client.call('listAudit', { query: { ...selectionOf(values), limit } });
    const rows = items.map((entry) => [
      entry.at,
      entry.actor,
      entry.operation,
      entry.result === 'ok' ? 'ok' : { text: entry.result, tone: 'bad' as const },
      entry.target,
      entry.source,
    ]);
    return { json: items, text: renderTable(io.isTty, ['when', 'who', 'what', 'result', 'which', 'from'], rows) };
  },
});

const exportFile = defineCommand({
  summary: 'write the audit to a file',
  options: {
    ...SELECTION,
    format: { type: 'string', value: 'FORMAT', summary: 'csv or json', default: 'csv' },
    out: { type: 'string', value: 'FILE', summary: 'where to', required: true },
  },
  example: 'pawl audit export --from 2026-03-01T00:00:00Z --out march.csv',
  async run({ values, io }) {
    const { format } = values;
    if (format !== 'csv' && format !== 'json') throw new CliError('CLI_USAGE', { format, expected: 'csv or json' });
    const client = await connect(await loadWorkspace(io, values.workspace));
    const bytes = await client.call('exportAudit', { query: { ...selectionOf(values), format } });
    const path = inFolder(io.cwd, values.out);
    await writeOutput(path, bytes);
    return { json: { path, sizeBytes: bytes.length }, text: [`${path}: ${bytes.length} bytes`] };
  },
});

export const audit: CommandGroup = { summary: 'who did what', commands: { list, export: exportFile } };
