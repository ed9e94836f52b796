/**
 * The market-access gate: whether a model may go to a market on a day, as far as records tell. Only law that applies on the
 * day, read in its text or in an independent copy, holds a release back; all else is advice. The gate is a stop that people
 * set for themselves: it is no verdict of conformity, and lifting it is a decision with a name.
 */
import { applicationOf } from '../catalogue/index.ts';
import { isSoldIn, type Product } from '../product/index.ts';
import type { Cell } from './matrix.ts';

export type GateDecision = {
  readonly model: string;
  readonly market: string;
  readonly isHeld: boolean;
  /** What holds it: duties of law that apply and are not met. */
  readonly holding: readonly Cell[];
  /** Not met either, and not of a kind that may hold: standards, guidance, recommendations, unverified dates. */
  readonly advice: readonly Cell[];
};

function isBindingCell({ entry, application }: Cell): boolean {
  const { requirement } = entry;
  const isLaw = requirement.source.status === 'law-applicable' || requirement.source.status === 'law-future';
  const isRead = requirement.verification === 'primary' || requirement.verification === 'secondary';
  const isDated = application.verification === 'primary' || application.verification === 'secondary';
  // A duty under a condition holds until somebody decides, with a reason, that the condition is not met.
  return isLaw && isRead && isDated && requirement.obligation !== 'recommended';
}

function isOfMarket({ entry }: Cell, market: string): boolean {
  const { markets } = entry.catalogue.scope;
  return markets === undefined || markets.includes(market);
}

/** Decides for one model and market, from the cells of the matrix of that day. */
export function decideGate(
  cells: readonly Cell[],
  product: Product,
  of: { readonly model: string; readonly market: string; readonly on: string },
): GateDecision {
  const model = product.models.find(({ id }) => id === of.model);
  const isSold = model !== undefined && isSoldIn(model, of.market, of.on);
  const open = cells.filter(
    (cell) =>
      isSold &&
      cell.model === of.model &&
      (cell.state === 'gap' || cell.state === 'partial') &&
      cell.isApplicable &&
      applicationOf(cell.entry.catalogue, cell.entry.requirement.id).from !== null &&
      isOfMarket(cell, of.market),
  );
  const holding = open.filter(isBindingCell);
  const advice = open.filter((cell) => !isBindingCell(cell));
  return { model: of.model, market: of.market, isHeld: holding.length > 0, holding, advice };
}
