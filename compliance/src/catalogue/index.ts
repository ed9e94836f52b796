/** Requirement catalogues: typed, validated, versioned data; when entries apply, what editions change, how they relate. */
export { type Application, applicationOf, isApplicableOn, outOfScope, type ProductScope } from './application.ts';
export { type Catalogue, type ProductUse, parseCatalogue, type Requirement, referenceOf } from './catalogue.ts';
export { compareEditions, type EntryChange } from './compare.ts';
export { CATALOGUE_ERRORS, CatalogueError, type CatalogueErrorCode } from './errors.ts';
export { CatalogueLibrary, type LibraryEntry, parseCrosswalk, type Topic } from './library.ts';
export { loadCatalogues } from './load.ts';
export {
  EVIDENCE_KINDS,
  type EvidenceKind,
  isWatchItem,
  SOURCE_STATUSES,
  type SourceStatus,
  VERIFICATIONS,
  type Verification,
} from './vocabulary.ts';
