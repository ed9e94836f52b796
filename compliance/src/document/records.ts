/** What documents are made from: one product, its evidence and its matrix as of a day. Nothing else enters a document. */
import type { CatalogueLibrary, EvidenceKind } from '../catalogue/index.ts';
import { type Evidence, isAtLeast, whyNot } from '../evidence/index.ts';
import { type Cell, gapMatrix, type Waiver } from '../gap/index.ts';
import type { Model, Product } from '../product/index.ts';
import { refuseStrayAnswers } from './answers.ts';
import { type Block, placeOf, type Sentence, shown } from './document.ts';

export type Records = {
  readonly library: CatalogueLibrary;
  readonly product: Product;
  readonly evidence: readonly Evidence[];
  readonly waivers: readonly Waiver[];
  readonly cells: readonly Cell[];
  /** Evidence that counts on the day: model -> kind -> pieces as they come. */
  readonly counting: ReadonlyMap<string, ReadonlyMap<EvidenceKind, readonly Evidence[]>>;
  /** Day. */
  readonly on: string;
};

/**
 * Gathers the records of a product; the matrix is computed once for all documents.
 * @throws ProductError PRODUCT_INVALID when the product answers a point that is not there
 */
export function recordsOf(from: Omit<Records, 'cells' | 'counting'>): Records {
  refuseStrayAnswers(from.library, from.product);
  return { ...from, cells: gapMatrix(from), counting: countingByModel(from) };
}

/** Evidence of some kinds that counts for a model on the day, strongest statements as they come. */
export function countingEvidence(
  { counting }: Records,
  model: Model,
  kinds: readonly EvidenceKind[],
): readonly Evidence[] {
  const own = counting.get(model.id);
  return kinds.flatMap((kind) => own?.get(kind) ?? []);
}

/** What counts for each model on the day, by kind: looked at once, because every section of every document asks. */
function countingByModel({ product, evidence, on }: Omit<Records, 'cells' | 'counting'>): Records['counting'] {
  return new Map(
    product.models.map(({ id }) => {
      const byKind = new Map<EvidenceKind, Evidence[]>();
      for (const one of evidence) {
        if (whyNot(one, id, on) !== undefined) continue;
        const group = byKind.get(one.facts.kind);
        if (group === undefined) byKind.set(one.facts.kind, [one]);
        else group.push(one);
      }
      return [id, byKind];
    }),
  );
}

/** The strongest of some pieces, and of those the newest. */
export function bestOf(all: readonly Evidence[]): Evidence | undefined {
  return all.reduce<Evidence | undefined>((best, one) => {
    if (best === undefined) return one;
    if (one.grade !== best.grade) return isAtLeast(one.grade, best.grade) ? one : best;
    return one.facts.issuedOn > best.facts.issuedOn ? one : best;
  }, undefined);
}

/** A piece of evidence in a cell of a table: kind, grade, day, and where its statement stands. */
export function proofText(evidence: Evidence): string {
  const { kind, issuedOn } = evidence.facts;
  return `${kind} (${evidence.grade}, ${issuedOn}, ${placeOf(evidence) ?? 'no statement'})`;
}

/** How many pieces behind one sentence are listed; the ledger has them all. */
const BACKING_MAX = 5;

/** One sentence for each title that the evidence carries, backed by the newest pieces of it. */
export function evidenceSentences(records: Records, model: Model, kinds: readonly EvidenceKind[]): Sentence[] {
  const byTitle = new Map<string, Evidence[]>();
  for (const one of countingEvidence(records, model, kinds)) {
    const key = `${one.grade} ${one.facts.title}`;
    const group = byTitle.get(key);
    if (group === undefined) byTitle.set(key, [one]);
    else group.push(one);
  }
  return [...byTitle.values()].map((group) => {
    const newest = group
      .toSorted((a, b) => (a.facts.issuedOn === b.facts.issuedOn ? 0 : a.facts.issuedOn > b.facts.issuedOn ? -1 : 1))
      .slice(0, BACKING_MAX);
    const [first, ...rest] = newest;
    if (first === undefined) throw new TypeError('a group has a member');
    const times = group.length === 1 ? '' : ` (${group.length} times)`;
    const title = first.facts.title;
    return shown(`${title.charAt(0).toUpperCase()}${title.slice(1)}${times}.`, [first, ...rest]);
  });
}

export function isSoldInEu({ markets }: Model): boolean {
  return markets.some(({ market }) => market === 'EU');
}

export function cellsOf({ cells }: Records, model: Model, catalogue?: string): Cell[] {
  return cells.filter(
    (cell) => cell.model === model.id && (catalogue === undefined || cell.entry.catalogue.catalogue === catalogue),
  );
}

export function cellFor({ cells }: Records, model: Model, reference: string): Cell | undefined {
  return cells.find((cell) => cell.model === model.id && cell.entry.reference === reference);
}

/** In words, why a cell stands as it does. */
export function explain(cell: Cell): string {
  const proofs = cell.kinds.flatMap(({ proof }) => (proof === undefined ? [] : [proofText(proof)]));
  const missing = cell.kinds.flatMap(({ kind, proof, reason }) =>
    proof === undefined ? [reason === undefined ? `no ${kind}` : `no ${kind}: ${reason}`] : [],
  );
  switch (cell.state) {
    case 'met':
      return proofs.join(', ');
    case 'partial':
      return [...proofs, ...missing].join('; ');
    case 'gap':
      return missing.join('; ');
    case 'not-applicable':
      return [cell.reason ?? '', ...(cell.approver === undefined ? [] : [`decided by ${cell.approver}`])].join('; ');
    case 'watch':
      return [cell.reason ?? 'reported only', `really: ${cell.counterparts.join(', ') || 'nothing'}`].join('; ');
  }
}

/** Requirement by requirement: state, why, source status and how the wording was verified. */
export function matrixTable(caption: string, cells: readonly Cell[]): Block {
  return {
    kind: 'table',
    caption,
    head: ['Requirement', 'In our words', 'State', 'Shown by, or missing', 'Source status', 'Wording verified'],
    rows: cells.map((cell) => [
      cell.entry.reference,
      cell.entry.requirement.title,
      cell.isApplicable || cell.entry.isWatchItem
        ? cell.state
        : `${cell.state} (applies from ${cell.application.from ?? 'no date'})`,
      explain(cell),
      cell.entry.requirement.source.status,
      cell.entry.requirement.verification,
    ]),
    grade: 'configured',
  };
}

export function editionsOf({ library }: Records): string[] {
  return library.catalogues.map(
    ({ catalogue, edition, status, retrieved }) => `${catalogue}: ${edition}; ${status}; retrieved ${retrieved}`,
  );
}
