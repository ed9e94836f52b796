/**
 * The status column of the EN 303 645 conformity pro forma: `M F(g)` is mandatory if the feature g is there, `R C(3)` recommended
 * under condition 3. What a product answers about its features decides which provisions are for it.
 */
import type { Model } from '../product/index.ts';

export type IcsDecision =
  | { readonly kind: 'applies' }
  /** A feature or condition that is not there. */
  | { readonly kind: 'not-applicable'; readonly reason: string }
  /** The product has not said. */
  | { readonly kind: 'unanswered'; readonly names: readonly string[] };

const LETTERED = /^(?:[MR])(?: C)?(?: ([FC])\(([0-9a-z,]+)\))?$/;

/** Decides whether a provision is for a model. `texts` are what the letters and numbers stand for. */
export function decideIcs(
  status: string,
  model: Model,
  texts: { readonly features: Readonly<Record<string, string>>; readonly conditions: Readonly<Record<string, string>> },
): IcsDecision {
  const names = LETTERED.exec(status)?.[2]?.split(',') ?? [];
  const isNumber = (name: string): boolean => /^[0-9]+$/.test(name);
  const answer = (name: string): boolean | undefined =>
    isNumber(name) ? model.conditions?.[name] : model.features?.[name];
  const absent = names.find((name) => answer(name) === false);
  if (absent !== undefined) {
    const text = (isNumber(absent) ? texts.conditions[absent] : texts.features[absent]) ?? absent;
    return { kind: 'not-applicable', reason: `does not hold: ${text}` };
  }
  const open = names.filter((name) => answer(name) === undefined);
  return open.length > 0 ? { kind: 'unanswered', names: open } : { kind: 'applies' };
}
