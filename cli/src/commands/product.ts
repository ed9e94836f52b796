/** `pawl product`: what products are, on the server, and what is decided not to apply to them. */
import type { ProductRecord, WaiverRecord } from '@pawl/contract/management';
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { renderTable } from '../frame/table.ts';
import { connect } from '../workspace/connection.ts';
import { assertAbsent, inFolder, readText, writeOutput } from '../workspace/files.ts';
import { loadWorkspace, parseNumber, WORKSPACE_OPTION } from '../workspace/workspace.ts';

const NAME = { name: 'NAME', summary: 'the name of the product' } as const;

const rowsOf = (items: readonly ProductRecord[]): string[][] =>
  items.map((one) => [
    one.product,
    String(one.version),
    one.line,
    String(one.models.length),
    one.recordedAt,
    one.recordedBy,
    one.sha256,
  ]);
const HEAD = ['product', 'version', 'line', 'models', 'recorded', 'by', 'sha256'];

const put = defineCommand({
  summary: 'write down what a product is; every version is kept',
  about: ['A fault in the file is said with its line before anything is sent.'],
  positionals: [{ name: 'FILE', summary: 'the product, as YAML' }],
  options: {
    models: { type: 'string', value: 'FILE', summary: 'more models of it, as CSV', multiple: true },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl product put hearth.yaml --models more.csv',
  async run({ values, positionals: [file = ''], io }) {
    const { addModelsCsv, parseProductYaml } = await import('@pawl/compliance/product');
    const source = await readText(inFolder(io.cwd, file));
    let product = parseProductYaml(source, file);
    const models: { name: string; csv: string }[] = [];
    for (const name of values.models) {
      const csv = await readText(inFolder(io.cwd, name));
      product = addModelsCsv(product, csv, name);
      models.push({ name, csv });
    }
    const client = await connect(await loadWorkspace(io, values.workspace));
    const body = { source, ...(models.length === 0 ? {} : { models }) };
    const made = await client.call('putProduct', { params: { product: product.product }, body });
    return {
      json: made,
      text: [`${made.product} version ${made.version}: ${made.models.join(', ')}`, `sha256 ${made.sha256}`],
    };
  },
});

const list = defineCommand({
  summary: 'the newest version of every product',
  options: WORKSPACE_OPTION,
  example: 'pawl product list',
  async run({ values, io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { items } = await client.call('listProducts', {});
    return { json: items, text: renderTable(io.isTty, HEAD, rowsOf(items)) };
  },
});

const show = defineCommand({
  summary: 'the versions of a product, newest first',
  positionals: [NAME],
  options: WORKSPACE_OPTION,
  example: 'pawl product show hearth',
  async run({ values, positionals: [product = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { items } = await client.call('getProduct', { params: { product } });
    const models = items[0]?.models.join(', ') ?? '';
    return { json: items, text: [...renderTable(io.isTty, HEAD, rowsOf(items)), `models ${models}`] };
  },
});

const exportRecord = defineCommand({
  summary: 'write the record of a product, whose digest stands in the ledger',
  positionals: [NAME],
  options: {
    out: { type: 'string', value: 'FILE', summary: 'where to write it, as JSON', required: true },
    version: { type: 'string', value: 'N', summary: 'not the newest version, but this one' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl product export hearth --out hearth.json',
  async run({ values, positionals: [product = ''], io }) {
    const path = inFolder(io.cwd, values.out);
    await assertAbsent(path);
    const version = values.version === undefined ? undefined : Number(parseNumber(values.version, '--version'));
    const client = await connect(await loadWorkspace(io, values.workspace));
    const bytes = await client.call('exportProduct', { params: { product }, query: { version } });
    await writeOutput(path, bytes);
    return { json: { path, sizeBytes: bytes.length }, text: [`wrote ${path}: ${bytes.length} bytes`] };
  },
});

function waiverLines(items: readonly WaiverRecord[], isTty: boolean): string[] {
  const rows = items.map((one) => [
    String(one.id),
    one.model,
    one.requirement,
    one.state,
    one.author,
    one.decidedBy ?? '-',
    one.reason,
  ]);
  return renderTable(isTty, ['no.', 'model', 'requirement', 'state', 'asked by', 'decided by', 'reason'], rows);
}

const waive = defineCommand({
  summary: 'ask that a requirement is not for a model; somebody else has to approve it',
  positionals: [NAME],
  options: {
    model: { type: 'string', value: 'ID', summary: 'the model', required: true },
    requirement: { type: 'string', value: 'REF', summary: 'the requirement, as "EU-CRA I.2.f"', required: true },
    reason: { type: 'string', value: 'TEXT', summary: 'why it is not for it', required: true },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl product waive hearth --model sensor --requirement "EU-CRA I.2.f" --reason "it stores nothing"',
  async run({ values, positionals: [product = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { model, requirement, reason } = values;
    const one = await client.call('proposeWaiver', { params: { product }, body: { model, requirement, reason } });
    return { json: one, text: waiverLines([one], io.isTty) };
  },
});

const waivers = defineCommand({
  summary: 'what was asked and decided not to apply',
  positionals: [NAME],
  options: WORKSPACE_OPTION,
  example: 'pawl product waivers hearth',
  async run({ values, positionals: [product = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { items } = await client.call('listWaivers', { params: { product } });
    return { json: items, text: waiverLines(items, io.isTty) };
  },
});

const VERDICTS = ['approve', 'refuse', 'withdraw'] as const;

const decide = defineCommand({
  summary: 'approve or refuse what somebody else asked not to apply, or take an approval back',
  positionals: [
    { name: 'NUMBER', summary: 'its number, from `pawl product waivers`' },
    { name: 'VERDICT', summary: VERDICTS.join(', ') },
  ],
  options: { reason: { type: 'string', value: 'TEXT', summary: 'why' }, ...WORKSPACE_OPTION },
  example: 'pawl product decide 3 approve',
  async run({ values, positionals: [number = '', word = ''], io }) {
    const verdict = VERDICTS.find((known) => known === word);
    if (verdict === undefined) throw new CliError('CLI_USAGE', { verdict: word, expected: VERDICTS.join(' | ') });
    const client = await connect(await loadWorkspace(io, values.workspace));
    const body = { verdict, ...(values.reason === undefined ? {} : { reason: values.reason }) };
    const one = await client.call('decideWaiver', { params: { id: Number(parseNumber(number, 'NUMBER')) }, body });
    return { json: one, text: waiverLines([one], io.isTty) };
  },
});

const MARKET = { type: 'string', value: 'NAME', summary: 'the market, as EU', required: true } as const;

const gate = defineCommand({
  summary: 'hold rollouts to the devices of a market back until the records are met',
  about: ['Releases of security fixes only are never held.'],
  positionals: [NAME],
  options: {
    market: MARKET,
    devices: { type: 'string', value: 'FILTER', summary: 'which devices the market is' },
    off: { type: 'boolean', summary: 'hold nothing for it any more' },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl product gate hearth --market EU --devices tag:eu',
  async run({ values, positionals: [name = ''], io }) {
    const { market, devices } = values;
    if ((devices === undefined) === !values.off) throw new CliError('CLI_USAGE', { expected: '--devices or --off' });
    const client = await connect(await loadWorkspace(io, values.workspace));
    const filter = devices ?? null;
    await client.call('setMarketGate', { params: { product: name, market }, body: { filter } });
    const text = filter === null ? `nothing of ${name} is held for ${market}` : `${market} is ${filter}`;
    return { json: { product: name, market, filter }, text: [text] };
  },
});

const pass = defineCommand({
  summary: 'let a rollout that you did not make pass the gate of a market all the same',
  positionals: [{ name: 'ROLLOUT', summary: 'the number of the rollout' }],
  options: {
    market: MARKET,
    reason: { type: 'string', value: 'TEXT', summary: 'why', required: true },
    ...WORKSPACE_OPTION,
  },
  example: 'pawl product pass 7 --market EU --reason "ten devices for the test house"',
  async run({ values, positionals: [number = ''], io }) {
    const client = await connect(await loadWorkspace(io, values.workspace));
    const { market, reason } = values;
    const id = Number(parseNumber(number, 'ROLLOUT'));
    await client.call('passMarketGate', { params: { id }, body: { market, reason } });
    return { json: { rolloutId: id, market, reason }, text: [`rollout ${id} may pass the gate of ${market}`] };
  },
});

export const product: CommandGroup = {
  summary: 'what products are, and what does not apply to them',
  commands: { put, list, show, export: exportRecord, waive, waivers, decide, gate, pass },
};
