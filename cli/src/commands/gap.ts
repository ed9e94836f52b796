/**
 * `pawl gap`: what a product has shown, what it has not, and what to do first. From a product file and verified bundles, or,
 * for a product that the server knows by name, from its ledger as it stands.
 */
import type { CellRow, GateRow, TaskRow } from '@pawl/compliance/gap';
import { type CommandGroup, defineCommand, type Io } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { connect } from '../workspace/connection.ts';
import { isOnServer, PRODUCT_OPTIONS, readProductRecords } from '../workspace/product-records.ts';
import { loadWorkspace } from '../workspace/workspace.ts';

const OPTIONS = PRODUCT_OPTIONS;
type Given = Parameters<typeof readProductRecords>[1];

type Counts = Readonly<Record<'met' | 'partial' | 'gap' | 'not-applicable' | 'watch', number>> & {
  readonly model: string;
};
type Standing = {
  readonly product: string;
  readonly name: string;
  readonly on: string;
  readonly counts: readonly Counts[];
  readonly cells: readonly CellRow[];
};

async function standingOf(io: Io, given: Given): Promise<Standing> {
  if (await isOnServer(io, given)) {
    const client = await connect(await loadWorkspace(io, given.workspace));
    const answer = await client.call('getGap', { params: { product: given.product }, query: { on: given.on } });
    return answer;
  }
  const { product, cells, on } = await readProductRecords(io, given);
  const { cellRow, countStates } = await import('@pawl/compliance/gap');
  const counts = product.models.map(({ id }) => ({ model: id, ...countStates(cells, id) }));
  return { product: product.product, name: product.name, on, counts, cells: cells.map((cell) => cellRow(cell, on)) };
}

const proofLines = ({ requirement, model, state, proofs, missing }: CellRow): string[] => [
  `  ${model}  ${requirement}  ${state}`,
  ...proofs.map((one) => {
    const place = one.entry === null ? '' : `, entry ${one.entry}`;
    const end = one.until === null ? '' : `, counts until ${one.until}`;
    return `    ${one.kind}: ${one.title} (${one.grade}, ${one.issuer}, ${one.ageDays} days old${end}${place})`;
  }),
  ...missing.map(({ kind, reason }) => `    no ${kind}${reason === null ? '' : `: ${reason}`}`),
];

const show = defineCommand({
  summary: 'count how each model of a product stands, requirement by requirement with --json',
  about: ['Another --on is the what-if: what applies then, and what is too old by then.'],
  options: {
    ...OPTIONS,
    requirement: {
      type: 'string',
      value: 'REF',
      summary: 'show what proves this one, and how old it is',
      multiple: true,
    },
  },
  example: 'pawl gap show --product hearth.yaml --bundle bundle.zip --key ledger.vkey --on 2027-12-11',
  async run({ values, io }) {
    const standing = await standingOf(io, values);
    const { name, on, counts, cells } = standing;
    const asked = cells.filter(({ requirement }) => values.requirement.includes(requirement));
    return {
      json: standing,
      text: [
        `${name} on ${on}`,
        '  model                 met  partial  gap  not applicable  watch',
        ...counts.map(
          (one) =>
            `  ${one.model.padEnd(20)} ${[
              String(one.met).padStart(4),
              String(one.partial).padStart(8),
              String(one.gap).padStart(4),
              String(one['not-applicable']).padStart(15),
              String(one.watch).padStart(6),
            ].join(' ')}`,
        ),
        ...asked.flatMap(proofLines),
      ],
    };
  },
});

async function tasksOf(io: Io, given: Given, limit: number): Promise<readonly TaskRow[]> {
  if (await isOnServer(io, given)) {
    const client = await connect(await loadWorkspace(io, given.workspace));
    const query = { on: given.on, limit: Math.min(limit, 500) };
    return (await client.call('getTasks', { params: { product: given.product }, query })).tasks;
  }
  const { product, cells, on } = await readProductRecords(io, given);
  const { remediationQueue, taskRow } = await import('@pawl/compliance/gap');
  return remediationQueue(cells, product, on).slice(0, limit).map(taskRow);
}

const QUEUE_DEFAULT = '20';

const queue = defineCommand({
  summary: 'what to do first',
  about: ['Models that are hard to change come first, then what applies soonest, then duties before recommendations.'],
  options: { ...OPTIONS, limit: { type: 'string', value: 'N', summary: 'how many', default: QUEUE_DEFAULT } },
  example: 'pawl gap queue --product hearth.yaml --limit 10',
  async run({ values, io }) {
    if (!/^[1-9]\d{0,3}$/.test(values.limit))
      throw new CliError('CLI_USAGE', { option: '--limit', value: values.limit });
    const tasks = await tasksOf(io, values, Number(values.limit));
    return {
      json: tasks,
      text: tasks.map(
        (one) =>
          `  ${one.model.padEnd(16)} ${(one.appliesFrom ?? 'no date').padEnd(10)}  ${one.requirement}  ${one.title}`,
      ),
    };
  },
});

async function gateOf(io: Io, given: Given, of: { readonly model: string; readonly market: string }): Promise<GateRow> {
  if (await isOnServer(io, given)) {
    const client = await connect(await loadWorkspace(io, given.workspace));
    const query = { ...of, on: given.on };
    return await client.call('getMarketGate', { params: { product: given.product }, query });
  }
  const { product, cells, on } = await readProductRecords(io, given);
  const { decideGate, gateRow } = await import('@pawl/compliance/gap');
  if (!product.models.some(({ id }) => id === of.model)) {
    const expected = product.models.map(({ id }) => id).join(' | ');
    throw new CliError('CLI_USAGE', { option: '--model', value: of.model, expected });
  }
  return gateRow(decideGate(cells, product, { ...of, on }), on);
}

const gate = defineCommand({
  summary: 'whether the records hold a model back from a market; exit code 1 when they do',
  options: {
    ...OPTIONS,
    model: { type: 'string', value: 'ID', summary: 'the model', required: true },
    market: { type: 'string', value: 'NAME', summary: 'the market, as EU', required: true },
  },
  example: 'pawl gap gate --product hearth.yaml --model sensor --market EU --on 2027-12-11',
  async run({ values, io }) {
    const decision = await gateOf(io, values, { model: values.model, market: values.market });
    const { model, market, on, isHeld, holding, advice } = decision;
    return {
      json: { model, market, on, isHeld, holding, advice },
      text: [
        ...holding.map((one) => `  ${one.requirement}  ${one.title}`),
        isHeld
          ? `held: ${holding.length} duties of law that apply on ${on} are open by the records`
          : `not held by the records of ${on}; that is no verdict of conformity`,
      ],
      exitCode: isHeld ? 1 : 0,
    };
  },
});

export const gap: CommandGroup = { summary: 'what a product has shown, and what not', commands: { show, queue, gate } };
