/**
 * Decisions that a requirement is not for a model, read from the entries of a verified ledger (`urn:pawl:waiver:1`). One counts
 * when it was approved by somebody else than who asked for it, and was not taken back; whatever a statement says of itself.
 */
import type { BundleEntry } from '@pawl/core/evidence';
import type { Waiver } from './matrix.ts';

function textOf(predicate: BundleEntry['predicate'], key: string): string {
  const value = predicate[key];
  return typeof value === 'string' ? value : '';
}

/** The decisions about a product that hold at the end of the ledger. */
export function waiversOfEntries(entries: readonly BundleEntry[], product: string): Waiver[] {
  const known = new Map<number, Waiver>();
  for (const { predicateType, predicate } of entries) {
    const { waiver } = predicate;
    if (predicateType !== 'urn:pawl:waiver:1' || typeof waiver !== 'number') continue;
    if (textOf(predicate, 'product') !== product) continue;
    const by = textOf(predicate, 'by');
    const isApproved = textOf(predicate, 'act') === 'approve' && by !== textOf(predicate, 'author');
    if (isApproved) {
      known.set(waiver, {
        reference: textOf(predicate, 'requirement'),
        model: textOf(predicate, 'model'),
        reason: textOf(predicate, 'reason'),
        approver: by,
        decidedOn: textOf(predicate, 'at').slice(0, 10),
      });
    } else if (textOf(predicate, 'act') === 'withdraw') known.delete(waiver);
  }
  return [...known.values()];
}
