/**
 * What a document that somebody hands in may show, by its kind: a rule, not an opinion. *observed* is nothing that is handed
 * in, because only a device signs what happened to it; *tested* takes a result that names the edition it was made by.
 */
import type { DocumentKind } from '@pawl/contract/management';
import { EVIDENCE_KINDS, type EvidenceKind } from '../catalogue/index.ts';
import { type Grade, isAtLeast } from './grade.ts';

export type DocumentRule = {
  /** The strongest grade that it may have. */
  readonly most: Grade;
  /** What it shows when nobody says. */
  readonly shows: EvidenceKind;
  /** The edition of the standard or specification is part of what it says. */
  readonly needsEdition?: true;
};

/** One row for every kind of document. */
export const DOCUMENT_RULES: Readonly<Record<DocumentKind, DocumentRule>> = {
  'lab-report': { most: 'tested', shows: 'test-report', needsEdition: true },
  'test-result': { most: 'tested', shows: 'test-report', needsEdition: true },
  certificate: { most: 'tested', shows: 'test-report', needsEdition: true },
  /** Made by another system of the manufacturer, as an SBOM or the log of a production line. */
  record: { most: 'configured', shows: 'config-record' },
  policy: { most: 'claimed', shows: 'policy-document' },
  procedure: { most: 'claimed', shows: 'process-record' },
  declaration: { most: 'claimed', shows: 'declaration-of-conformity' },
  'supplier-answer': { most: 'claimed', shows: 'supplier-evidence' },
  document: { most: 'claimed', shows: 'decision-record' },
  picture: { most: 'claimed', shows: 'hardware-capability-record' },
};

export function isEvidenceKind(text: string): text is EvidenceKind {
  return (EVIDENCE_KINDS as readonly string[]).includes(text);
}

/** What is wrong with a document by the rule of its kind; undefined when nothing is. */
export function refuseDocument(document: {
  readonly kind: DocumentKind;
  readonly grade: Grade;
  readonly edition?: string | undefined;
}): 'grade' | 'edition' | undefined {
  const { most, needsEdition } = DOCUMENT_RULES[document.kind];
  if (!isAtLeast(most, document.grade)) return 'grade';
  return needsEdition === true && document.edition === undefined ? 'edition' : undefined;
}
