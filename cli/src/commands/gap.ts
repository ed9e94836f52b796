/** `pawl gap`: what a product has shown, what it has not, and what to do first. */
import { type CommandGroup, defineCommand } from '../frame/command.ts';
import { CliError } from '../frame/errors.ts';
import { PRODUCT_OPTIONS, readProductRecords } from '../workspace/product-records.ts';

const show = defineCommand({
  summary: 'count how each model of a product stands, requirement by requirement with --json',
  about: ['Another --on is the what-if: what applies then, and what is too old by then.'],
  options: PRODUCT_OPTIONS,
  example: 'pawl gap show --product hearth.yaml --bundle bundle.zip --key ledger.vkey --on 2027-12-11',
  async run({ values, io }) {
    const { product, cells, on } = await readProductRecords(io, values);
    const { countStates } = await import('@pawl/compliance/gap');
    const counts = product.models.map(({ id }) => ({ model: id, ...countStates(cells, id) }));
    const rows = cells.map(({ model, entry, state, isApplicable, application, reason }) => ({
      model,
      requirement: entry.reference,
      state,
      isApplicable,
      appliesFrom: application.from,
      ...(reason === undefined ? {} : { reason }),
    }));
    return {
      json: { product: product.product, on, counts, cells: rows },
      text: [
        `${product.name} on ${on}`,
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
      ],
    };
  },
});

const QUEUE_DEFAULT = '20';

const queue = defineCommand({
  summary: 'what to do first',
  about: ['Models that are hard to change come first, then what applies soonest, then duties before recommendations.'],
  options: { ...PRODUCT_OPTIONS, limit: { type: 'string', value: 'N', summary: 'how many', default: QUEUE_DEFAULT } },
  example: 'pawl gap queue --product hearth.yaml --limit 10',
  async run({ values, io }) {
    if (!/^[1-9]\d{0,3}$/.test(values.limit))
      throw new CliError('CLI_USAGE', { option: '--limit', value: values.limit });
    const { product, cells, on } = await readProductRecords(io, values);
    const { remediationQueue } = await import('@pawl/compliance/gap');
    const tasks = remediationQueue(cells, product, on).slice(0, Number(values.limit));
    return {
      json: tasks.map(({ cell, isHardToChange, markets }) => ({
        model: cell.model,
        requirement: cell.entry.reference,
        title: cell.entry.requirement.title,
        appliesFrom: cell.application.from,
        isHardToChange,
        markets,
      })),
      text: tasks.map(
        ({ cell }) =>
          `  ${cell.model.padEnd(16)} ${(cell.application.from ?? 'no date').padEnd(10)}  ${cell.entry.reference}  ${cell.entry.requirement.title}`,
      ),
    };
  },
});

const gate = defineCommand({
  summary: 'whether the records hold a model back from a market; exit code 1 when they do',
  options: {
    ...PRODUCT_OPTIONS,
    model: { type: 'string', value: 'ID', summary: 'the model', required: true },
    market: { type: 'string', value: 'NAME', summary: 'the market, as EU', required: true },
  },
  example: 'pawl gap gate --product hearth.yaml --model sensor --market EU --on 2027-12-11',
  async run({ values, io }) {
    const { product, cells, on } = await readProductRecords(io, values);
    const { decideGate } = await import('@pawl/compliance/gap');
    const known = product.models.find(({ id }) => id === values.model);
    if (known === undefined) {
      const expected = product.models.map(({ id }) => id).join(' | ');
      throw new CliError('CLI_USAGE', { option: '--model', value: values.model, expected });
    }
    const decision = decideGate(cells, product, { model: known.id, market: values.market, on });
    const holding = decision.holding.map(({ entry }) => ({
      requirement: entry.reference,
      title: entry.requirement.title,
    }));
    return {
      json: {
        model: known.id,
        market: values.market,
        on,
        isHeld: decision.isHeld,
        holding,
        advice: decision.advice.length,
      },
      text: [
        ...holding.map((one) => `  ${one.requirement}  ${one.title}`),
        decision.isHeld
          ? `held: ${holding.length} duties of law that apply on ${on} are open by the records`
          : `not held by the records of ${on}; that is no verdict of conformity`,
      ],
      exitCode: decision.isHeld ? 1 : 0,
    };
  },
});

export const gap: CommandGroup = { summary: 'what a product has shown, and what not', commands: { show, queue, gate } };
