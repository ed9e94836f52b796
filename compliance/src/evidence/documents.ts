/**
 * Documents that were taken in as evidence, read from the entries of a verified ledger (`urn:pawl:evidence:1`). One that was
 * withdrawn shows nothing any more; one that was replaced counts until the day on which it was. A statement that says more
 * than the rule of its kind of document allows is read as the rule says, whoever signed it.
 */
import { DOCUMENT_KINDS } from '@pawl/contract/management';
import type { BundleEntry } from '@pawl/core/evidence';
import type { EvidenceKind } from '../catalogue/index.ts';
import { DOCUMENT_RULES, isEvidenceKind } from './document-rules.ts';
import { GRADES, type Grade, isAtLeast } from './grade.ts';

type Document = {
  readonly index: number;
  readonly kind: EvidenceKind;
  readonly title: string;
  readonly grade: Grade;
  readonly issuer: string;
  readonly issuedOn: string;
  readonly validUntil: string | undefined;
  readonly edition: string | undefined;
  readonly models: readonly string[] | undefined;
  readonly requirements: readonly string[] | undefined;
};

type Predicate = BundleEntry['predicate'];

function textOf(predicate: Predicate, key: string): string | undefined {
  const value = predicate[key];
  return typeof value === 'string' ? value : undefined;
}

function wordsOf(predicate: Predicate, key: string): readonly string[] | undefined {
  const value = predicate[key];
  if (!Array.isArray(value)) return undefined;
  const words = (value as readonly unknown[]).filter((one) => typeof one === 'string');
  return words.length === 0 ? undefined : words;
}

function boundedGrade(predicate: Predicate): Grade {
  const kind = DOCUMENT_KINDS.find((known) => known === predicate['kind']);
  const grade = GRADES.find((known) => known === predicate['grade']);
  if (kind === undefined || grade === undefined) return 'claimed';
  const { most } = DOCUMENT_RULES[kind];
  return isAtLeast(most, grade) ? grade : most;
}

/** How each document ended, by its number. */
function endsOf(entries: readonly BundleEntry[]): Map<number, { readonly act: string; readonly on: string }> {
  const ends = new Map<number, { act: string; on: string }>();
  for (const { predicateType, predicate } of entries) {
    const { evidence } = predicate;
    const act = textOf(predicate, 'act') ?? '';
    if (predicateType !== 'urn:pawl:evidence:1' || typeof evidence !== 'number' || act === 'add') continue;
    ends.set(evidence, { act, on: (textOf(predicate, 'at') ?? '').slice(0, 10) });
  }
  return ends;
}

function earlier(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}

/** The documents about a product, in ledger order, one for each kind of evidence that they show. */
export function documentsOfEntries(entries: readonly BundleEntry[], product: string): Document[] {
  const ends = endsOf(entries);
  return entries.flatMap(({ index, predicateType, predicate }): Document[] => {
    const { evidence } = predicate;
    const isOurs = predicateType === 'urn:pawl:evidence:1' && predicate['product'] === product;
    if (!isOurs || predicate['act'] !== 'add' || typeof evidence !== 'number') return [];
    const end = ends.get(evidence);
    if (end?.act === 'withdraw') return [];
    const shared = {
      index,
      title: textOf(predicate, 'title') ?? '',
      grade: boundedGrade(predicate),
      issuer: textOf(predicate, 'issuer') ?? '',
      issuedOn: textOf(predicate, 'issuedOn') ?? '',
      validUntil: earlier(textOf(predicate, 'validUntil'), end?.on),
      edition: textOf(predicate, 'edition'),
      models: wordsOf(predicate, 'models'),
      requirements: wordsOf(predicate, 'requirements'),
    };
    return (wordsOf(predicate, 'shows') ?? []).filter(isEvidenceKind).map((kind) => ({ ...shared, kind }));
  });
}
