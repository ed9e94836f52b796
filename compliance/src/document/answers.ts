/**
 * What the manufacturer answered to the points of a document, and what is said of points that nobody answered. An answer is
 * always *claimed*. Answers to points that no catalogue has are refused before any document is made: a typing error would
 * otherwise look like a gap.
 */
import type { CatalogueLibrary } from '../catalogue/index.ts';
import { aboutModel, type Model, type Product, ProductError } from '../product/index.ts';
import { type Block, claim, type Sentence } from './document.ts';
import { findIxitColumn } from './ixit-table.ts';

type Said = { readonly product: Product };

/** The manufacturer's words about one point. */
export function answersTo({ product }: Said, model: Model, reference: string): Sentence[] {
  return aboutModel(product.papers?.answers, model.id)
    .filter(({ to }) => to.includes(reference))
    .map(({ text }) => claim(text));
}

/** The same for several points, each answer once. */
export function answersToAny(records: Said, model: Model, references: readonly string[]): Sentence[] {
  const texts = new Set(references.flatMap((one) => answersTo(records, model, one).map(({ text }) => text)));
  return [...texts].map(claim);
}

/** A block of sentences, or none. */
export function textBlock(sentences: readonly Sentence[]): readonly Block[] {
  return sentences.length === 0 ? [] : [{ kind: 'text', sentences }];
}

const SECTIONS = /^ARCHITECTURE (?:1?\d|2[01])$/;

function isKnown(library: CatalogueLibrary, reference: string): boolean {
  return library.find(reference) !== undefined || SECTIONS.test(reference);
}

/** Where an answer of the product points at nothing; undefined when all are of use. */
function strayOf(library: CatalogueLibrary, { papers }: Product): { at: string; actual: string } | undefined {
  if (papers === undefined) return undefined;
  const threats = new Set(library.catalogues.flatMap((one) => (one.threats ?? []).map(({ id }) => id)));
  const answers = (papers.answers ?? []).flatMap(({ to }, at) =>
    to.filter((one) => !isKnown(library, one)).map((actual) => ({ at: `answers.${at}.to`, actual })),
  );
  const trees = (papers.trees ?? []).flatMap(({ requirement }, at) =>
    library.find(requirement) === undefined ? [{ at: `trees.${at}.requirement`, actual: requirement }] : [],
  );
  const risks = (papers.risks ?? []).flatMap((one, at) =>
    (one.threats ?? []).filter((id) => !threats.has(id)).map((actual) => ({ at: `risks.${at}.threats`, actual })),
  );
  const ixit = (papers.ixit ?? []).flatMap(({ table, columns }, at) =>
    Object.keys(columns)
      .filter((column) => !findIxitColumn(table, column))
      .map((column) => ({ at: `ixit.${at}`, actual: `${table} ${column}` })),
  );
  return [...answers, ...trees, ...risks, ...ixit][0];
}

/** @throws ProductError PRODUCT_INVALID when an answer is about a point, threat or column that is not there */
export function refuseStrayAnswers(library: CatalogueLibrary, product: Product): void {
  const stray = strayOf(library, product);
  if (stray === undefined) return;
  const { at, actual } = stray;
  throw new ProductError('PRODUCT_INVALID', {
    at: `papers.${at}`,
    expected: 'a point, threat or column of the catalogues',
    actual,
  });
}
