/** `pawl device export`, `import` and `claims`: many devices at once, by table, in bounded memory. */
import { open } from 'node:fs/promises';
import { defineCommand, type Io } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { connect } from '../workspace/connection.ts';
import {
  CSV_HEADER,
  type DeviceRow,
  encodeDevice,
  readDevices,
  type TableFormat,
  tableFormat,
} from '../workspace/device-table.ts';
import { inFolder } from '../workspace/files.ts';
import { chooseLine, loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

/** As many as the server takes at once. */
const BATCH = 500;
const FAULTS_SHOWN = 50;

const FORMAT_OPTION = {
  format: { type: 'string', value: 'FORMAT', summary: 'csv or ndjson (else by the name of the file)' },
} as const;
const FILE = { name: 'FILE', summary: 'CSV with a header, or one JSON object a line' } as const;

type Sink = { readonly write: (line: string) => Promise<void>; readonly close: () => Promise<void> };

/** A new file that is readable by its owner only; nothing is overwritten. @throws CliError CLI_FILE_EXISTS, CLI_FILE_UNWRITABLE */
async function openSink(path: string): Promise<Sink> {
  try {
    const file = await open(path, 'wx', 0o600);
    return {
      write: async (text) => {
        await file.write(text);
        await file.sync();
      },
      close: () => file.close(),
    };
  } catch (error) {
    const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST';
    throw new CliError(isThere ? 'CLI_FILE_EXISTS' : 'CLI_FILE_UNWRITABLE', { path }, error);
  }
}

export const exportDevices = defineCommand({
  summary: 'write the devices that a filter names as a table, which "pawl device import" takes',
  options: {
    filter: { type: 'string', value: 'FILTER', summary: 'which devices (else all)' },
    out: { type: 'string', value: 'FILE', summary: 'a new file (else standard output)' },
    ...FORMAT_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: "pawl device export --filter 'tag:kitchen' --out kitchen.csv",
  async run({ values, io }) {
    const format = tableFormat(values.format, values.out ?? '');
    const client = await connect(await loadWorkspace(io, values.workspace));
    const sink = values.out === undefined ? undefined : await openSink(inFolder(io.cwd, values.out));
    const put = async (lines: readonly string[]): Promise<void> => {
      if (sink !== undefined) await sink.write(lines.map((line) => `${line}\n`).join(''));
      else for (const line of lines) io.print(line);
    };
    const filter = values.filter === undefined ? {} : { filter: values.filter };
    let devices = 0;
    if (format === 'csv') await put([CSV_HEADER]);
    for (let cursor: string | null = ''; cursor !== null; ) {
      const at: { cursor?: string } = cursor === '' ? {} : { cursor };
      const page = await client.call('listDevices', { query: { ...filter, ...at, limit: BATCH } });
      await put(page.items.map((device) => encodeDevice(device, format)));
      devices += page.items.length;
      cursor = page.next;
    }
    await sink?.close();
    if (sink === undefined) return {};
    return { json: { devices, file: values.out }, text: [`${devices} devices`] };
  },
});

/** What is wrong when a device stands twice in a table: the server would take the rows one after the other. */
function twice({ line, device }: DeviceRow, lines: Map<string, number>): string | undefined {
  const first = lines.get(device.controllerId);
  if (first === undefined) lines.set(device.controllerId, line);
  return first === undefined ? undefined : `controllerId: ${device.controllerId} stands in line ${first} already`;
}

/** Reads the whole table before anything is sent; of its rows only the names are kept. @throws CliError CLI_TABLE_MALFORMED */
async function checkTable(io: Io, path: string, format: TableFormat): Promise<number> {
  const lines = new Map<string, number>();
  let rows = 0;
  let faults = 0;
  for await (const row of readDevices(path, format)) {
    rows += 1;
    const fault = 'expected' in row ? row.expected : twice(row, lines);
    if (fault === undefined) continue;
    faults += 1;
    if (faults <= FAULTS_SHOWN) io.note(`line ${row.line}: ${fault}`);
  }
  if (faults > 0) throw new CliError('CLI_TABLE_MALFORMED', { path, faults, rows });
  return rows;
}

async function* batchesOf(path: string, format: TableFormat): AsyncGenerator<readonly DeviceRow[]> {
  let batch: DeviceRow[] = [];
  for await (const row of readDevices(path, format)) {
    // It was whole when it was checked.
    if ('expected' in row) throw new CliError('CLI_TABLE_MALFORMED', { path, ...row });
    batch.push(row);
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

type Client = Awaited<ReturnType<typeof connect>>;
type Sums = { added: number; changed: number; same: number; doneToLine: number };

async function sendBatch(
  client: Client,
  batch: readonly DeviceRow[],
  to: { readonly io: Io; readonly path: string; readonly isDryRun: boolean; readonly sums: Sums },
): Promise<readonly string[]> {
  const { io, path, isDryRun, sums } = to;
  const body = { devices: batch.map(({ device }) => device), isDryRun };
  const answer = await client.call('importDevices', { body });
  for (const { index, code, message } of answer.errors) io.note(`line ${batch[index]?.line}: ${code} ${message}`);
  if (answer.errors.length > 0) {
    throw new CliError('CLI_TABLE_REFUSED', { path, faults: answer.errors.length, doneToLine: sums.doneToLine });
  }
  for (const name of ['added', 'changed', 'same'] as const) sums[name] += answer[name];
  sums.doneToLine = batch.at(-1)?.line ?? 0;
  return answer.tokens.map(({ controllerId, token }) => `${controllerId},${token}\n`);
}

export const importDevices = defineCommand({
  summary: 'bring devices to what a table says of them; the same table again changes nothing',
  about: [
    'The whole table is checked first: nothing is sent when a line is wrong. Then 500 devices at a time, each batch whole or not',
    'at all; when one is refused, what was done stays, and the same table goes on from there when it is given again.',
  ],
  positionals: [FILE],
  options: {
    tokens: {
      type: 'string',
      value: 'FILE',
      summary: 'a new file for the tokens of new devices, shown once; without it they are not kept',
    },
    'dry-run': { type: 'boolean', summary: 'only tell what would be done' },
    ...FORMAT_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl device import fleet.csv --tokens tokens.csv',
  async run({ values, positionals: [file = ''], io }) {
    const path = inFolder(io.cwd, file);
    const format = tableFormat(values.format, file);
    await checkTable(io, path, format);
    const client = await connect(await loadWorkspace(io, values.workspace));
    const sink = values.tokens === undefined ? undefined : await openSink(inFolder(io.cwd, values.tokens));
    const sums: Sums = { added: 0, changed: 0, same: 0, doneToLine: 0 };
    // As they are: neither needs quotation marks, and whoever reads them takes them so.
    await sink?.write('controllerId,token\n');
    try {
      for await (const batch of batchesOf(path, format)) {
        const tokens = await sendBatch(client, batch, { io, path, isDryRun: values['dry-run'] === true, sums });
        await sink?.write(tokens.join(''));
      }
    } finally {
      await sink?.close();
    }
    const { added, changed, same } = sums;
    return { json: { added, changed, same }, text: [`${added} added, ${changed} changed, ${same} as they were`] };
  },
});

export const claims = defineCommand({
  summary: 'make a one-time claim for each device of a table',
  positionals: [FILE],
  options: {
    out: { type: 'string', value: 'FILE', summary: 'a new file for the claims, which are shown once', required: true },
    line: { type: 'string', value: 'NAME', summary: 'product line, where the table has none' },
    'valid-for': { type: 'string', value: 'SECONDS', summary: 'how long', default: '86400' },
    ...FORMAT_OPTION,
    ...WORKSPACE_OPTION,
  },
  example: 'pawl device claims names.csv --out claims.csv',
  async run({ values, positionals: [file = ''], io }) {
    const path = inFolder(io.cwd, file);
    const format = tableFormat(values.format, file);
    const validForS = Number(parseNumber(values['valid-for'], '--valid-for'));
    await checkTable(io, path, format);
    const workspace = await loadWorkspace(io, values.workspace);
    const client = await connect(workspace);
    const sink = await openSink(inFolder(io.cwd, values.out));
    let made = 0;
    try {
      await sink.write('controllerId,claim,expiresAt\n');
      for await (const batch of batchesOf(path, format)) {
        const wanted = batch.map(({ device: { controllerId, model, line, tags = [] } }) => ({
          controllerId,
          model,
          line: line ?? chooseLine(workspace, values.line),
          tags,
          validForS,
        }));
        const answer = await client.call('createClaims', { body: { claims: wanted } });
        const rows = answer.claims.map(({ controllerId, claim, expiresAt }) => [controllerId, claim, expiresAt]);
        await sink.write(rows.map((row) => `${row.join(',')}\n`).join(''));
        made += rows.length;
      }
    } finally {
      await sink.close();
    }
    return { json: { claims: made, file: values.out }, text: [`${made} claims in ${values.out}`] };
  },
});
