/** Evidence as matrix and documents use it: its kind, models, grade, age, and the statement behind it. */
export { DOCUMENT_RULES, type DocumentRule, isEvidenceKind, refuseDocument } from './document-rules.ts';
export { countsUntil, Evidence, type EvidenceFacts, type LedgerPlace, whyNot } from './evidence.ts';
export { GRADES, type Grade, isAtLeast, KIND_RULES } from './grade.ts';
