/** Every document of a product: those of each model, then those of the whole. */
import { architectureDocument } from './architecture.ts';
import { declarationDraft, technicalFile, userInformation } from './cra.ts';
import type { Document } from './document.ts';
import { en18031Document, icsDocument, iec62443Document } from './forms.ts';
import { disclosurePolicy, recertificationPlan, statusLetter, supplierInquiry } from './product-papers.ts';
import type { Records } from './records.ts';
import { keyAudit, riskAssessment, testReport, threatModel } from './security.ts';

const OF_MODEL = [
  architectureDocument,
  technicalFile,
  declarationDraft,
  userInformation,
  icsDocument,
  en18031Document,
  iec62443Document,
  threatModel,
  riskAssessment,
  testReport,
  keyAudit,
] as const;

const OF_PRODUCT = [disclosurePolicy, recertificationPlan, statusLetter, supplierInquiry] as const;

/** Builds all documents from the same records. */
export function buildDocuments(records: Records): Document[] {
  return [
    ...records.product.models.flatMap((model) => OF_MODEL.map((build) => build(records, model))),
    ...OF_PRODUCT.map((build) => build(records)),
  ];
}
