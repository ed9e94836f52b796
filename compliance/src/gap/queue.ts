/**
 * What to do first. The order is stated, not scored: models that are hard to change (no TEE, no update path of a known kind)
 * before others, because they take engineering; then what applies soonest; then duties before recommendations; then how many
 * markets hang on it; then how near it is to what this product does.
 */
import { hasTee, type Model, marketsFrom, type Product } from '../product/index.ts';
import type { Cell } from './matrix.ts';

export type Task = {
  readonly cell: Cell;
  readonly isHardToChange: boolean;
  readonly markets: readonly string[];
};

const OBLIGATION_ORDER = ['mandatory', 'conditional', 'recommended'];
const RELEVANCE_ORDER = ['core', 'supporting', 'context'];
/** After every date there is. */
const NO_DATE = '9999-12-31';

/** A model without a trusted execution environment, or without an update path that is known. */
export function isHardToChange(model: Model): boolean {
  return !hasTee(model) || model.updateProtocol === 'none' || model.updateProtocol === 'proprietary';
}

function orderOf({ cell, isHardToChange: isHard, markets }: Task): readonly (number | string)[] {
  const { requirement, reference } = cell.entry;
  return [
    isHard ? 0 : 1,
    cell.application.from ?? NO_DATE,
    OBLIGATION_ORDER.indexOf(requirement.obligation),
    cell.state === 'gap' ? 0 : 1,
    -markets.length,
    RELEVANCE_ORDER.indexOf(requirement.relevance),
    cell.model,
    reference,
  ];
}

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [at, left] of a.entries()) {
    const right = b[at] ?? left;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}

/** Open cells in the order in which to take them up. What has ended by the day is left out. */
export function remediationQueue(cells: readonly Cell[], product: Product, on: string): Task[] {
  const models = new Map(product.models.map((one) => [one.id, one]));
  return cells
    .filter(({ state, application }) => (state === 'gap' || state === 'partial') && (application.to ?? on) >= on)
    .flatMap((cell): Task[] => {
      const model = models.get(cell.model);
      if (model === undefined) return [];
      return [{ cell, isHardToChange: isHardToChange(model), markets: marketsFrom(model, on) }];
    })
    .map((task) => ({ task, order: orderOf(task) }))
    .toSorted((a, b) => compare(a.order, b.order))
    .map(({ task }) => task);
}
