/** From when an entry of a catalogue applies, and whether a catalogue is about a product at all. Pure; dates are ISO days. */
import type { Catalogue, ProductUse } from './catalogue.ts';
import type { Verification } from './vocabulary.ts';

export type Application = {
  /** First day; null for what has no date of its own (a voluntary standard). */
  readonly from: string | null;
  /** Last day. */
  readonly to: string | undefined;
  readonly source: string;
  readonly verification: Verification;
};

function isNamed(pattern: string | undefined, id: string): boolean {
  if (pattern === undefined) return true;
  return pattern.endsWith('*') ? id.startsWith(pattern.slice(0, -1)) : id === pattern;
}

/** The row of the catalogue that says when an entry applies: the first that names it. */
export function applicationOf(catalogue: Catalogue, id: string): Application {
  const row = catalogue.application.find(({ ids }) => isNamed(ids, id));
  if (row === undefined) return { from: null, to: undefined, source: 'not stated', verification: 'none' };
  return { from: row.from, to: row.to, source: row.source, verification: row.verification };
}

/** Whether an entry applies on a day: begun, and not ended. What has no date applies whenever it is chosen. */
export function isApplicableOn({ from, to }: Application, day: string): boolean {
  return (from === null || from <= day) && (to === undefined || day <= to);
}

/** What of a product decides which catalogues are about it. */
export type ProductScope = {
  readonly markets: readonly string[];
  readonly hasRadio: boolean;
  readonly uses: readonly ProductUse[];
};

/** Why a catalogue is not about a product; undefined when it is. */
export function outOfScope({ scope }: Catalogue, product: ProductScope): string | undefined {
  const { markets, needsRadio, uses } = scope;
  if (markets !== undefined && !markets.some((one) => product.markets.includes(one))) {
    return `not sold in ${markets.join(', ')}`;
  }
  if (needsRadio === true && !product.hasRadio) return 'has no radio';
  if (uses !== undefined && !uses.some((one) => product.uses.includes(one))) return `not for ${uses.join(', ')} use`;
  return undefined;
}
